//! Where users, their keys and what ends tokens live. Reads see every write that was acknowledged before them.

use async_trait::async_trait;

use super::StoreError;
use crate::{
    KeyId, Timestamp, TokenId, UserId,
    user::{ApiKey, TokenKey, User, UserChange, UserName},
};

/// Revoked tokens that are remembered at most; they are forgotten once they have expired.
pub const MAX_REVOKED_TOKENS: usize = 1_000_000;

/// Keys to sign tokens with that are kept at most; the oldest goes first.
pub const MAX_TOKEN_KEYS: usize = 100;

/// The answer to something that is to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is recorded.
    Added,
    /// There is one already: of this name or id.
    Taken,
    /// There are as many as there may be.
    Full,
    /// What it would belong to is not there.
    Orphan,
}

/// Users.
#[async_trait]
pub trait Users: Send + Sync {
    /// Adds a user. [`Added::Taken`] if the name or the id is, [`Added::Full`] at [`crate::user::MAX_USERS`].
    async fn add_user(&self, user: User) -> Result<Added, StoreError>;

    /// One user.
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The user of this name.
    async fn user_named(&self, name: UserName) -> Result<Option<User>, StoreError>;

    /// Every user, by name.
    async fn users(&self) -> Result<Vec<User>, StoreError>;

    /// Changes a user by [`User::after`]; the user as this has left them. `None` if unknown.
    async fn change_user(&self, id: UserId, change: UserChange) -> Result<Option<User>, StoreError>;

    /// Removes a user with every key; their jobs stay. Whether there was one.
    async fn remove_user(&self, id: UserId) -> Result<bool, StoreError>;
}

/// Keys of users.
#[async_trait]
pub trait Keys: Send + Sync {
    /// Adds a key. [`Added::Taken`] if the id is, [`Added::Orphan`] without its user. A user who has
    /// [`crate::user::MAX_KEYS`] loses the one that was revoked first; without such a one it is [`Added::Full`].
    async fn add_key(&self, key: ApiKey) -> Result<Added, StoreError>;

    /// One key.
    async fn key(&self, id: KeyId) -> Result<Option<ApiKey>, StoreError>;

    /// The keys of one user, or of all, newest first.
    async fn keys(&self, user: Option<UserId>) -> Result<Vec<ApiKey>, StoreError>;

    /// Revokes a key; one that is revoked already stays so since then. The key as this has left it; `None` if unknown.
    async fn revoke_key(&self, id: KeyId, at: Timestamp) -> Result<Option<ApiKey>, StoreError>;

    /// Notes that a key was used. Unknown keys are no error.
    async fn touch_key(&self, id: KeyId, at: Timestamp) -> Result<(), StoreError>;
}

/// What tokens are signed with, and which of them are over before their time.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Adds a key to sign with, and forgets those that were made before `forget`, except the new one.
    async fn add_token_key(&self, key: TokenKey, forget: Timestamp) -> Result<(), StoreError>;

    /// Every key to verify with, oldest first. The last one signs.
    async fn token_keys(&self) -> Result<Vec<TokenKey>, StoreError>;

    /// Ends a token; it is remembered until it has expired. Idempotent. [`Added::Full`] at [`MAX_REVOKED_TOKENS`].
    async fn revoke_token(&self, id: TokenId, expires: Timestamp) -> Result<Added, StoreError>;

    /// Whether a token that has not expired was revoked.
    async fn is_token_revoked(&self, id: TokenId) -> Result<bool, StoreError>;
}
