//! Asking a detector about a picture.

use std::borrow::Cow;

use darkroom_imaging::Frame;

use super::{Face, Level, Similarity, candidates, suppressed};
use crate::{InferenceError, Model, Pending, image, tensor::Named};

/// How a picture is searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Search {
    /// The finest look has at most as many pixels as a square of this side. Twice as much finds faces half as large,
    /// and takes four times as long.
    pub side: u32,
    /// Faces with a smaller score are none.
    pub min_score: f32,
}

/// A search that is under way.
#[must_use = "dropping it withdraws the questions"]
#[derive(Debug)]
pub struct Searching {
    model: String,
    size: (u32, u32),
    min_score: f32,
    looks: Vec<(Level, Pending<Vec<Named>>)>,
}

/// What the detector said, before faces are made of it.
#[derive(Debug)]
pub struct Answered {
    model: String,
    size: (u32, u32),
    min_score: f32,
    looks: Vec<(Level, Vec<Named>)>,
}

impl Search {
    /// Scales the frame (grey or RGB, upright) to each look, at once and in this thread, and asks about all of them.
    pub fn ask(self, detector: &Model, frame: &Frame) -> Result<Searching, InferenceError> {
        let input = detector.manifest().image.as_ref().ok_or_else(|| takes_no_images(detector))?;
        let size = (frame.width, frame.height);
        let levels = Level::all(size, input, self.side);
        // From fine to coarse: the next copy is made of the one before, which is quicker than from the frame.
        let mut copy = Cow::Borrowed(frame);
        let mut looks = Vec::with_capacity(levels.len());
        for level in levels {
            if (copy.width, copy.height) != level.scaled {
                copy = Cow::Owned(image::scaled(&copy, level.scaled, input.filter));
            }
            let tensor = image::on_top_left(&copy, input, level.canvas).map_err(InferenceError::BadInput)?;
            looks.push((level, detector.infer_tensor_of_image(tensor)?));
        }
        Ok(Searching { model: detector.id().to_owned(), size, min_score: self.min_score, looks })
    }
}

/// Bytes that searching a frame of this size, with [`Search::side`] as `square`, takes beside the frame and the engine's own memory.
pub fn memory_needed(detector: &Model, size: (u32, u32), square: u32) -> u64 {
    let Some(input) = &detector.manifest().image else { return 0 };
    let pixels = |(width, height): (u32, u32)| u64::from(width) * u64::from(height);
    let channels = input.colour.channels() as u64;
    // The tensor of floats, the canvas, and the copy that it is made of.
    let look = |level: &Level| (4 + 1) * channels * pixels(level.canvas) + channels * pixels(level.scaled);
    Level::all(size, input, square).iter().map(look).sum::<u64>() + channels * pixels(size)
}

impl Searching {
    /// What the detector says, once all its runs are done.
    pub async fn answered(self) -> Result<Answered, InferenceError> {
        let Self { model, size, min_score, looks } = self;
        let mut answers = Vec::with_capacity(looks.len());
        for (level, pending) in looks {
            answers.push((level, pending.await?));
        }
        Ok(Answered { model, size, min_score, looks: answers })
    }

    /// The same for threads: blocks this one.
    pub fn wait(self) -> Result<Answered, InferenceError> {
        let Self { model, size, min_score, looks } = self;
        let answer = |(level, pending): (Level, Pending<Vec<Named>>)| Ok((level, pending.wait()?));
        let looks = looks.into_iter().map(answer).collect::<Result<_, InferenceError>>()?;
        Ok(Answered { model, size, min_score, looks })
    }
}

impl Answered {
    /// The faces, the surest first, in pixels of the frame. About a millisecond for a million pixels.
    pub fn faces(&self) -> Result<Vec<Face>, InferenceError> {
        found(&self.looks, self.size, self.min_score)
            .map_err(|detail| InferenceError::BadModel { model: self.model.clone(), detail })
    }
}

fn found(looks: &[(Level, Vec<Named>)], size: (u32, u32), min_score: f32) -> Result<Vec<Face>, String> {
    let mut all = Vec::new();
    for (level, outputs) in looks {
        let counts = |face: &Face| {
            let longer = face.area.width.max(face.area.height);
            // Without a direction it is no face.
            level.largest.is_none_or(|largest| longer <= largest)
                && Similarity::to_template(&face.landmarks).is_some()
        };
        let across = size.0 as f32 / level.scaled.0 as f32;
        let down = size.1 as f32 / level.scaled.1 as f32;
        let here = candidates(outputs, level.canvas, min_score)?;
        all.extend(here.into_iter().filter(counts).map(|face| face.scaled(across, down)));
    }
    Ok(suppressed(all))
}

fn takes_no_images(model: &Model) -> InferenceError {
    InferenceError::BadInput(format!("model `{}` takes no images", model.id()))
}
