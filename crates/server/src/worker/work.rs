//! What an attempt does to its image: one look for everything that is asked of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use darkroom_core::{
    Operation,
    job::Job,
    operation::{Background, Thumbnail},
    store::CacheKey,
};
use darkroom_imaging::{FrameRequest, Guard, Inspected, Rendition, Spent};
use serde_json::{Value, json};

use super::failure::Broken;
use crate::{
    blobs::{BlobError, Blobs, Stored, Written},
    host,
    predict::{self, Asked, Experts, Predictor, Said, Seen},
};

/// The operations of a job, with the models that they ask.
pub(super) struct Work {
    operations: Vec<Operation>,
    models: Vec<Option<Experts>>,
    thumbnails: Vec<Thumbnail>,
}

/// How the work went on.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Steps of pixel work.
    pub(super) spent: Spent,
    /// When the first question was put to a model.
    pub(super) asked: Option<Instant>,
}

/// What one operation gave, or waits for.
pub(super) enum Step {
    /// It is done.
    Done(Product),
    /// A model was asked, then.
    Asked(Asked, Instant),
}

/// What one operation gave.
pub(super) struct Product {
    /// The result as the API shows it.
    pub(super) document: Value,
    /// Files that are to become artifacts.
    pub(super) files: Vec<File>,
    /// From asking a model to its answer.
    pub(super) model: Option<Duration>,
    /// Whether it was remembered.
    pub(super) cached: bool,
}

/// An artifact that has no name yet.
pub(super) struct File {
    pub(super) stem: String,
    pub(super) extension: &'static str,
    pub(super) media_type: &'static str,
    pub(super) content: Content,
    /// The object of the document that tells its name and size, as a JSON pointer.
    pub(super) place: String,
}

/// What is in a file.
pub(super) enum Content {
    /// These bytes, which are to be stored.
    Bytes(Vec<u8>),
    /// These bytes were written; they are to become durable.
    Written(Written),
    /// A blob that is there, and held.
    Stored(Stored),
}

impl Work {
    /// Finds the models; nothing is loaded yet.
    pub(super) fn of(operations: &[Operation], predictor: &Predictor) -> Result<Self, Broken> {
        let models = operations.iter().map(|operation| predictor.models_of(operation).transpose());
        Ok(Self {
            models: models.collect::<Result<_, _>>()?,
            thumbnails: thumbnails(operations),
            operations: operations.to_vec(),
        })
    }

    /// What each result is remembered by.
    pub(super) fn keys(&self, job: &Job) -> Vec<CacheKey> {
        let each = self.operations.iter().zip(&self.models);
        each.map(|(asked, experts)| predict::key(&job.owner, job.input.blob, asked, experts.as_ref()))
            .collect()
    }

    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// What is left of it without what is known already.
    pub(super) fn without(self, known: &[Option<Product>]) -> Self {
        let unknown = |place: usize| known.get(place).is_none_or(Option::is_none);
        let each = self.operations.into_iter().zip(self.models).enumerate();
        let (operations, models): (Vec<_>, Vec<_>) =
            each.filter(|(place, _)| unknown(*place)).map(|(_, left)| left).unzip();
        Self { thumbnails: thumbnails(&operations), operations, models }
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
    pub(super) fn done(
        &self,
        image: &Inspected,
        guard: &Guard,
        pace: &mut Pace,
    ) -> Result<Vec<Step>, Broken> {
        let began = host::thread_time();
        let broken = |error| Broken::of_work(error, host::thread_time().saturating_sub(began));
        let mut renditions =
            image.render_timed(&self.thumbnails, guard, &mut pace.spent).map_err(broken)?.into_iter();
        let mut frames = Vec::new();
        for request in self.frames(image) {
            let frame = pace.spent.decoding(|| image.frame(&request, guard));
            let frame = Arc::new(frame.map_err(broken)?);
            frames.push((request.background, Seen { frame, size: image.upright_size() }));
        }
        let mut steps = Vec::with_capacity(self.operations.len());
        for (operation, experts) in self.operations.iter().zip(&self.models) {
            let seen = experts.as_ref().map(|experts| (experts, seen_by(operation, experts, &frames)));
            steps.push(match (operation, seen) {
                (_, Some((experts, Some(seen)))) => {
                    pace.asked.get_or_insert_with(Instant::now);
                    Step::Asked(predict::ask(operation, experts, seen)?, Instant::now())
                }
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
            let mut wanted = predict::frame_of(operation, &experts.first);
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
    let background = predict::frame_of(operation, &experts.first).background;
    let own = frames.iter().find(|(behind, _)| *behind == background);
    own.or(frames.first()).map(|(_, seen)| seen)
}

impl Product {
    fn nothing() -> Self {
        Self { document: Value::Null, files: Vec::new(), model: None, cached: false }
    }
}

impl Content {
    /// Writes what is to be stored. Blocks.
    pub(super) fn written(self, blobs: &Blobs) -> Result<Self, BlobError> {
        match self {
            Self::Bytes(bytes) => Ok(Self::Written(blobs.write(bytes.into())?)),
            content => Ok(content),
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Written(written) => written.bytes(),
            Self::Stored(stored) => stored.bytes,
        }
    }
}

/// Waits for the models.
pub(super) async fn products(steps: Vec<Step>) -> Result<Vec<Product>, Broken> {
    let mut products = Vec::with_capacity(steps.len());
    for step in steps {
        products.push(match step {
            Step::Done(product) => product,
            Step::Asked(asked, at) => {
                let said = said(asked.await?);
                Product { model: Some(at.elapsed()), ..said }
            }
        });
    }
    Ok(products)
}

fn thumbnails(operations: &[Operation]) -> Vec<Thumbnail> {
    let thumbnail = |operation: &Operation| match operation {
        Operation::Thumbnail(thumbnail) => Some(thumbnail.clone()),
        _ => None,
    };
    operations.iter().filter_map(thumbnail).collect()
}

/// What the name of a thumbnail's file begins with.
pub(super) fn thumbnail_stem(thumbnail: &Thumbnail) -> String {
    thumbnail.name.clone().unwrap_or_else(|| "thumbnail".to_owned())
}

fn made_of(thumbnail: &Thumbnail, made: Rendition) -> Product {
    let document = json!({
        "format": made.format.to_string().to_lowercase(),
        "width": made.width,
        "height": made.height,
        "frames": made.frames,
    });
    let file = File {
        stem: thumbnail_stem(thumbnail),
        extension: made.format.extension(),
        media_type: made.format.media_type(),
        content: Content::Bytes(made.bytes),
        place: String::new(),
    };
    Product { document, files: vec![file], model: None, cached: false }
}

fn said(said: Said) -> Product {
    let file = |file: predict::File| File {
        stem: file.stem,
        extension: file.extension,
        media_type: file.media_type,
        content: Content::Bytes(file.bytes),
        place: file.place,
    };
    let files = said.files.into_iter().map(file).collect();
    Product { document: said.document, files, model: None, cached: false }
}
