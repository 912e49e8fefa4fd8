//! From files to sessions: digest, engine, contract between manifest and model, and a warm-up that measures.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use crate::{
    InferenceError,
    batcher::Run,
    config::{Provider, Share},
    engine::{EngineError, LoadOptions, Session},
    manifest::{Description, ImageInput},
    model::House,
    tensor::{ElementType, Tensor, TensorInfo},
};

/// On processors, models that take no longer than this part of `models.quick` run in batches.
const BATCHES_PAY: u32 = 10;

/// What a loaded model takes and gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// What it takes.
    pub inputs: Vec<TensorInfo>,
    /// What it gives.
    pub outputs: Vec<TensorInfo>,
    /// Requests that may share a run.
    pub batch: usize,
    /// Threads that one run is spread over.
    pub threads: usize,
    /// Runs beside each other.
    pub sessions: usize,
}

/// Loads one model, and again.
pub(crate) struct Loader {
    /// `name/version`.
    pub(crate) id: String,
    pub(crate) folder: PathBuf,
    pub(crate) description: Arc<Description>,
    pub(crate) house: House,
    /// Set by the first load; further sessions have the same.
    loaded: OnceLock<Arc<Signature>>,
}

/// A session, and how it is used best.
struct Fastest {
    session: Box<dyn Session>,
    threads: usize,
    sessions: usize,
    batch: usize,
}

type Loaded = (Box<dyn Session>, Arc<Signature>);

impl Loader {
    pub(crate) fn new(id: String, folder: PathBuf, description: Arc<Description>, house: House) -> Self {
        Self { id, folder, description, house, loaded: OnceLock::new() }
    }

    /// The first session, and how many there may be.
    pub(crate) fn first(&self) -> Result<(Loaded, usize), InferenceError> {
        self.description.check_digest(&self.folder).map_err(|what| self.bad(&what))?;
        let started = Instant::now();
        let Fastest { session, threads, sessions, batch } = self.fastest()?;
        let batches = session.inputs().iter().chain(session.outputs()).all(TensorInfo::takes_batches);
        let signature = Arc::new(Signature {
            inputs: session.inputs().to_vec(),
            outputs: session.outputs().to_vec(),
            batch: if batches { batch } else { 1 },
            threads,
            sessions,
        });
        // Loading takes several times the memory that stays in use.
        darkroom_imaging::memory::give_back();
        tracing::info!(model = %self.id, threads, sessions, took = ?started.elapsed(), "a model is loaded");
        let _set_before_if_loaded_twice = self.loaded.set(Arc::clone(&signature));
        Ok(((session, signature), sessions))
    }

    /// What the first session said.
    pub(crate) fn signature(&self) -> Option<Arc<Signature>> {
        self.loaded.get().cloned()
    }

    /// One more session.
    pub(crate) fn another(&self) -> Result<Loaded, InferenceError> {
        let signature = self.loaded.get().ok_or_else(|| self.bad("it has never been loaded"))?;
        Ok((self.open(signature.threads)?, Arc::clone(signature)))
    }

    /// A session with the threads that suit the model, and how it is to be used.
    ///
    /// A model that is quick on one thread does more on several single-thread sessions; a slow one does more on one
    /// session with all processors, which takes the memory of one and answers sooner. Batches pay where a run costs
    /// hardly more than calling it (digits: a seventh); to others they give nothing on processors (ResNet-50: 12.3
    /// images a second either way) and take memory (EfficientNet-Lite2: 630 MB for 230) and the time of the first in
    /// line.
    fn fastest(&self) -> Result<Fastest, InferenceError> {
        let Share { processors, threads, sessions, .. } = self.house.share;
        let first = if threads == 0 { 1 } else { threads };
        let mut session = self.open(first)?;
        self.keeps_word(session.as_ref())?;
        let took = self.warm_up(&mut session, first)?;
        let slow = took.is_some_and(|took| took > self.house.share.quick);
        let most = self.description.manifest.batch.most;
        let heavy = took.is_some_and(|took| took > self.house.share.quick / BATCHES_PAY);
        let batch = if heavy && self.house.share.provider == Provider::Cpu { 1 } else { most };
        if slow && threads == 0 && processors > 1 && sessions != processors {
            // Before the next one is there: two at once would take the memory of two.
            drop(session);
            session = self.open(processors)?;
            self.warm_up(&mut session, processors)?;
            return Ok(Fastest { session, threads: processors, sessions: sessions.max(1), batch });
        }
        let beside = if sessions > 0 { sessions } else { (processors / first).max(1) };
        let sessions = if slow && sessions == 0 { 1 } else { beside };
        Ok(Fastest { session, threads: first, sessions, batch })
    }

    fn open(&self, threads: usize) -> Result<Box<dyn Session>, InferenceError> {
        let manifest = &self.description.manifest;
        let engine = self.house.engines.for_model(manifest.isolated)?;
        let options = LoadOptions { threads, digest: manifest.sha256.clone() };
        engine.load(&self.folder.join(&manifest.file), &options).map_err(|error| match error {
            EngineError::Model(what) => self.bad(&what),
            EngineError::Run(what) => InferenceError::Failed { model: self.id.clone(), detail: what },
            // Nobody is to be able to crash processes without end.
            EngineError::Crashed(what) => self.bad(&format!("loading it crashed: {what}")),
        })
    }

    /// Compares what the manifest says with what the model says of itself.
    fn keeps_word(&self, session: &dyn Session) -> Result<(), InferenceError> {
        contract(&self.description, session).map_err(|what| self.bad(&what))
    }

    /// Runs twice on zeros and gives the time of the second run. A model for images has to manage that; of another,
    /// nobody knows whether zeros make sense to it.
    fn warm_up(
        &self,
        session: &mut Box<dyn Session>,
        threads: usize,
    ) -> Result<Option<Duration>, InferenceError> {
        let Some(zeros) = zeros(session.inputs(), &self.description) else { return Ok(None) };
        let named: Vec<(&str, &Tensor)> =
            zeros.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let mut took = Duration::ZERO;
        for _ in 0..2 {
            let watched = self.house.watch.over(Run {
                model: self.id.clone(),
                allowed: self.house.run_time,
                stop: session.stopper(),
                replies: Vec::new(),
            });
            let started = Instant::now();
            let outcome = session.run(&named);
            took = started.elapsed();
            let late = watched.is_late();
            match outcome {
                Ok(_) if late => return Ok(Some(took)),
                Ok(outputs) => self.scores_fit(&outputs)?,
                Err(error) if self.description.manifest.image.is_some() => {
                    return Err(self.bad(&format!("it fails on an empty image: {error}")));
                }
                Err(EngineError::Crashed(what)) => {
                    tracing::debug!(model = %self.id, what, "the warm-up on zeros ended its session");
                    *session = self.open(threads)?;
                    return Ok(None);
                }
                Err(error) => {
                    tracing::debug!(model = %self.id, %error, "the warm-up on zeros failed");
                    return Ok(None);
                }
            }
        }
        Ok(Some(took))
    }

    /// A model may say one shape and give another.
    fn scores_fit(&self, outputs: &[crate::tensor::Named]) -> Result<(), InferenceError> {
        let Some(output) = &self.description.manifest.output else { return Ok(()) };
        let scores = outputs.iter().find(|(name, _)| *name == output.name).map(|(_, tensor)| tensor);
        let classes = scores.map_or(0, |scores| scores.data().len());
        let labels = self.description.labels.len();
        if classes == 0 || (labels > 0 && classes != labels) {
            return Err(
                self.bad(&format!("output `{}` has {classes} scores for {labels} labels", output.name))
            );
        }
        Ok(())
    }

    /// Something is wrong with the model.
    pub(crate) fn bad(&self, detail: &str) -> InferenceError {
        InferenceError::BadModel { model: self.id.clone(), detail: detail.to_owned() }
    }
}

fn contract(description: &Description, session: &dyn Session) -> Result<(), String> {
    let manifest = &description.manifest;
    if let Some(image) = &manifest.image {
        let [input] = session.inputs() else {
            return Err(format!("it has {} inputs, but a model for images has one", session.inputs().len()));
        };
        if input.name != image.input {
            return Err(format!("its input is `{}`, not `{}` as the manifest says", input.name, image.input));
        }
        if !matches!(input.element_type, ElementType::F32 | ElementType::F16 | ElementType::U8) {
            return Err(format!(
                "its input takes {}, which is not made of images",
                input.element_type.name()
            ));
        }
        let shape = image.shape();
        for shape in std::iter::once(shape).chain(larger(image)) {
            if !fits(input, &shape) {
                return Err(format!(
                    "its input has the shape {}, the manifest makes {shape:?}",
                    input.shape_text()
                ));
            }
        }
    }
    if let Some(output) = &manifest.output {
        let found = session.outputs().iter().find(|info| info.name == output.name);
        let found = found.ok_or_else(|| format!("it has no output `{}`", output.name))?;
        if !matches!(found.element_type, ElementType::F32 | ElementType::F16 | ElementType::F64) {
            return Err(format!(
                "output `{}` is {}, which is no score",
                output.name,
                found.element_type.name()
            ));
        }
    }
    Ok(())
}

/// The next larger shape, where the sides are free.
fn larger(image: &ImageInput) -> Option<Vec<usize>> {
    let step = image.step?;
    Some(ImageInput { size: image.size.map(|side| side + step), ..image.clone() }.shape())
}

fn fits(info: &TensorInfo, shape: &[usize]) -> bool {
    info.shape.as_ref().is_none_or(|sides| {
        sides.len() == shape.len()
            && sides.iter().zip(shape).all(|(side, is)| side.is_none_or(|side| side == *is))
    })
}

/// One input of zeros; free dimensions are 1. `None` where that would be too much to be a sensible input.
fn zeros(inputs: &[TensorInfo], description: &Description) -> Option<Vec<crate::tensor::Named>> {
    /// Values of one input.
    const MOST: usize = 64 << 20;
    let image = description.manifest.image.as_ref();
    inputs
        .iter()
        .map(|info| {
            let free = || Some(info.shape.as_ref()?.iter().map(|side| side.unwrap_or(1)).collect::<Vec<_>>());
            let shape = image.map(ImageInput::shape).or_else(free)?;
            let count = shape.iter().try_fold(1usize, |product, side| product.checked_mul(*side))?;
            let tensor = (count <= MOST).then(|| Tensor::zeros(shape, info.element_type))??;
            Some((info.name.clone(), tensor))
        })
        .collect()
}
