//! Questions to models: which model is meant, and what its answer looks like as a document. The one place where
//! frames meet models; jobs and the HTTP surface share it.

mod builtin;
mod config;
mod said;

use std::{future::Future, path::Path, pin::Pin, sync::Arc};

use darkroom_core::{
    Operation,
    operation::{AnyModel, ModelRef},
};
use darkroom_imaging::{Frame, FrameRequest};
use darkroom_inference::{HostCommand, InferenceError, Model, Models};

pub use config::Config;
pub(crate) use said::Said;

use crate::config::Mistake;

/// The models of a data folder, and which of them is meant when none is named. Clones share them.
#[derive(Debug, Clone)]
pub struct Predictor(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    models: Models,
    classify: ModelRef,
    digit: ModelRef,
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
        Ok(Self(Arc::new(Inner { models, classify, digit })))
    }

    /// All models.
    pub fn models(&self) -> &Models {
        &self.0.models
    }

    /// The model that an operation asks; `None` for an operation that asks none.
    pub(crate) fn model(&self, operation: &Operation) -> Option<Result<Arc<Model>, InferenceError>> {
        let meant = match operation {
            Operation::Thumbnail(_) => return None,
            Operation::Classify(classify) => classify.model.as_ref().unwrap_or(&self.0.classify),
            Operation::Digit(digit) => digit.model.as_ref().unwrap_or(&self.0.digit),
            Operation::Model(any) => &any.model,
        };
        Some(self.0.models.get(meant.name(), meant.version()))
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
