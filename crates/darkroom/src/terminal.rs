//! Printing. A reader that went away (`| head`) is no error.

use std::{
    io::{self, ErrorKind, Write},
    process::ExitCode,
};

use crate::halt::Halt;

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
