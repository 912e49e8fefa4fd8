//! Calling a server: with the token or key of the environment, if there is one. It is never an argument, because others
//! on the machine can read those.

use clap::Args;
use darkroom_api::{Client, ClientError, Code, Secret};

use crate::halt::Halt;

/// Where the token or key is.
const TOKEN: &str = "DARKROOM_TOKEN";

/// The server of a command that needs one.
#[derive(Debug, Clone, Args)]
pub(crate) struct Server {
    /// The server; `DARKROOM_TOKEN` is the token or key for it
    #[arg(
        long = "server",
        global = true,
        value_name = "URL",
        env = "DARKROOM_SERVER",
        default_value = "http://127.0.0.1:8080"
    )]
    pub(crate) url: String,
}

/// The server of a command that does without, too.
#[derive(Debug, Clone, Args)]
pub(crate) struct OtherServer {
    /// Have a running server do it, with the token or key in `DARKROOM_TOKEN`, instead of this process: images are sent
    /// there, and the results come back
    #[arg(long = "server", global = true, value_name = "URL", env = "DARKROOM_SERVER")]
    pub(crate) url: Option<String>,
}

impl Server {
    /// A client of it.
    pub(crate) fn connect(&self) -> Result<Client, ClientError> {
        connect(&self.url)
    }

    /// See [`refused`].
    pub(crate) fn refused(&self, error: ClientError) -> Halt {
        refused(error, &self.url)
    }
}

/// A client of this server.
pub(crate) fn connect(url: &str) -> Result<Client, ClientError> {
    let client = Client::new(url)?;
    Ok(match std::env::var(TOKEN) {
        Ok(token) if !token.is_empty() => client.with_token(Secret::new(token)),
        _ => client,
    })
}

/// Why a server did not do what it was asked, and what to do.
pub(crate) fn refused(error: ClientError, url: &str) -> Halt {
    let advice = match (&error, error.code()) {
        (ClientError::Address(_), _) => return Halt::Usage(error.to_string()),
        (_, Some(Code::NotAuthenticated | Code::InvalidToken)) => {
            "set DARKROOM_TOKEN to a key (`darkroom keys create`) or to a token of POST /token"
        }
        (_, Some(Code::Forbidden)) => "ask with the key of a user of that role (`darkroom users role`)",
        (ClientError::Problem { .. }, _) => "change what was typed and try again",
        _ => "is the server running there? start one with `darkroom serve`, or name it with --server",
    };
    Halt::environment(anyhow::Error::new(error).context(url.to_owned()), advice)
}
