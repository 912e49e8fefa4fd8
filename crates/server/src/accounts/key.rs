//! The text of a key: `dk_`, then the key's id and 32 random bytes in URL-safe base64. The id finds the key, the bytes
//! open it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use darkroom_api::Secret;
use darkroom_core::{
    KeyId,
    user::{ApiKey, KeyHash},
};
use subtle::ConstantTimeEq as _;

/// What every key begins with.
pub(super) const PREFIX: &str = "dk_";

/// Characters that are shown of a key, to tell it from others. They are those of its id.
const SHOWN: usize = 15;

/// A key as it came with a request.
pub(super) struct Presented {
    pub(super) id: KeyId,
    hash: KeyHash,
}

/// A new secret, and what it will be checked against.
pub(super) fn make(id: KeyId) -> (Secret, KeyHash) {
    let secret: [u8; 32] = rand::random();
    (Secret::new(text(id, &secret)), KeyHash::of(&secret))
}

/// How the text of this key begins.
pub(super) fn prefix(id: KeyId) -> String {
    text(id, &[0; 32]).chars().take(SHOWN).collect()
}

fn text(id: KeyId, secret: &[u8; 32]) -> String {
    let bytes = [id.as_bytes().as_slice(), secret].concat();
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
}

impl Presented {
    /// `None` if the text is no key.
    pub(super) fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX).filter(|digits| digits.len() == 64)?;
        let bytes = URL_SAFE_NO_PAD.decode(digits).ok()?;
        let (id, secret) = bytes.split_first_chunk::<16>()?;
        Some(Self { id: KeyId::from_bytes(*id), hash: KeyHash::of(secret.try_into().ok()?) })
    }

    /// Whether this is the key, compared in constant time.
    pub(super) fn opens(&self, key: &ApiKey) -> bool {
        self.hash.as_bytes().ct_eq(key.hash.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use darkroom_core::Timestamp;

    use super::*;

    #[test]
    fn a_key_comes_back_as_it_went_and_shows_nothing_of_its_secret() {
        let id = KeyId::new(Timestamp::from_millis(1_700_000_000_000));
        let (secret, hash) = make(id);
        let presented = Presented::read(secret.reveal()).unwrap();
        assert!(presented.id == id && presented.hash == hash);
        assert_eq!(secret.reveal().len(), 67);
        assert!(secret.reveal().starts_with(&prefix(id)));
        assert_eq!(prefix(id).len(), SHOWN);
        let (again, _) = make(id);
        assert_ne!(again, secret);
    }

    #[test]
    fn what_is_no_key_is_not_read() {
        let (secret, _) = make(KeyId::new(Timestamp::default()));
        let text = secret.reveal();
        let wrong =
            ["", "dk_", "dk_AAAA", &text[1..], &text[..66], &format!("{text}A"), &text.replace("dk_", "pk_")];
        for text in wrong {
            assert!(Presented::read(text).is_none(), "{text}");
        }
        assert!(Presented::read(&format!("dk_{}", "*".repeat(64))).is_none());
    }
}
