//! Who may ask: users with a role and a password, the keys of their programs, and what tokens are signed with.
//!
//! Nothing here computes a password's hash: that takes memory and time, which a caller has to bound.

mod key;
mod token;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use key::{ApiKey, KeyHash};
pub use token::{TokenKey, TokenSecret};

use crate::{Timestamp, UserId, job::Owner};

/// Users of one store at most.
pub const MAX_USERS: usize = 10_000;

/// Keys of one user at most; revoked ones make room for new ones.
pub const MAX_KEYS: usize = 100;

/// Someone who may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Never given again: a user of the same name who is made later is another one.
    pub id: UserId,
    /// What they sign in with, and the owner of their jobs.
    pub name: UserName,
    /// What they may do.
    pub role: Role,
    /// What their password is checked against.
    pub password: PasswordHash,
    /// When they were made.
    pub created_at: Timestamp,
    /// Since when they may not ask.
    pub disabled_at: Option<Timestamp>,
    /// Tokens carry it, and those of an earlier one are refused: a new password and a dismissal end them all at once.
    pub generation: u32,
}

/// What can be changed about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserChange {
    /// A new password. Ends all tokens.
    Password(PasswordHash),
    /// Another role, from the next request on.
    Role(Role),
    /// They may not ask from this moment. Ends all tokens. A user who is disabled already stays so since then.
    Disable(Timestamp),
    /// They may ask again, with new tokens and their old keys.
    Enable,
}

impl User {
    /// The user after a change. Every store changes users by this function.
    #[must_use]
    pub fn after(mut self, change: UserChange) -> Self {
        match change {
            UserChange::Password(hash) => {
                self.password = hash;
                self.generation += 1;
            }
            UserChange::Role(role) => self.role = role,
            UserChange::Disable(at) => {
                if self.disabled_at.is_none() {
                    self.disabled_at = Some(at);
                    self.generation += 1;
                }
            }
            UserChange::Enable => self.disabled_at = None,
        }
        self
    }

    /// Whether they may ask at all.
    pub fn is_enabled(&self) -> bool {
        self.disabled_at.is_none()
    }

    /// The owner of their jobs.
    pub fn owner(&self) -> Owner {
        Owner::from(&self.name)
    }
}

/// What a user may do; each role may do everything that those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Their own jobs.
    User,
    /// Everybody's jobs, and the queues.
    Operator,
    /// Users and keys, too.
    Admin,
}

impl Role {
    /// Every role, least first.
    pub const ALL: [Self; 3] = [Self::User, Self::Operator, Self::Admin];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a role is user, operator or admin")]
pub struct InvalidRole;

impl FromStr for Role {
    type Err = InvalidRole;
    fn from_str(text: &str) -> Result<Self, InvalidRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(InvalidRole)
    }
}

/// What a user is called: 1 to 64 characters, in lower case, so that no two names differ in their case alone. Always an
/// [`Owner`], but never the one of those who have no name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserName(String);

/// The longest name of a user.
const MAX_NAME: usize = 64;

/// The text cannot be a user's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a user's name is 1 to {MAX_NAME} letters, digits and -_.@+, and not `anonymous`")]
pub struct InvalidUserName;

impl UserName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = InvalidUserName;
    fn from_str(text: &str) -> Result<Self, InvalidUserName> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@+".contains(c);
        let fits = (1..=MAX_NAME).contains(&text.len()) && text.chars().all(plain);
        // Two dots are a step upwards in a path.
        let is_name = |name: &str| name != "." && name != ".." && name != Owner::default().as_str();
        let name = text.to_ascii_lowercase();
        if fits && is_name(&name) { Ok(Self(name)) } else { Err(InvalidUserName) }
    }
}

impl TryFrom<String> for UserName {
    type Error = InvalidUserName;
    fn try_from(text: String) -> Result<Self, InvalidUserName> {
        text.parse()
    }
}

impl From<UserName> for String {
    fn from(name: UserName) -> Self {
        name.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a password is checked against: a PHC string with its parameters and salt. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps a PHC string.
    pub fn new(phc: impl Into<String>) -> Self {
        Self(phc.into())
    }

    /// The string. Call this only to check a password or to store the user.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(hidden)")
    }
}
