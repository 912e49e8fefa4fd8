//! Tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA256 by keys of our own. No other algorithm is accepted, and
//! no key but those in the store.

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use darkroom_api::Secret;
use darkroom_core::{
    Clock, Timestamp, TokenId, TokenKeyId, UserId,
    store::{Store, StoreError},
    user::{TokenKey, TokenSecret, User},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::{AccountError, Config};

/// The longest text that is looked at.
const MAX_TOKEN: usize = 4 << 10;

/// Who has made the token (`iss`).
const ISSUER: &str = "darkroom";

/// What a token says. It holds nothing that is secret: whoever has it can read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claims {
    iss: String,
    /// The user's id, so that a user of the same name who is made later is not meant.
    sub: String,
    /// Its own name, by which it is revoked.
    jti: String,
    /// Seconds since 1970.
    iat: i64,
    exp: i64,
    /// The user's generation: tokens of an earlier one are over.
    generation: u32,
}

/// A token that is genuine and has not expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verified {
    pub(super) id: TokenId,
    pub(super) user: UserId,
    pub(super) generation: u32,
    pub(super) expires: Timestamp,
}

/// Makes and verifies tokens.
pub(super) struct Tokens {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    life: Duration,
    key_life: Duration,
    /// The keys as the store had them last, oldest first.
    keys: RwLock<Arc<[TokenKey]>>,
    rotating: tokio::sync::Mutex<()>,
}

impl Tokens {
    pub(super) fn new(store: &Arc<dyn Store>, clock: &Arc<dyn Clock>, config: &Config) -> Self {
        Self {
            store: Arc::clone(store),
            clock: Arc::clone(clock),
            life: config.token_life,
            key_life: config.signing_key_life,
            keys: RwLock::new(Arc::new([])),
            rotating: tokio::sync::Mutex::new(()),
        }
    }

    pub(super) fn life(&self) -> Duration {
        self.life
    }

    /// A new token for this user.
    pub(super) async fn make(&self, user: &User) -> Result<Secret, AccountError> {
        let now = self.clock.now();
        let key = self.signing_key(now).await?;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: user.id.to_string(),
            jti: TokenId::new(now).to_string(),
            iat: now.as_millis().div_euclid(1_000),
            exp: (now + self.life).as_millis().div_euclid(1_000),
            generation: user.generation,
        };
        let header = Header { kid: Some(key.id.to_string()), ..Header::new(Algorithm::HS256) };
        let signed = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(key.secret.reveal()));
        signed.map(Secret::new).map_err(|error| AccountError::Internal(format!("token: {error}")))
    }

    /// What a token says, if one of our keys has signed it and it has not expired. Whether it was revoked is not asked.
    pub(super) async fn verify(&self, token: &str) -> Result<Option<Verified>, StoreError> {
        if token.len() > MAX_TOKEN {
            return Ok(None);
        }
        let Ok(header) = jsonwebtoken::decode_header(token) else { return Ok(None) };
        let id = header.kid.and_then(|kid| kid.parse().ok());
        let Some(id) = id.filter(|_| header.alg == Algorithm::HS256) else { return Ok(None) };
        let Some(key) = self.key(id).await? else { return Ok(None) };
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_issuer(&[ISSUER]);
        rules.set_required_spec_claims(&["exp", "iss", "sub"]);
        // Times are compared with the service's own clock.
        rules.validate_exp = false;
        let opened =
            jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(key.secret.reveal()), &rules);
        Ok(opened.ok().and_then(|opened| self.current(&opened.claims)))
    }

    fn current(&self, claims: &Claims) -> Option<Verified> {
        let expires = Timestamp::from_millis(claims.exp.checked_mul(1_000)?);
        let (id, user) = (claims.jti.parse().ok()?, claims.sub.parse().ok()?);
        (self.clock.now() < expires).then_some(Verified { id, user, generation: claims.generation, expires })
    }

    /// The key that signs now. When the newest one has become too old, a new one takes over.
    async fn signing_key(&self, now: Timestamp) -> Result<TokenKey, StoreError> {
        let young =
            |keys: &[TokenKey]| keys.last().filter(|key| now.since(key.created_at) < self.key_life).cloned();
        if let Some(key) = young(&self.known()) {
            return Ok(key);
        }
        // One at a time: those who wait find the key that the first one has made.
        let _rotating = self.rotating.lock().await;
        if let Some(key) = young(&self.reload().await?) {
            return Ok(key);
        }
        let secret = TokenSecret::from_bytes(rand::random());
        let key = TokenKey { id: TokenKeyId::new(now), secret, created_at: now };
        // Whatever a key that old has signed has expired.
        let forget = now - self.key_life - self.life;
        self.store.add_token_key(key.clone(), forget).await?;
        self.reload().await?;
        Ok(key)
    }

    /// The key of this id. One that is not known here may have been made by another process.
    async fn key(&self, id: TokenKeyId) -> Result<Option<TokenKey>, StoreError> {
        let find = |keys: &[TokenKey]| keys.iter().find(|key| key.id == id).cloned();
        match find(&self.known()) {
            Some(key) => Ok(Some(key)),
            None => Ok(find(&self.reload().await?)),
        }
    }

    fn known(&self) -> Arc<[TokenKey]> {
        Arc::clone(&self.keys.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    async fn reload(&self) -> Result<Arc<[TokenKey]>, StoreError> {
        let keys: Arc<[TokenKey]> = self.store.token_keys().await?.into();
        *self.keys.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::clone(&keys);
        Ok(keys)
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}
