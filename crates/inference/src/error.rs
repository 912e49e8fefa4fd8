//! Why there is no answer. Every variant is something that the caller can tell the user or act on.

use std::{fmt, path::PathBuf, time::Duration};

/// What went wrong with one model or one request. Nothing here concerns another model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InferenceError {
    /// ONNX Runtime's library is not where it was looked for.
    #[error("ONNX Runtime is not installed (looked for {}); `darkroom models fetch` installs it", .0.display())]
    RuntimeMissing(PathBuf),
    /// There is a library, but it cannot be used.
    #[error("ONNX Runtime cannot be used: {0}")]
    RuntimeUnusable(String),
    /// No model of that name, or not at that version.
    #[error(
        "there is no model `{0}`; `darkroom models list` shows what there is, `darkroom models fetch` gets more"
    )]
    UnknownModel(String),
    /// The manifest, or a file beside it, is wrong.
    #[error("the manifest of model `{model}` is wrong: {}", list(.mistakes))]
    BadManifest {
        /// `name/version`, as the folders are called.
        model: String,
        /// All that is wrong.
        mistakes: Vec<Mistake>,
    },
    /// The model file is damaged, or is not what its manifest says.
    #[error("model `{model}` cannot be used: {detail}")]
    BadModel {
        /// `name/version`.
        model: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The tensors or the image do not fit the model.
    #[error("{0}")]
    BadInput(String),
    /// More requests wait than `models.queue` allows.
    #[error("model `{model}` has {waiting} requests waiting; try again later")]
    Overloaded {
        /// `name/version`.
        model: String,
        /// How many wait.
        waiting: usize,
    },
    /// The engine did not answer within `models.run_time`.
    #[error("model `{model}` did not answer within {after:?}")]
    TimedOut {
        /// `name/version`.
        model: String,
        /// The setting.
        after: Duration,
    },
    /// The session crashed while it ran this request, or one that shared the run. Another attempt may end better.
    #[error("model `{model}` crashed: {detail}")]
    Crashed {
        /// `name/version`.
        model: String,
        /// How it ended.
        detail: String,
    },
    /// The engine failed while it ran this request.
    #[error("model `{model}` failed: {detail}")]
    Failed {
        /// `name/version`.
        model: String,
        /// What the engine said.
        detail: String,
    },
}

/// Something that is wrong with a manifest or a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The path of the field, such as `image.size`.
    pub field: String,
    /// What is wrong and what would be right.
    pub what: String,
}

impl Mistake {
    /// A mistake in a field.
    pub fn new(field: impl Into<String>, what: impl Into<String>) -> Self {
        Self { field: field.into(), what: what.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.what)
    }
}

fn list(all: &[Mistake]) -> String {
    all.iter().map(Mistake::to_string).collect::<Vec<_>>().join("; ")
}
