//! Users, their keys, and who is asking.

use std::fmt;

use darkroom_core::user as core;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Time;

/// What a user may do; each role may do everything that those before it may: their own jobs; everybody's jobs and the
/// queues; users and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the words of core's Role, which explains each")]
pub enum Role {
    #[default]
    User,
    Operator,
    Admin,
}

impl From<core::Role> for Role {
    fn from(role: core::Role) -> Self {
        match role {
            core::Role::User => Self::User,
            core::Role::Operator => Self::Operator,
            core::Role::Admin => Self::Admin,
        }
    }
}

impl From<Role> for core::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::User => Self::User,
            Role::Operator => Self::Operator,
            Role::Admin => Self::Admin,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        core::Role::from(*self).fmt(f)
    }
}

/// A text that is written to the wire and never shown otherwise: not in logs, not by `Debug`, not by `config show`.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = Password)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Call this only where it is used.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// The user's name, or `anonymous`.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they have signed in.
    pub signed_in: bool,
}

/// A user as administrators see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserInfo {
    /// What they sign in with.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// When they were made.
    pub created_at: Time,
    /// Since when they may not ask, if so.
    pub disabled_at: Option<Time>,
}

impl From<&core::User> for UserInfo {
    fn from(user: &core::User) -> Self {
        Self {
            name: user.name.to_string(),
            role: user.role.into(),
            created_at: user.created_at.into(),
            disabled_at: user.disabled_at.map(Time::from),
        }
    }
}

/// Every user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserList {
    /// By name.
    pub users: Vec<UserInfo>,
}

/// A user to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// What they sign in with; kept in lower case.
    #[schema(pattern = "^[A-Za-z0-9_.@+-]{1,64}$")]
    pub name: String,
    /// Their password, 8 to 256 bytes.
    #[schema(min_length = 8, max_length = 256)]
    pub password: Secret,
    /// What they may do; `user` if absent.
    #[serde(default)]
    pub role: Role,
}

/// What changes about a user; what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    /// Another role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// A new password, 8 to 256 bytes. Ends their tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 8, max_length = 256)]
    pub password: Option<Secret>,
    /// Whether they are kept from asking. Ends their tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// A user's own new password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The password until now.
    #[schema(max_length = 256)]
    pub current: Secret,
    /// The password from now on, 8 to 256 bytes.
    #[schema(min_length = 8, max_length = 256)]
    pub new: Secret,
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyInfo {
    /// Its name for ever.
    #[schema(format = Uuid)]
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// What its owner calls it.
    pub name: String,
    /// How its text begins, to tell it from others.
    pub prefix: String,
    /// When it was made.
    pub created_at: Time,
    /// When it was last used, give or take a minute.
    pub last_used_at: Option<Time>,
    /// From when on it opens nothing.
    pub expires_at: Option<Time>,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
}

/// Keys, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyList {
    /// The keys.
    pub keys: Vec<KeyInfo>,
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What to call it.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Seconds for which it works, up to ten years; for ever if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 315_360_000)]
    pub expires_in: Option<u32>,
    /// Whose it is to be, for administrators; the caller's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// A key as it is shown once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedKey {
    /// What listings say, too.
    #[serde(flatten)]
    pub info: KeyInfo,
    /// What to send as `Authorization: Bearer …`. It is not kept: nobody can ask for it again.
    pub key: Secret,
}

/// What a successful sign-in gives (RFC 6749, 5.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenAnswer {
    /// What to send as `Authorization: Bearer …`.
    pub access_token: Secret,
    /// `bearer`.
    pub token_type: String,
    /// Seconds for which it works.
    pub expires_in: u64,
}
