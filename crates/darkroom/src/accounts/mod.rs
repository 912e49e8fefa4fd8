//! `darkroom users` and `darkroom keys`: on the data folder, or on a server.

mod keys;
mod place;
mod users;

pub(crate) use keys::KeysCommand;
pub(crate) use users::UsersCommand;

use clap::Args;
use serde::Serialize;

/// Where the users are.
#[derive(Debug, Args)]
pub(crate) struct Where {
    /// Ask a running server, with the token or key in `DARKROOM_TOKEN`, instead of the data folder
    #[arg(long, global = true, value_name = "URL", env = "DARKROOM_SERVER")]
    server: Option<String>,
}

/// An instant as it is on the wire; a dash where there is none.
fn time(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or("-").to_owned()
}

fn as_json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
