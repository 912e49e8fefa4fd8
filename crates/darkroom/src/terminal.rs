//! Printing. A reader that went away (`| head`) is no error.

use std::{
    io::{self, ErrorKind, Write},
    process::ExitCode,
};

use serde::Serialize;

use crate::halt::Halt;

/// An answer for programs.
pub(crate) fn as_json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Prints an answer to standard output.
pub(crate) fn say(text: &str) -> Result<ExitCode, Halt> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Halt::environment(error, "standard output cannot be written to"))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Tells people something beside the answer.
pub(crate) fn tell(text: &str) {
    // There is nowhere left to say that standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
