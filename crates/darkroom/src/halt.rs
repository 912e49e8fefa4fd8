//! Why a command does not go on, and the exit code that says so: 2 for what was typed or configured, 3 for the
//! machine. (0 is success, 1 means that images failed, 130 that the user interrupted.)

use std::process::ExitCode;

use darkroom_server::config::Mistake;

use crate::terminal::tell;

/// Why a command stops.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The configuration has these mistakes.
    Config(Vec<Mistake>),
    /// What was typed makes no sense.
    Usage(String),
    /// The machine, the disk or a server does not play along; what to do about it.
    Environment(anyhow::Error, String),
}

impl Halt {
    /// See [`Halt::Environment`].
    pub(crate) fn environment(error: impl Into<anyhow::Error>, advice: impl Into<String>) -> Self {
        Self::Environment(error.into(), advice.into())
    }

    /// Says why, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Config(mistakes) => {
                let count = mistakes.len();
                tell(&format!(
                    "error: the configuration has {count} mistake{}:",
                    if count == 1 { "" } else { "s" }
                ));
                for mistake in mistakes {
                    tell(&format!("  {mistake}"));
                }
                tell("`darkroom config reference` explains every setting.");
                ExitCode::from(2)
            }
            Self::Usage(message) => {
                tell(&format!("error: {message}"));
                ExitCode::from(2)
            }
            Self::Environment(error, advice) => {
                tell(&format!("error: {error:#}"));
                tell(&format!("  {advice}"));
                ExitCode::from(3)
            }
        }
    }
}
