//! `darkroom users`.

use std::{
    io::{self, Read as _},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use darkroom_api::{NewUser, Role, Secret, UserInfo, UserPatch};
use darkroom_core::user;
use darkroom_server::accounts::random_password;

use super::{act_at, place::Place, time};
use crate::{
    client::OtherServer,
    halt::Halt,
    settings::Settings,
    terminal::{as_json, tell},
};

/// Bytes of a password on standard input at most; more is no password.
const MAX_INPUT: u64 = 4 << 10;

/// `darkroom users …`.
#[derive(Debug, Args)]
pub(crate) struct UsersCommand {
    #[command(flatten)]
    at: OtherServer,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a user
    Add {
        /// What they sign in with
        name: String,
        /// user (own jobs), operator (all jobs and queues) or admin (users and keys, too)
        #[arg(long, default_value = "user")]
        role: user::Role,
        #[command(flatten)]
        password: Password,
    },
    /// List the users
    List,
    /// Give a user another password; ends their tokens
    Passwd {
        /// The user
        name: String,
        #[command(flatten)]
        password: Password,
    },
    /// Give a user another role
    Role {
        /// The user
        name: String,
        /// user, operator or admin
        role: user::Role,
    },
    /// Keep a user from asking; ends their tokens
    Disable {
        /// The user
        name: String,
    },
    /// Let a user ask again
    Enable {
        /// The user
        name: String,
    },
    /// Remove a user with every key; their jobs stay
    Remove {
        /// The user
        name: String,
    },
}

/// Where a password comes from. Never from an argument: others on the machine can read those.
#[derive(Debug, Args)]
struct Password {
    /// Read the password from standard input; without this, a random one is made and shown
    #[arg(long)]
    password_stdin: bool,
}

impl Password {
    /// The password, and whether it has to be shown.
    fn take(&self) -> Result<(Secret, bool), Halt> {
        if !self.password_stdin {
            return Ok((random_password(), true));
        }
        let mut text = String::new();
        let read = io::stdin().lock().take(MAX_INPUT).read_to_string(&mut text);
        read.map_err(|error| Halt::environment(error, "write the password to standard input"))?;
        Ok((Secret::new(text.trim_end_matches(['\r', '\n'])), false))
    }
}

impl UsersCommand {
    /// Does what was typed.
    pub(crate) fn act(self, settings: &Settings, json: bool) -> Result<ExitCode, Halt> {
        act_at(&self.at, settings, async |place| self.verb.act(place, json).await)
    }
}

impl Verb {
    async fn act(self, place: &Place, json: bool) -> Result<String, Halt> {
        let show = |user: &UserInfo| if json { as_json(user) } else { line(user) };
        Ok(match self {
            Self::List => {
                let users = place.users().await?;
                if json { as_json(&users) } else { table(&users) }
            }
            Self::Add { name, role, password } => {
                let (password, shown) = password.take()?;
                let new = NewUser { name, password: password.clone(), role: Role::from(role) };
                let user = place.add_user(new).await?;
                show_once(&user.name, shown.then_some(&password));
                show(&user)
            }
            Self::Passwd { name, password } => {
                let (password, shown) = password.take()?;
                let patch = UserPatch { password: Some(password.clone()), ..UserPatch::default() };
                let user = place.change_user(&name, patch).await?;
                show_once(&user.name, shown.then_some(&password));
                show(&user)
            }
            Self::Role { name, role } => {
                let patch = UserPatch { role: Some(Role::from(role)), ..UserPatch::default() };
                show(&place.change_user(&name, patch).await?)
            }
            Self::Disable { name } => show(
                &place.change_user(&name, UserPatch { disabled: Some(true), ..UserPatch::default() }).await?,
            ),
            Self::Enable { name } => show(
                &place
                    .change_user(&name, UserPatch { disabled: Some(false), ..UserPatch::default() })
                    .await?,
            ),
            Self::Remove { name } => {
                place.remove_user(&name).await?;
                if json { "{}".to_owned() } else { format!("{name} is removed") }
            }
        })
    }
}

/// A password that was made here is shown once, beside the answer, so that the answer can be kept in a file.
fn show_once(name: &str, password: Option<&Secret>) {
    if let Some(password) = password {
        tell(&format!("the password of {name}, shown this once: {}", password.reveal()));
    }
}

fn table(users: &[UserInfo]) -> String {
    let head = format!("{:<32}{:<10}{:<26}{}", "USER", "ROLE", "MADE", "DISABLED");
    std::iter::once(head).chain(users.iter().map(line)).collect::<Vec<_>>().join("\n")
}

fn line(user: &UserInfo) -> String {
    let (made, disabled) = (time(&user.created_at), time(&user.disabled_at));
    format!("{:<32}{:<10}{made:<26}{disabled}", user.name, user.role.to_string())
}
