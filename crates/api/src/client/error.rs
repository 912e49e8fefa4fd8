//! Why a call gave no answer.

use std::time::Duration;

use crate::{Code, Problem};

/// What went wrong with a call.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server refused, in its own words.
    #[error("{}: {}", problem.title, problem.detail)]
    Problem {
        /// The words.
        problem: Box<Problem>,
        /// When to come back, if it said so.
        retry_after: Option<Duration>,
    },
    /// The server cannot be reached, or broke off.
    #[error("the server cannot be reached")]
    Transport(#[source] reqwest::Error),
    /// The server takes no more of what is sent.
    #[error("the server has taken nothing for two minutes")]
    Stalled,
    /// The answer is none of this API.
    #[error("unexpected answer: {0}")]
    Unexpected(String),
    /// The address is not one of a server.
    #[error("`{0}` is not an http or https address")]
    Address(String),
    /// A local file cannot be read or written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl ClientError {
    /// The code of the problem, if the server refused.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Problem { problem, .. } => Some(problem.code),
            _ => None,
        }
    }

    /// How long to wait before the same call has a chance; `None` if it has none.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Problem { retry_after, .. } => *retry_after,
            Self::Transport(error) if error.is_connect() || error.is_timeout() => {
                Some(Duration::from_secs(1))
            }
            _ => None,
        }
    }
}
