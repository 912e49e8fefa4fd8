//! `darkroom keys`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use darkroom_api::{KeyInfo, NewKey};
use darkroom_server::config::Value as _;

use super::{act_at, place::Place, time};
use crate::{
    client::OtherServer,
    halt::Halt,
    settings::Settings,
    terminal::{as_json, tell},
};

/// `darkroom keys …`.
#[derive(Debug, Args)]
pub(crate) struct KeysCommand {
    #[command(flatten)]
    at: OtherServer,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a key for a program; it is shown once
    Create {
        /// What to call it
        name: String,
        /// Whose it is; on a server, the caller's own if left out
        #[arg(long)]
        user: Option<String>,
        /// How long it works, such as 90d [default: for ever]
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
    },
    /// List keys, newest first
    List {
        /// Only those of this user
        #[arg(long)]
        user: Option<String>,
    },
    /// Let a key open nothing any more
    Revoke {
        /// The key's id, as `list` shows it
        id: String,
    },
}

impl KeysCommand {
    /// Does what was typed.
    pub(crate) fn act(self, settings: &Settings, json: bool) -> Result<ExitCode, Halt> {
        act_at(&self.at, settings, async |place| self.verb.act(place, json).await)
    }
}

impl Verb {
    async fn act(self, place: &Place, json: bool) -> Result<String, Halt> {
        Ok(match self {
            Self::Create { name, user, expires } => {
                let expires_in = expires.as_deref().map(seconds).transpose()?;
                let made = place.add_key(NewKey { name, expires_in, user }).await?;
                if json {
                    return Ok(as_json(&made));
                }
                tell(&format!(
                    "a key of {}, shown this once; send it as Authorization: Bearer …",
                    made.info.user
                ));
                made.key.reveal().to_owned()
            }
            Self::List { user } => {
                let keys = place.keys(user.as_deref()).await?;
                if json { as_json(&keys) } else { table(&keys) }
            }
            Self::Revoke { id } => {
                place.revoke_key(&id).await?;
                if json { "{}".to_owned() } else { format!("{id} is revoked") }
            }
        })
    }
}

/// A time as settings are written.
fn seconds(text: &str) -> Result<u32, Halt> {
    let mut time = std::time::Duration::ZERO;
    time.read(text).map_err(|what| Halt::Usage(format!("--expires: {what}")))?;
    u32::try_from(time.as_secs()).map_err(|_| Halt::Usage("--expires: at most ten years".to_owned()))
}

fn table(keys: &[KeyInfo]) -> String {
    let head =
        format!("{:<38}{:<20}{:<20}{:<17}{:<26}{}", "KEY", "USER", "NAME", "BEGINS", "LAST USED", "ENDS");
    let line = |key: &KeyInfo| {
        let ends = match (&key.revoked_at, &key.expires_at) {
            (Some(at), _) => format!("revoked {}", time(at)),
            (None, expires) => time(expires),
        };
        let (used, name) = (time(&key.last_used_at), &key.name);
        format!("{:<38}{:<20}{name:<20}{:<17}{used:<26}{ends}", key.id, key.user, key.prefix)
    };
    std::iter::once(head).chain(keys.iter().map(line)).collect::<Vec<_>>().join("\n")
}
