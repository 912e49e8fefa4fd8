//! The signals that ask the process to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::halt::Halt;

/// SIGINT and SIGTERM, in the order in which they come.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From here on the signals no longer end the process by themselves.
    pub(crate) fn take() -> Result<Self, Halt> {
        let take =
            |kind| signal(kind).map_err(|error| Halt::environment(error, "signals cannot be received"));
        Ok(Self { interrupt: take(SignalKind::interrupt())?, terminate: take(SignalKind::terminate())? })
    }

    /// The next one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
