//! Faces: found by a detector of YuNet's kind, aligned by five points, embedded by one of SFace's kind.
//!
//! One picture takes this way: [`level`] says at which sizes it is looked at, and [`search`] asks the detector about
//! each; [`decode`] turns what comes back into candidates, [`suppress`] keeps one for each face; [`align`] finds how a
//! face is turned and [`warp`] cuts it out upright; [`embed`] makes a vector of it, and [`compare`] says whether two
//! vectors are of one person.
//!
//! Models: YuNet (W. Wu, H. Peng, S. Yu: "YuNet: A Tiny Millisecond-level Face Detector", 2023) and SFace (Y. Zhong
//! et al.: "SFace: Sigmoid-Constrained Hypersphere Loss", 2021), as OpenCV's model zoo publishes them.

mod search;

mod decode;
mod level;
mod suppress;

mod align;
mod warp;

mod embed;

pub mod compare;

pub use align::{CROP_SIDE, Similarity, TEMPLATE};
pub use decode::{STRIDES, candidates};
pub use embed::{Embedded, Embedding};
pub use level::Level;
pub use search::{Answered, Search, Searching, memory_needed};
pub use suppress::{OVERLAP, suppressed};
pub use warp::{crop, warp};

/// Faces of one picture at most; of more, the surest stay.
pub const MOST_FACES: usize = 1_000;

/// A place in a picture, in pixels from its top left corner. Outside of the picture it has negative or greater numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Point {
    pub x: f32,
    pub y: f32,
}

/// A rectangle in pixels, not cut off at the borders of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Area {
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
}

/// A face that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Face {
    /// Where it is, from brow to chin.
    pub area: Area,
    /// Right eye, left eye, tip of the nose, right and left corner of the mouth; right and left are the person's own.
    pub landmarks: [Point; 5],
    /// How sure the detector is, from 0 to 1.
    pub score: f32,
}

impl Face {
    /// The same face in a picture that is scaled so.
    #[must_use]
    pub fn scaled(self, across: f32, down: f32) -> Self {
        let Area { left, top, width, height } = self.area;
        Self {
            area: Area { left: left * across, top: top * down, width: width * across, height: height * down },
            landmarks: self.landmarks.map(|point| Point { x: point.x * across, y: point.y * down }),
            score: self.score,
        }
    }
}

impl Area {
    /// Pixels covered.
    pub fn size(self) -> f32 {
        self.width * self.height
    }

    /// Whether nothing of it lies outside of a picture of this size.
    pub fn is_within(self, (width, height): (u32, u32)) -> bool {
        self.left >= 0.0
            && self.top >= 0.0
            && self.left + self.width <= width as f32
            && self.top + self.height <= height as f32
    }

    /// The part that lies within a picture of this size; may be empty.
    #[must_use]
    pub fn within(self, (width, height): (u32, u32)) -> Self {
        let (left, top) = (self.left.clamp(0.0, width as f32), self.top.clamp(0.0, height as f32));
        let right = (self.left + self.width).clamp(left, width as f32);
        let bottom = (self.top + self.height).clamp(top, height as f32);
        Self { left, top, width: right - left, height: bottom - top }
    }
}
