//! `darkroom engine`: the process of one isolated model. Nobody types this; the service starts it.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use darkroom_inference::{HostCommand, isolated::host};

use crate::halt::Halt;

/// The program of this process, even after another one was put in its place on the disk.
const THIS_PROGRAM: &str = "/proc/self/exe";

/// How such a process is started.
pub(crate) fn command() -> HostCommand {
    let named = || std::env::current_exe().unwrap_or_else(|_| PathBuf::from("darkroom"));
    let program = Path::new(THIS_PROGRAM);
    let program = if program.exists() { program.to_owned() } else { named() };
    HostCommand { program, arguments: vec!["engine".into()] }
}

/// Serves the process at the other end of standard input.
pub(crate) fn run() -> Result<ExitCode, Halt> {
    host::serve().map_err(|error| Halt::Usage(format!("this is for darkroom itself: {error}")))?;
    Ok(ExitCode::SUCCESS)
}
