//! Bounded decoding, thumbnails and encoding. Synchronous, no I/O but the source that it is handed.
//!
//! One image takes this way: [`inspect`] reads the header and checks the limits, the plan says how small the
//! decoder may go, `decode` gives a frame, each requested thumbnail is resampled from that one frame, its colour and
//! orientation are put right while it is small, and it is encoded.

pub mod error;
pub mod frame;
pub mod guard;
pub mod header;
pub mod limits;
pub mod memory;
pub mod source;

mod colour;
mod decode;
mod develop;
mod encode;
mod framing;
mod geometry;
mod inspect;
mod levels;
mod light;
mod metadata;
mod orient;
mod plan;
mod reducer;
mod render;
mod resample;
mod smart;
mod sniff;
mod spent;

pub use darkroom_core::operation::Filter;
pub use error::ImageError;
pub use frame::{Frame, Layout};
pub use framing::FrameRequest;
pub use guard::Guard;
pub use header::{Format, Header, Orientation};
pub use inspect::inspect;
pub use limits::Limits;
pub use plan::memory_needed;
pub use render::{Inspected, Rendition, encode, render};
pub use resample::scaled;
pub use sniff::{ENOUGH as RECOGNISABLE, format as recognise};
pub use source::Source;
pub use spent::Spent;
