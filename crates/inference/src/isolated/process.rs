//! The parent's side: one child, one session.

use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixStream, unix::process::ExitStatusExt as _},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    HostCommand,
    wire::{self, Head, Load},
};
use crate::{
    engine::{EngineError, Session, Stop},
    tensor::{Named, Tensor, TensorInfo},
};

/// A loaded model in a child. The child ends with it.
pub(super) struct Process {
    stream: UnixStream,
    child: Arc<Ended>,
    inputs: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
}

/// A child that is ended when nobody needs it any more.
struct Ended(Mutex<Child>);

impl Process {
    /// Starts a child and waits until it has loaded the model.
    pub(super) fn start(command: &HostCommand, load: Load) -> Result<Self, EngineError> {
        let failed = |error: io::Error| EngineError::Run(format!("no process can be started: {error}"));
        let (stream, theirs) = UnixStream::pair().map_err(failed)?;
        let child = Command::new(&command.program)
            .args(&command.arguments)
            // Its standard input is the socket for both directions: standard output is for whatever libraries print.
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let child = Arc::new(Ended(Mutex::new(child)));
        let mut process = Self { stream, child, inputs: Vec::new(), outputs: Vec::new() };
        match process.ask(|stream| wire::send(stream, &Head::Load(Box::new(load))))? {
            Head::Loaded { inputs, outputs } => Ok(Self { inputs, outputs, ..process }),
            Head::BadModel(what) => Err(EngineError::Model(what)),
            head => Err(unexpected(head)),
        }
    }

    /// Says something and waits for the answer.
    fn ask(&mut self, say: impl FnOnce(&mut UnixStream) -> io::Result<()>) -> Result<Head, EngineError> {
        let answer = say(&mut self.stream).and_then(|()| wire::receive(&mut self.stream));
        answer.ok().flatten().ok_or_else(|| self.died())
    }

    /// Why there is no answer.
    fn died(&self) -> EngineError {
        EngineError::Crashed(self.child.end())
    }
}

impl Session for Process {
    fn inputs(&self) -> &[TensorInfo] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    fn run(&mut self, inputs: &[(&str, &Tensor)]) -> Result<Vec<Named>, EngineError> {
        match self.ask(|stream| wire::send_tensors(stream, inputs.iter().copied()))? {
            Head::Tensors(described) => {
                wire::receive_tensors(&mut self.stream, described).map_err(|_| self.died())
            }
            Head::Failed(what) => Err(EngineError::Run(what)),
            head => Err(unexpected(head)),
        }
    }

    fn stopper(&self) -> Arc<dyn Stop> {
        Arc::clone(&self.child) as Arc<dyn Stop>
    }
}

/// Where native code does not listen, only this ends it.
impl Stop for Ended {
    fn stop(&self) {
        let mut child = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = child.kill() {
            tracing::warn!(%error, "the process of a model cannot be ended");
        }
    }
}

impl Ended {
    /// Ends the child and says how it ended, which may have been by itself.
    fn end(&self) -> String {
        let mut child = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has ended already keeps its own reason.
        let _ended_already = child.kill();
        match child.wait().map(|status| (status.signal(), status.code())) {
            Ok((Some(signal), _)) => format!("the model's process was ended by signal {signal}"),
            Ok((None, Some(code))) => format!("the model's process ended with code {code}"),
            _ => "the model's process is gone".to_owned(),
        }
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        let _how = self.end();
    }
}

fn unexpected(head: Head) -> EngineError {
    match head {
        Head::Failed(what) => EngineError::Run(what),
        head => EngineError::Run(format!("the model's process gave another answer: {head:?}")),
    }
}
