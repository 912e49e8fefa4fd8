//! The words and rules of Darkroom. No runtime, no database, no HTTP, no pixels: what is here is true everywhere.
//!
//! Read in this order: [`operation`] (what can be done to an image), [`job`] (what a client submits, and its life as
//! one function), [`run`] (many jobs over one dataset), [`fairness`] (who is next), [`exact`] (sums that no order
//! changes), [`store`] (where jobs live), [`user`] (who may ask), [`prediction`] (what models said), [`latencies`] (how long
//! it took).

pub mod exact;
pub mod fairness;
pub mod id;
pub mod job;
pub mod latencies;
pub mod operation;
pub mod prediction;
pub mod retry;
pub mod run;
pub mod store;
pub mod time;
pub mod user;

pub use id::{BlobId, JobId, KeyId, RunId, SessionId, TokenId, TokenKeyId, UserId};
pub use latencies::Latencies;
pub use operation::Operation;
pub use retry::RetryPolicy;
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
