//! What tokens are signed with.

use std::fmt;

use crate::{Timestamp, TokenKeyId};

/// A key that tokens are signed with. The newest one signs; the ones before it are kept for as long as tokens live
/// that they signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenKey {
    /// Tokens name the key by this (`kid`).
    pub id: TokenKeyId,
    /// What signs.
    pub secret: TokenSecret,
    /// When it was made.
    pub created_at: Timestamp,
}

/// 32 random bytes. Never shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenSecret([u8; 32]);

impl TokenSecret {
    /// Wraps the bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes. Call this only to sign, to verify or to store the key.
    pub fn reveal(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecret(hidden)")
    }
}
