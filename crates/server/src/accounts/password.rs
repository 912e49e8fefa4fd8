//! Passwords: argon2id, bounded in how many are checked at once.

use std::{sync::Arc, time::Duration};

use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version,
    password_hash::{self, Output, ParamsString, SaltString},
};
use darkroom_api::Secret;
use darkroom_core::user::PasswordHash;
use prometheus::IntCounter;
use subtle::ConstantTimeEq as _;
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

/// The allocator may keep pieces of up to 32 MiB for images to come (`darkroom_imaging::memory`); what is larger is
/// mapped, and unmapped.
const ALWAYS_MAPPED: usize = 33 << 20;

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
        self.in_turn(move || matches(&phc, password.reveal())).await
    }

    /// What a new password will be checked against.
    pub(super) async fn hash(&self, password: Secret) -> Result<PasswordHash, AccountError> {
        let bytes = password.reveal().len();
        if !(MIN_PASSWORD..=MAX_PASSWORD).contains(&bytes) {
            return Err(AccountError::Invalid(format!(
                "a password is {MIN_PASSWORD} to {MAX_PASSWORD} bytes long"
            )));
        }
        self.in_turn(move || make(password.reveal())).await
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

fn make(password: &str) -> Result<PasswordHash, password_hash::Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    let salt: [u8; 16] = rand::random();
    let output = digest(password, &salt, &params)?;
    let salt = SaltString::encode_b64(&salt)?;
    let hash = password_hash::PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params)?,
        salt: Some(salt.as_salt()),
        hash: Some(Output::new(&output)?),
    };
    Ok(PasswordHash::new(hash.to_string()))
}

fn matches(phc: &str, password: &str) -> Result<bool, password_hash::Error> {
    let hash = password_hash::PasswordHash::new(phc)?;
    let (ARGON2ID_IDENT, Some(19), Some(salt), Some(expected)) =
        (hash.algorithm, hash.version, hash.salt, hash.hash)
    else {
        return Err(password_hash::Error::Algorithm);
    };
    let mut room = [0; 64];
    let output = digest(password, salt.decode_b64(&mut room)?, &Params::try_from(&hash)?)?;
    Ok(output.ct_eq(expected.as_bytes()).into())
}

/// Argon2id, version 0x13 (RFC 9106).
fn digest(password: &str, salt: &[u8], params: &Params) -> Result<[u8; 32], password_hash::Error> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    // Only what is used is backed by memory, and so large a piece goes back to the system at once.
    let mut memory: Vec<Block> = Vec::with_capacity(params.block_count().max(ALWAYS_MAPPED / Block::SIZE));
    memory.resize(params.block_count(), Block::default());
    let mut output = [0; 32];
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut output, &mut memory)?;
    Ok(output)
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
