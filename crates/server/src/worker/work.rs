//! What an attempt does to its image: one look for everything that is asked of it.

use std::sync::Arc;

use darkroom_core::{
    Operation,
    operation::{Background, Thumbnail},
};
use darkroom_imaging::{FrameRequest, Guard, Inspected, Rendition};
use serde_json::{Value, json};

use super::failure::Broken;
use crate::{
    host,
    predict::{self, Asked, Experts, File, Predictor, Seen},
};

/// The operations of a job, with the models that they ask.
pub(super) struct Work {
    operations: Vec<Operation>,
    models: Vec<Option<Experts>>,
    thumbnails: Vec<Thumbnail>,
}

/// What one operation gave, or waits for.
pub(super) enum Step {
    /// It is done.
    Done(Product),
    /// A model is asked.
    Asked(Asked),
}

/// What one operation gave.
pub(super) struct Product {
    /// The result as the API shows it.
    pub(super) document: Value,
    /// Files that are to become artifacts.
    pub(super) files: Vec<File>,
}

impl Work {
    /// Finds the models; nothing is loaded yet.
    pub(super) fn of(operations: &[Operation], predictor: &Predictor) -> Result<Self, Broken> {
        let models = operations.iter().map(|operation| predictor.models_of(operation).transpose());
        let thumbnail = |operation: &Operation| match operation {
            Operation::Thumbnail(thumbnail) => Some(thumbnail.clone()),
            _ => None,
        };
        Ok(Self {
            models: models.collect::<Result<_, _>>()?,
            thumbnails: operations.iter().filter_map(thumbnail).collect(),
            operations: operations.to_vec(),
        })
    }

    /// Bytes of working memory for the pixels.
    pub(super) fn memory_needed(&self, image: &Inspected) -> u64 {
        let thumbnails = image.memory_needed(&self.thumbnails);
        // Thumbnails first, then the frames for the models.
        let frames: u64 = self.frames(image).iter().map(|frame| image.frame_memory_needed(frame)).sum();
        let questions: u64 = self
            .questions()
            .filter_map(|(operation, experts)| {
                predict::memory_needed(operation, &experts.first, image.upright_size())
            })
            .sum();
        thumbnails.max(frames + questions)
    }

    /// Whether frames are needed until the models have answered.
    pub(super) fn holds_frames(&self) -> bool {
        self.questions()
            .any(|(operation, experts)| predict::memory_needed(operation, &experts.first, (1, 1)).is_some())
    }

    /// The operations that ask models.
    fn questions(&self) -> impl Iterator<Item = (&Operation, &Experts)> {
        let pairs = self.operations.iter().zip(&self.models);
        pairs.filter_map(|(operation, experts)| Some((operation, experts.as_ref()?)))
    }

    /// Does the pixel work, and asks the models.
    pub(super) fn done(&self, image: &Inspected, guard: &Guard) -> Result<Vec<Step>, Broken> {
        let began = host::thread_time();
        let broken = |error| Broken::of_work(error, host::thread_time().saturating_sub(began));
        let mut renditions = image.render(&self.thumbnails, guard).map_err(broken)?.into_iter();
        let mut frames = Vec::new();
        for request in self.frames(image) {
            let frame = Arc::new(image.frame(&request, guard).map_err(broken)?);
            frames.push((request.background, Seen { frame, size: image.upright_size() }));
        }
        let mut steps = Vec::with_capacity(self.operations.len());
        for (operation, experts) in self.operations.iter().zip(&self.models) {
            let seen = experts.as_ref().map(|experts| (experts, seen_by(operation, experts, &frames)));
            steps.push(match (operation, seen) {
                (_, Some((experts, Some(seen)))) => Step::Asked(predict::ask(operation, experts, seen)?),
                (Operation::Thumbnail(thumbnail), _) => {
                    let rendition = renditions.next();
                    Step::Done(rendition.map_or_else(Product::nothing, |made| made_of(thumbnail, made)))
                }
                _ => Step::Done(Product::nothing()),
            });
        }
        Ok(steps)
    }

    /// The frames that serve all models: one, or two where alpha is there and only some of them want it.
    fn frames(&self, image: &Inspected) -> Vec<FrameRequest> {
        let mut frames: Vec<FrameRequest> = Vec::new();
        for (operation, experts) in self.questions() {
            let mut wanted = predict::frame_for(operation, &experts.first);
            if !image.has_alpha() {
                wanted.background = FrameRequest::default().background;
            }
            match frames.iter_mut().find(|frame| frame.background == wanted.background) {
                Some(frame) => *frame = frame.larger(wanted),
                None => frames.push(wanted),
            }
        }
        frames
    }
}

/// The frame that a model is shown: the one with its background, or the only one.
fn seen_by<'a>(
    operation: &Operation,
    experts: &Experts,
    frames: &'a [(Option<Background>, Seen)],
) -> Option<&'a Seen> {
    let background = predict::frame_for(operation, &experts.first).background;
    let own = frames.iter().find(|(behind, _)| *behind == background);
    own.or(frames.first()).map(|(_, seen)| seen)
}

impl Product {
    fn nothing() -> Self {
        Self { document: Value::Null, files: Vec::new() }
    }
}

/// Waits for the models.
pub(super) async fn products(steps: Vec<Step>) -> Result<Vec<Product>, Broken> {
    let mut products = Vec::with_capacity(steps.len());
    for step in steps {
        products.push(match step {
            Step::Done(product) => product,
            Step::Asked(asked) => {
                let said = asked.await?;
                Product { document: said.document, files: said.files }
            }
        });
    }
    Ok(products)
}

fn made_of(thumbnail: &Thumbnail, made: Rendition) -> Product {
    let document = json!({
        "format": made.format.to_string().to_lowercase(),
        "width": made.width,
        "height": made.height,
        "frames": made.frames,
    });
    let file = File {
        stem: thumbnail.name.clone().unwrap_or_else(|| "thumbnail".to_owned()),
        extension: made.format.extension(),
        media_type: made.format.media_type(),
        bytes: made.bytes,
        place: String::new(),
    };
    Product { document, files: vec![file] }
}
