//! The child's side: one model, run on request, until the parent goes away.

use std::{
    fs,
    io::{self, Write as _},
    os::{fd::AsFd as _, unix::net::UnixStream},
    sync::mpsc::{self, Receiver, SyncSender},
    thread,
};

use super::wire::{self, Head, Load};
use crate::{
    OnnxRuntime, Provider,
    engine::{Engine as _, EngineError, LoadOptions, Session},
    tensor::{Named, Tensor},
};

/// Where memory is short, the kernel is to end this process and not the service (-1000 to 1000, more is sooner).
const SOONER_THAN_OTHERS: &str = "500";

/// What the parent asks for.
enum Asked {
    Load(Load),
    Run(Vec<Named>),
}

/// Serves the parent at the other end of standard input. Comes back when it has gone.
pub fn serve() -> io::Result<()> {
    // A wish: without it the model still runs.
    let _not_allowed = fs::write("/proc/self/oom_score_adj", SOONER_THAN_OTHERS);
    let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let from = stream.try_clone()?;
    let (asks, asked) = mpsc::sync_channel(1);
    thread::Builder::new().name("parent".to_owned()).spawn(move || listen(from, &asks))?;
    answer(stream, &asked)
}

/// Reads beside the run, so that a parent that has gone is noticed at once, and takes this process along.
fn listen(mut from: UnixStream, asks: &SyncSender<Asked>) {
    while let Ok(Some(head)) = wire::receive(&mut from) {
        let asked = match head {
            Head::Load(load) => Asked::Load(*load),
            Head::Tensors(described) => match wire::receive_tensors(&mut from, described) {
                Ok(inputs) => Asked::Run(inputs),
                Err(_) => break,
            },
            _ => break,
        };
        if asks.send(asked).is_err() {
            return;
        }
    }
    // Nothing here is to be saved, and the destructors of a library that still runs may crash.
    let _this = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}

fn answer(mut to: UnixStream, asked: &Receiver<Asked>) -> io::Result<()> {
    let mut session: Option<Box<dyn Session>> = None;
    for asked in asked {
        match asked {
            Asked::Load(what) => {
                let (head, loaded) = match load(&what) {
                    Ok(loaded) => {
                        let (inputs, outputs) = (loaded.inputs().to_vec(), loaded.outputs().to_vec());
                        (Head::Loaded { inputs, outputs }, Some(loaded))
                    }
                    Err(head) => (head, None),
                };
                session = loaded;
                darkroom_imaging::memory::give_back();
                wire::send(&mut to, &head)?;
            }
            Asked::Run(inputs) => match run(session.as_deref_mut(), &inputs) {
                Ok(outputs) => {
                    wire::send_tensors(
                        &mut to,
                        outputs.iter().map(|(name, tensor)| (name.as_str(), tensor)),
                    )?;
                }
                Err(what) => wire::send(&mut to, &Head::Failed(what))?,
            },
        }
        to.flush()?;
    }
    Ok(())
}

fn load(load: &Load) -> Result<Box<dyn Session>, Head> {
    let provider: Provider = load.opening.provider.parse().unwrap_or_default();
    let engine = OnnxRuntime::open(&load.opening.runtime, provider, load.opening.kept.clone());
    let engine = engine.map_err(|error| Head::Failed(error.to_string()))?;
    let options = LoadOptions { threads: load.threads, digest: load.digest.clone() };
    engine.load(&load.file, &options).map_err(|error| match error {
        EngineError::Model(what) => Head::BadModel(what),
        EngineError::Run(what) | EngineError::Crashed(what) => Head::Failed(what),
    })
}

fn run(session: Option<&mut (dyn Session + 'static)>, inputs: &[Named]) -> Result<Vec<Named>, String> {
    let session = session.ok_or("no model is loaded")?;
    let named: Vec<(&str, &Tensor)> = inputs.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    session.run(&named).map_err(|error| error.to_string())
}
