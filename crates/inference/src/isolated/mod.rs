//! A model in a process of its own: whatever its native code does there (crash, stall, eat memory), it does not do to
//! the service.
//!
//! [`Isolated`] is an engine as any other. A session of it is a child of this process, which is told over a socket to
//! load a file and to run it ([`wire`]); in the child, [`host`] does so with the real engine. A child that dies or is
//! killed fails the run that it was in, and the batcher loads another. It costs what copying tensors between
//! processes costs (0.1 ms for an image of 224 × 224) and a copy of the runtime for each session (20 MB).

pub mod host;
mod process;
mod wire;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{
    Config, InferenceError,
    engine::{Engine, EngineError, LoadOptions, Session},
    onnx_runtime,
};
use process::Process;

/// The command that becomes the child: it is to call [`host::serve`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// The engine whose sessions are processes.
pub(crate) struct Isolated {
    command: HostCommand,
    opening: wire::Opening,
}

impl Isolated {
    /// Starts nothing yet. Errors where there is no runtime that a child could load.
    pub(crate) fn open(command: HostCommand, config: &Config) -> Result<Self, InferenceError> {
        let missing = || InferenceError::RuntimeMissing(config.runtime.clone());
        let runtime = onnx_runtime::library(&config.runtime).ok_or_else(missing)?;
        let provider = config.provider.to_string();
        Ok(Self { command, opening: wire::Opening { runtime, provider, kept: config.kept.clone() } })
    }
}

impl Engine for Isolated {
    fn name(&self) -> String {
        "ONNX Runtime in processes of their own".to_owned()
    }

    fn load(&self, file: &Path, options: &LoadOptions) -> Result<Box<dyn Session>, EngineError> {
        let load = wire::Load {
            opening: self.opening.clone(),
            file: file.to_owned(),
            threads: options.threads,
            digest: options.digest.clone(),
        };
        Ok(Box::new(Process::start(&self.command, load)?))
    }
}
