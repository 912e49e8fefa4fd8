//! Who may ask: signing in, tokens, keys, and the administration of users.
//!
//! A password is looked at when somebody signs in and never again: what follows is a token that expires, or a key. Both
//! are checked against the store with every request, so that a user who is disabled is out at once.

mod administration;
mod config;
mod key;
mod limiter;
mod password;
mod sign_in;
mod token;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use darkroom_core::{
    Clock, KeyId, Timestamp, TokenId,
    store::{Store, StoreError},
    user::{InvalidUserName, User},
};

pub use administration::{KeyWish, Patch, random_password};
pub use config::{Anonymous, Config, Quota};
pub use limiter::{Limiter, Rate};
pub use sign_in::SignedIn;
pub(crate) use sign_in::network;

use crate::{Parts, telemetry::Metrics};
use key::Presented;
use password::Passwords;
use sign_in::Attempts;
use token::Tokens;

/// How exactly it is known when a key was last used.
const TOUCH_INTERVAL: Duration = Duration::from_mins(1);

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// There is no user of this name.
    #[error("there is no user of this name")]
    NoUser,
    /// There is no such key, or it is somebody else's.
    #[error("there is no such key")]
    NoKey,
    /// The name is taken.
    #[error("the name belongs to another user")]
    Exists,
    /// There is no other administrator who may ask.
    #[error("the last administrator can be neither removed nor disabled nor made less")]
    LastAdmin,
    /// There are as many as there may be.
    #[error("{0}")]
    Full(String),
    /// A name, password or time cannot be used.
    #[error("{0}")]
    Invalid(String),
    /// The password until now is another one.
    #[error("the current password is wrong")]
    WrongPassword,
    /// Signing in failed too often.
    #[error("signing in has failed too often")]
    TooOften(Duration),
    /// Too many passwords are being checked.
    #[error("too many passwords are being checked")]
    Busy,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A fault of ours.
    #[error("{0}")]
    Internal(String),
}

impl From<InvalidUserName> for AccountError {
    fn from(error: InvalidUserName) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// A caller who has proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user, as of now.
    pub user: User,
    /// By what.
    pub by: Credential,
}

/// What a caller has proved who they are by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A token.
    Token {
        /// Its name.
        id: TokenId,
        /// When it expires.
        expires: Timestamp,
        /// The user's generation when it was made.
        generation: u32,
    },
    /// A key.
    Key(KeyId),
}

/// Users, keys and tokens of one store.
pub struct Accounts {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    passwords: Passwords,
    tokens: Tokens,
    attempts: Attempts,
    /// Held while the number of administrators is looked at and changed.
    administering: tokio::sync::Mutex<()>,
}

impl Accounts {
    /// The accounts of this service.
    pub fn new(parts: &Parts, metrics: &Metrics) -> Self {
        let config = &parts.config.auth;
        Self {
            store: Arc::clone(&parts.store),
            clock: Arc::clone(&parts.clock),
            passwords: Passwords::new(config, metrics.password_checks.clone()),
            tokens: Tokens::new(&parts.store, &parts.clock, config),
            attempts: Attempts::new(config),
            administering: tokio::sync::Mutex::new(()),
        }
    }

    /// Whose token or key this is; `None` if it is nobody's, is over, or its user may not ask.
    pub async fn authenticate(&self, credential: &str) -> Result<Option<Identity>, StoreError> {
        if credential.starts_with(key::PREFIX) {
            return self.by_key(credential).await;
        }
        let Some(token) = self.tokens.verify(credential).await? else { return Ok(None) };
        if self.store.is_token_revoked(token.id).await? {
            return Ok(None);
        }
        let user = self.store.user(token.user).await?;
        let user = user.filter(|user| user.is_enabled() && user.generation == token.generation);
        let by = Credential::Token { id: token.id, expires: token.expires, generation: token.generation };
        Ok(user.map(|user| Identity { user, by }))
    }

    /// Whether an identity of earlier would still be one now: for answers that take long.
    pub async fn stands(&self, identity: &Identity) -> Result<bool, StoreError> {
        let user = self.store.user(identity.user.id).await?.filter(User::is_enabled);
        let Some(user) = user else { return Ok(false) };
        match identity.by {
            Credential::Token { id, expires, generation } => Ok(self.clock.now() < expires
                && user.generation == generation
                && !self.store.is_token_revoked(id).await?),
            Credential::Key(id) => {
                Ok(self.store.key(id).await?.is_some_and(|key| key.is_live(self.clock.now())))
            }
        }
    }

    async fn by_key(&self, text: &str) -> Result<Option<Identity>, StoreError> {
        let Some(presented) = Presented::read(text) else { return Ok(None) };
        let now = self.clock.now();
        let key = self.store.key(presented.id).await?;
        let Some(key) = key.filter(|key| presented.opens(key) && key.is_live(now)) else { return Ok(None) };
        let user = self.store.user(key.user).await?.filter(User::is_enabled);
        if user.is_some() && key.last_used_at.is_none_or(|last| now.since(last) >= TOUCH_INTERVAL) {
            // A note for people: whether it can be written decides nothing.
            if let Err(error) = self.store.touch_key(key.id, now).await {
                tracing::warn!(%error, "the use of a key was not noted");
            }
        }
        Ok(user.map(|user| Identity { user, by: Credential::Key(key.id) }))
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}
