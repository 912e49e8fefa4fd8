//! What executes a model: the port, which knows nothing of files' meaning, images or threads.

use std::{path::Path, sync::Arc};

use crate::tensor::{Named, Tensor, TensorInfo};

/// Opens model files. One engine serves all models of a process.
pub trait Engine: Send + Sync {
    /// Its name and version, for `doctor` and the list of models.
    fn name(&self) -> String;

    /// Reads a model and makes it ready to run. Costs from milliseconds to seconds.
    fn load(&self, file: &Path, options: &LoadOptions) -> Result<Box<dyn Session>, EngineError>;

    /// Removes whatever is kept of model files with other digests than these.
    fn forget_all_but(&self, _digests: &[String]) {}
}

/// How a model is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadOptions {
    /// Threads that one run is spread over, at least 1.
    pub threads: usize,
    /// SHA-256 of the file, in hexadecimal: names what the engine keeps of it.
    pub digest: String,
}

/// A loaded model. One run at a time; several sessions of one model may run beside each other.
pub trait Session: Send {
    /// What it takes.
    fn inputs(&self) -> &[TensorInfo];

    /// What it gives.
    fn outputs(&self) -> &[TensorInfo];

    /// Computes all outputs, in the order of [`Self::outputs`]. The inputs have passed [`TensorInfo::check`].
    fn run(&mut self, inputs: &[(&str, &Tensor)]) -> Result<Vec<Named>, EngineError>;

    /// Ends a run from another thread; what is stopped fails. Takes effect between two operators.
    fn stopper(&self) -> Arc<dyn Stop>;
}

/// See [`Session::stopper`].
pub trait Stop: Send + Sync {
    /// Asks the run in progress, if there is one, to end.
    fn stop(&self);
}

/// What an engine can say of its failures.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The file is no model, or one that this engine cannot run.
    #[error("{0}")]
    Model(String),
    /// The inputs do not fit, or the run failed.
    #[error("{0}")]
    Run(String),
    /// The session is gone, and the run with it. Another one may be loaded.
    #[error("{0}")]
    Crashed(String),
}
