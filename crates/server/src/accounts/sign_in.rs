//! Signing in and out, and how often it may fail.

use std::{net::IpAddr, time::Duration};

use darkroom_api::Secret;
use darkroom_core::{
    Timestamp,
    store::Added,
    user::{PasswordHash, UserChange, UserName},
};
use sha2::{Digest, Sha256};

use super::{AccountError, Accounts, Config, Credential, Identity, Limiter, Rate};

/// What a successful sign-in gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The token.
    pub token: Secret,
    /// How long it works.
    pub life: Duration,
}

impl Accounts {
    /// Signs in from an address; `None` for an unknown name, a wrong password and a disabled user alike, and after the
    /// same work. Errors: [`AccountError::TooOften`], [`AccountError::Busy`].
    pub async fn sign_in(
        &self,
        name: &str,
        password: Secret,
        from: IpAddr,
    ) -> Result<Option<SignedIn>, AccountError> {
        let attempt = self.attempts.begin(name, from, self.clock.now())?;
        let user = match name.parse::<UserName>() {
            Ok(name) => self.store.user_named(name).await?,
            Err(_) => None,
        };
        let hash = user.as_ref().map(|user| &user.password);
        let right = self.passwords.check(hash, password).await?;
        let Some(user) = user.filter(|user| right && user.is_enabled()) else { return Ok(None) };
        self.attempts.succeeded(&attempt);
        let token = self.tokens.make(&user).await?;
        Ok(Some(SignedIn { token, life: self.tokens.life() }))
    }

    /// Ends the token that this caller came with. Errors: [`AccountError::Invalid`] for one who came with a key.
    pub async fn sign_out(&self, caller: &Identity) -> Result<(), AccountError> {
        let Credential::Token { id, expires, .. } = caller.by else {
            let words = "the caller came with a key; revoke it with DELETE /v1/keys/{id}";
            return Err(AccountError::Invalid(words.to_owned()));
        };
        match self.store.revoke_token(id, expires).await? {
            Added::Full => Err(AccountError::Busy),
            _ => Ok(()),
        }
    }

    /// Gives the caller a new password, if they know the one until now. Ends all their tokens.
    pub async fn change_own_password(
        &self,
        caller: &Identity,
        (current, new): (Secret, Secret),
        from: IpAddr,
    ) -> Result<(), AccountError> {
        let attempt = self.attempts.begin(caller.user.name.as_str(), from, self.clock.now())?;
        let hash: &PasswordHash = &caller.user.password;
        if !self.passwords.check(Some(hash), current).await? {
            return Err(AccountError::WrongPassword);
        }
        self.attempts.succeeded(&attempt);
        let hash = self.passwords.hash(new).await?;
        let changed = self.store.change_user(caller.user.id, UserChange::Password(hash)).await?;
        changed.map(drop).ok_or(AccountError::NoUser)
    }
}

/// Who tries to sign in as whom. Names are kept as digests: they may be long, and are nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    Both([u8; 16], IpAddr),
    Address(IpAddr),
    Name([u8; 16]),
}

/// How often signing in may fail: charged before the password is looked at, so that many at once cannot slip through,
/// and given back when it was right.
#[derive(Debug)]
pub(super) struct Attempts {
    limiter: Limiter<Source>,
    rate: Rate,
}

pub(super) struct Attempt([Source; 3]);

impl Attempts {
    pub(super) fn new(config: &Config) -> Self {
        let rate = Rate::within(f64::from(config.attempts), config.attempts_window);
        Self { limiter: Limiter::default(), rate }
    }

    fn begin(&self, name: &str, from: IpAddr, now: Timestamp) -> Result<Attempt, AccountError> {
        let mut digest = [0; 16];
        digest.copy_from_slice(&Sha256::digest(name.to_ascii_lowercase())[..16]);
        let from = network(from);
        let sources = [Source::Both(digest, from), Source::Address(from), Source::Name(digest)];
        for (taken, source) in sources.iter().enumerate() {
            if let Err(wait) = self.limiter.take(*source, 1.0, self.rate.times(factor(*source)), now) {
                sources[..taken].iter().for_each(|source| self.limiter.give_back(source, 1.0));
                return Err(AccountError::TooOften(wait));
            }
        }
        Ok(Attempt(sources))
    }

    fn succeeded(&self, attempt: &Attempt) {
        attempt.0.iter().for_each(|source| self.limiter.give_back(source, 1.0));
    }
}

/// An address may have several people behind it, and a name several addresses.
fn factor(source: Source) -> f64 {
    match source {
        Source::Both(..) => 1.0,
        Source::Address(_) => 5.0,
        Source::Name(_) => 10.0,
    }
}

/// What counts as one address: of version 6 the first 64 bits, because a subscriber gets as many.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}
