//! Questions to models: which model is meant, and what its answer looks like as a document. The one place where
//! frames meet models; jobs and the HTTP surface share it.

mod builtin;
mod cache;
mod config;
mod journal;
mod question;
mod said;
mod tally;

use std::{future::Future, path::Path, pin::Pin, sync::Arc};

use darkroom_core::{
    Operation,
    operation::{AnyModel, ModelRef},
    prediction::AskedModel,
};
use darkroom_imaging::{Frame, FrameRequest};
use darkroom_inference::{HostCommand, InferenceError, Model, Models};

pub use cache::CacheConfig;
pub(crate) use cache::key;
pub use config::Config;
pub use journal::JournalConfig;
pub(crate) use journal::{Journal, JournalTask, count};
pub(crate) use question::{Question, Took, best, found, named_in};
pub(crate) use said::{Said, tensor_stem};
pub(crate) use tally::{Counted, Tally};

use crate::config::Mistake;

/// The models of a data folder, and which of them is meant when none is named. Clones share them.
#[derive(Debug, Clone)]
pub struct Predictor(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    models: Models,
    classify: ModelRef,
    digit: ModelRef,
    tally: Arc<Tally>,
}

/// An answer that is on its way. Dropping it withdraws the question.
pub(crate) type Asked = Pin<Box<dyn Future<Output = Result<Said, InferenceError>> + Send>>;

impl Predictor {
    /// Looks at what models there are; loads none. `host` is how a process for an isolated model is started; without
    /// it none is isolated.
    pub fn open(config: &Config, data: &Path, host: Option<HostCommand>) -> Result<Self, Vec<Mistake>> {
        let wrong = |mistakes: Vec<darkroom_inference::Mistake>| {
            mistakes.into_iter().map(|mistake| Mistake::new(mistake.field, mistake.what)).collect::<Vec<_>>()
        };
        let inference = darkroom_inference::Config { host, ..config.inference(data) };
        if let Err(error) = builtin::install(&inference.dir) {
            tracing::warn!(%error, "the digits model could not be put into {}", inference.dir.display());
        }
        let models = Models::open(&inference).map_err(wrong)?;
        let named = |key: &str, text: &str| {
            text.parse::<ModelRef>()
                .map_err(|error| vec![Mistake::new(format!("models.{key}"), error.to_string())])
        };
        let (classify, digit) = (named("classify", &config.classify)?, named("digit", &config.digit)?);
        Ok(Self(Arc::new(Inner { models, classify, digit, tally: Arc::default() })))
    }

    /// All models.
    pub fn models(&self) -> &Models {
        &self.0.models
    }

    /// How often each of them was asked.
    pub(crate) fn tally(&self) -> &Arc<Tally> {
        &self.0.tally
    }

    /// The model that an operation asks; `None` for an operation that asks none.
    pub(crate) fn model(&self, operation: &Operation) -> Option<Result<Arc<Model>, InferenceError>> {
        let meant = self.meant(operation)?;
        Some(self.0.models.get(meant.name(), meant.version()))
    }

    /// The same for the inference log: as it was found, else as it was meant.
    pub(crate) fn asked(&self, operation: &Operation) -> Option<AskedModel> {
        let meant = self.meant(operation)?;
        let unknown = || AskedModel {
            name: meant.name().to_owned(),
            version: meant.version().map(str::to_owned),
            digest: None,
        };
        let model = self.0.models.get(meant.name(), meant.version());
        Some(model.map_or_else(|_| unknown(), |model| found(&model)))
    }

    fn meant<'a>(&'a self, operation: &'a Operation) -> Option<&'a ModelRef> {
        match operation {
            Operation::Thumbnail(_) => None,
            Operation::Classify(classify) => Some(classify.model.as_ref().unwrap_or(&self.0.classify)),
            Operation::Digit(digit) => Some(digit.model.as_ref().unwrap_or(&self.0.digit)),
            Operation::Model(any) => Some(&any.model),
        }
    }
}

/// The frame that a model wants to see.
pub(crate) fn frame_for(model: &Model) -> FrameRequest {
    let mut request = FrameRequest { shorter_side: Some(model.wanted_side()), ..FrameRequest::default() };
    if model.wants_alpha() {
        request.background = None;
    }
    request
}

/// What users are told of a failure. Where things lie on the server's disk is for its log.
pub(crate) fn told(error: &InferenceError) -> String {
    match error {
        InferenceError::RuntimeMissing { .. } => {
            "ONNX Runtime is not installed here; `darkroom models fetch` installs it".to_owned()
        }
        InferenceError::RuntimeUnusable(_) => "ONNX Runtime cannot be used here; the log says why".to_owned(),
        error => error.to_string(),
    }
}

/// Asks a model about a frame: the frame is resized and normalised at once, in this thread; only the run is awaited.
pub(crate) fn ask(operation: &Operation, model: &Arc<Model>, frame: &Frame) -> Result<Asked, InferenceError> {
    let asked = Arc::clone(model);
    Ok(match operation {
        Operation::Thumbnail(_) => {
            let error = InferenceError::BadInput("a thumbnail is no question to a model".to_owned());
            Box::pin(std::future::ready(Err(error)))
        }
        Operation::Classify(classify) => {
            let (top, threshold) = (classify.top.get(), classify.threshold.get());
            let scores = model.predict_image(frame)?;
            Box::pin(async move { Ok(said::labels(&asked, &scores.await?, top, threshold)) })
        }
        Operation::Digit(_) => {
            let scores = model.predict_image(frame)?;
            Box::pin(async move { said::digit(&asked, &scores.await?) })
        }
        Operation::Model(AnyModel { tensors, name, .. }) => {
            let (form, stem) = (*tensors, name.as_ref().map(|name| name.as_str().to_owned()));
            let outputs = model.infer_image(frame)?;
            Box::pin(async move { said::tensors(&asked, &outputs.await?, form, stem) })
        }
    })
}
