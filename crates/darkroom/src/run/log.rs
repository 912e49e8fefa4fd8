//! The log of the classic service, line by line as it comes to pass.

use darkroom_api::{Run, RunAggregate, RunState, average_face};

use crate::{bar::Bar, halt::Halt, terminal::say};

/// Whether the log is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Log {
    Printed,
    Silent,
}

/// The log of one run.
pub(super) struct Logging {
    log: Log,
    /// Lines that were printed.
    printed: usize,
}

impl Logging {
    pub(super) fn new(log: Log) -> Self {
        Self { log, printed: 0 }
    }

    /// Prints what has come to pass since it was last asked, above the bar. The last lines need the mean, which is asked
    /// for at the end.
    pub(super) fn print(&mut self, run: &Run, mean: Option<&RunAggregate>, bar: &Bar) -> Result<(), Halt> {
        if self.log == Log::Silent || (run.state == RunState::Succeeded && mean.is_none()) {
            return Ok(());
        }
        let lines = average_face::log(run, mean);
        for line in lines.iter().skip(self.printed) {
            bar.beside(|| say(&line.to_string()))?;
        }
        self.printed = lines.len();
        Ok(())
    }
}
