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

use background::Ink;
use darkroom_imaging::Frame;
use plane::{Area, Plane};

/// Larger frames are averaged down to this before anything else, which bounds the time and the memory of all the rest.
pub const LONGEST_SIDE: usize = 240;
/// The shorter side that a frame should have where its decoder can choose: a digit may be a small part of a photo.
/// With the usual margin of 2 the reduced frame is still larger than [`LONGEST_SIDE`].
pub const WANTED_SIDE: u32 = 120;

/// The frame holds no ink that could be told from its background.
///
/// A blank frame is an answer about the image, not about a digit: ten equal scores would look like one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing is drawn on this image")]
pub struct NothingDrawn;

/// The digit of `frame` as MNIST's are: 28×28, row by row, 0 is paper and 1 is ink.
pub fn normalise(frame: &Frame) -> Result<Digit, NothingDrawn> {
    if frame.width == 0 || frame.height == 0 {
        return Err(NothingDrawn);
    }
    let grey = grey::of(frame, LONGEST_SIDE);
    let whole = find(&grey)?;
    let written = sheet(&whole, &grey).and_then(|sheet| find(&grey.crop(sheet)).ok());
    let found = match written {
        Some(written) if written.light != whole.light => written,
        _ => whole,
    };
    Ok(centre::place(&stroke::even_out(found.ink)))
}

/// Strength of the ink in 0..1, cropped to the digit, everything else erased.
struct Found {
    ink: Plane,
    /// Whether it is lighter than its paper.
    light: bool,
    /// Where it was in the plane that was searched, in that plane's pixels.
    area: Area,
}

fn find(grey: &Plane) -> Result<Found, NothingDrawn> {
    let Ink { mut plane, light, .. } = background::remove(grey).ok_or(NothingDrawn)?;
    let area = match ruled::without_lines(&plane) {
        Some(mut unruled) => parts::keep(&mut unruled).inspect(|_| plane = unruled),
        None => None,
    };
    // If there is nothing but lines, they are what was drawn: a 1 from side to side.
    let area = area.or_else(|| parts::keep(&mut plane)).ok_or(NothingDrawn)?;
    let scale = grey.width as f32 / plane.width as f32;
    Ok(Found { ink: plane.crop(area), light, area: area.scaled(scale) })
}

/// The inside of what was found, if that could be a sheet of paper on a table, which is the largest "ink" there is:
/// then what is written on the sheet is meant. It is large, and broader than a stroke or filled to its edges.
fn sheet(found: &Found, grey: &Plane) -> Option<Area> {
    const LEAST_PART_OF_THE_FRAME: f32 = 0.15;
    const LEAST_FILL: f32 = 0.6;
    const LEAST_RIM: f32 = 0.8;
    const LEAST_BREADTH: f32 = 0.2;
    let (area, ink) = (found.area, &found.ink);
    let part = (area.width() * area.height()) as f32 / (grey.width * grey.height) as f32;
    let whole = ink.area();
    let fill = ink.mean(whole);
    if part < LEAST_PART_OF_THE_FRAME || fill < LEAST_FILL {
        return None;
    }
    let inside = whole.shrunk(whole.shorter() / 12);
    let (all, inner) = (whole.pixels() as f32, inside.pixels() as f32);
    let rim = (fill * all - ink.mean(inside) * inner) / (all - inner).max(1.0);
    let broad = || stroke::broadest(ink) > LEAST_BREADTH * ink.longer() as f32;
    (rim > LEAST_RIM || broad()).then(|| area.shrunk(area.shorter() / 12))
}
