//! Passwords: argon2id, bounded in how many are checked at once.

use std::{sync::Arc, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::{self, SaltString},
};
use darkroom_api::Secret;
use darkroom_core::user::PasswordHash;
use prometheus::IntCounter;
use tokio::sync::Semaphore;

use super::{AccountError, Config};

/// Memory, passes and lanes of a new hash: the first recommendation of the OWASP Password Storage Cheat Sheet for
/// argon2id. What a hash was made with stands in the hash, so that these can change.
const MEMORY_KIB: u32 = 19 << 10;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Bytes of a password that is to be used from now on.
pub(super) const MIN_PASSWORD: usize = 8;
pub(super) const MAX_PASSWORD: usize = 256;

/// What the password of an unknown user is checked against: it takes as long, and nothing matches it.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Checks passwords, and makes what they are checked against. Both take memory and a processor for a while.
#[derive(Debug)]
pub(super) struct Passwords {
    turns: Arc<Semaphore>,
    patience: Duration,
    checks: IntCounter,
}

impl Passwords {
    pub(super) fn new(config: &Config, checks: IntCounter) -> Self {
        let turns = Arc::new(Semaphore::new(config.password_checks));
        Self { turns, patience: config.password_patience, checks }
    }

    /// Whether this is the password; of nobody, it never is, and that takes as long.
    pub(super) async fn check(
        &self,
        hash: Option<&PasswordHash>,
        password: Secret,
    ) -> Result<bool, AccountError> {
        let phc = hash.map_or(NOBODY, PasswordHash::reveal).to_owned();
        self.checks.inc();
        self.in_turn(move || {
            let hash = password_hash::PasswordHash::new(&phc)?;
            match argon2().verify_password(password.reveal().as_bytes(), &hash) {
                Ok(()) => Ok(true),
                Err(password_hash::Error::Password) => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// What a new password will be checked against.
    pub(super) async fn hash(&self, password: Secret) -> Result<PasswordHash, AccountError> {
        let bytes = password.reveal().len();
        if !(MIN_PASSWORD..=MAX_PASSWORD).contains(&bytes) {
            return Err(AccountError::Invalid(format!(
                "a password is {MIN_PASSWORD} to {MAX_PASSWORD} bytes long"
            )));
        }
        self.in_turn(move || {
            let salt: [u8; 16] = rand::random();
            let salt = SaltString::encode_b64(&salt)?;
            let hash = argon2().hash_password(password.reveal().as_bytes(), &salt)?;
            Ok(PasswordHash::new(hash.to_string()))
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, password_hash::Error> + Send + 'static,
    ) -> Result<T, AccountError> {
        let turn = tokio::time::timeout(self.patience, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or(AccountError::Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            // Held by the work, not by the request: whoever goes away makes no room before the memory is free.
            drop(turn);
            done
        });
        let fault = |error: String| AccountError::Internal(format!("argon2: {error}"));
        done.await.map_err(|panic| fault(panic.to_string()))?.map_err(|error| fault(error.to_string()))
    }
}

fn argon2() -> Argon2<'static> {
    // The constants are within what the algorithm takes; the library's default is the same.
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords() -> Passwords {
        Passwords::new(&Config::default(), IntCounter::new("checks", "checks").unwrap())
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_and_no_other() {
        let passwords = passwords();
        let hash = passwords.hash(Secret::new("correct horse")).await.unwrap();
        assert!(hash.reveal().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.reveal());
        let twin = passwords.hash(Secret::new("correct horse")).await.unwrap();
        assert_ne!(hash, twin, "every hash has a salt of its own");
        assert!(passwords.check(Some(&hash), Secret::new("correct horse")).await.unwrap());
        for wrong in ["correct hors", "correct horse ", "", "Correct horse", "correct horse\0"] {
            assert!(!passwords.check(Some(&hash), Secret::new(wrong)).await.unwrap(), "{wrong:?}");
        }
        assert!(!passwords.check(None, Secret::new("")).await.unwrap());
        assert_eq!(passwords.checks.get(), 7);
    }

    #[tokio::test]
    async fn what_nobody_is_checked_against_costs_what_a_user_costs() {
        let made = passwords().hash(Secret::new("correct horse")).await.unwrap();
        let parameters = |phc: &str| phc.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(parameters(NOBODY), parameters(made.reveal()));
        assert_eq!(NOBODY.len(), made.reveal().len());
    }

    #[tokio::test]
    async fn short_and_long_passwords_are_refused() {
        for text in ["", "1234567", &"x".repeat(257)] {
            let refused = passwords().hash(Secret::new(text)).await;
            assert!(matches!(refused, Err(AccountError::Invalid(_))));
        }
    }

    #[tokio::test]
    async fn no_more_are_checked_at_once_than_there_is_memory_for() {
        let config = Config { password_patience: Duration::from_millis(1), ..Config::default() };
        let passwords = Passwords::new(&config, IntCounter::new("checks", "checks").unwrap());
        let turns = Arc::clone(&passwords.turns).acquire_many_owned(2).await.unwrap();
        assert!(matches!(passwords.check(None, Secret::new("x")).await, Err(AccountError::Busy)));
        drop(turns);
        assert!(!passwords.check(None, Secret::new("x")).await.unwrap());
    }
}
