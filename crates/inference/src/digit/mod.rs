//! A drawing or photograph of one digit, brought into the form in which the digits of MNIST are.
//!
//! MNIST's authors scaled each black and white digit, aspect kept, into a box of 20×20 with antialiasing, and put that
//! into 28×28 so that its centre of mass is at the centre (<http://yann.lecun.com/exdb/mnist/>). What people send is
//! grey, of any size, dark on light or light on dark, lit from one side, on ruled paper, off the centre. So, in order:
//!
//! 1. [`grey`]: one channel of at most [`LONGEST_SIDE`] pixels a side, alpha flattened;
//! 2. [`background`]: the paper is fitted and taken away, which also tells which way round the ink is;
//! 3. [`ruled`] lines are erased;
//! 4. [`parts`]: what belongs to the digit is kept, dust and the edge of the table are not;
//! 5. [`stroke`]: hairlines are made thicker, so that they survive the scaling;
//! 6. [`centre`]: scaled to 20 pixels and centred.

pub mod centre;

mod background;
mod grey;
mod parts;
mod plane;
mod ruled;
mod stroke;
mod surface;

pub use centre::{Digit, SIDE};

use darkroom_imaging::Frame;
use plane::{Area, Plane};

/// Larger frames are averaged down to this before anything else, which bounds the time and the memory of all the rest.
pub const LONGEST_SIDE: usize = 512;

/// The frame holds no ink that could be told from its background.
///
/// A blank frame is an answer about the image, not about a digit: ten equal scores would look like one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing is drawn on this image")]
pub struct NothingDrawn;

/// The digit of `frame` as MNIST's are: 28×28, row by row, 0 is paper and 1 is ink.
pub fn normalise(frame: &Frame) -> Result<Digit, NothingDrawn> {
    let grey = grey::of(frame, LONGEST_SIDE);
    let whole = find(&grey)?;
    let found = match sheet(&whole, &grey) {
        // A light sheet on a dark table is the largest "ink" there is. What is written on it is meant.
        Some(sheet) => find(&grey.crop(sheet)).unwrap_or(whole),
        None => whole,
    };
    Ok(centre::place(&stroke::even_out(found)))
}

/// Strength of the ink in 0..1, cropped to the digit, everything else erased.
struct Found {
    ink: Plane,
    /// Where it was in the plane that was searched, in that plane's pixels.
    area: Area,
}

fn find(grey: &Plane) -> Result<Found, NothingDrawn> {
    let ink = background::remove(grey).ok_or(NothingDrawn)?;
    let scale = grey.width as f32 / ink.plane.width as f32;
    let mut plane = ink.plane;
    ruled::erase(&mut plane);
    let area = parts::keep(&mut plane).ok_or(NothingDrawn)?;
    Ok(Found { ink: plane.crop(area), area: area.scaled(scale) })
}

/// The inside of what was found, if that looks like a sheet of paper: large, and broader than any stroke.
fn sheet(found: &Found, grey: &Plane) -> Option<Area> {
    const LEAST_PART_OF_THE_FRAME: f32 = 0.15;
    const LEAST_FILL: f32 = 0.6;
    let area = found.area;
    let part = (area.width() * area.height()) as f32 / (grey.width * grey.height) as f32;
    let fill = found.ink.values.iter().sum::<f32>() / found.ink.values.len() as f32;
    let broad = stroke::broadest(&found.ink) > 0.25 * found.ink.width.max(found.ink.height) as f32;
    (part > LEAST_PART_OF_THE_FRAME && fill > LEAST_FILL && broad).then(|| area.shrunk(area.shorter() / 12))
}
