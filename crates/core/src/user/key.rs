//! Keys: what a program signs in with instead of a password.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::{KeyId, Timestamp, UserId};

/// A key of a user. Its secret is shown once, when it is made, and kept only as a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Part of the key's text: it is found by this.
    pub id: KeyId,
    /// Whose it is.
    pub user: UserId,
    /// What its owner calls it, 1 to 100 characters.
    pub name: String,
    /// What its secret is checked against.
    pub hash: KeyHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, give or take a minute.
    pub last_used_at: Option<Timestamp>,
    /// From when on it opens nothing.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it opens anything at `now`, if its user may ask.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires| now < expires)
    }
}

/// The SHA-256 of a key's 32 random bytes. There is nothing to guess in those, so no slow hash is needed. Never shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of a secret.
    pub fn of(secret: &[u8; 32]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// The hash from its stored form.
    pub fn from_bytes(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The hash as stored, to be compared in constant time.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(hidden)")
    }
}
