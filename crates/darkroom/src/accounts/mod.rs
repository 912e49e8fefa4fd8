//! `darkroom users` and `darkroom keys`: on the data folder, or on a server.

mod keys;
mod place;
mod users;

pub(crate) use keys::KeysCommand;
pub(crate) use users::UsersCommand;

use std::process::ExitCode;

use serde::Serialize;

use crate::{client::OtherServer, halt::Halt, serve::runtime, settings::Settings, terminal::say};
use place::Place;

/// Opens the place, acts there, and says what came of it.
fn act_at(
    at: &OtherServer,
    settings: &Settings,
    act: impl AsyncFnOnce(&Place) -> Result<String, Halt>,
) -> Result<ExitCode, Halt> {
    let answer = runtime()?.block_on(async { act(&Place::open(at, settings)?).await })?;
    say(&answer)
}

/// An instant as it is on the wire; a dash where there is none.
fn time(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or("-").to_owned()
}
