//! Users, their keys, and tokens.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use darkroom_core::{
    KeyId, Timestamp, TokenId, UserId,
    store::{Added, Keys, MAX_REVOKED_TOKENS, MAX_TOKEN_KEYS, StoreError, Tokens, Users},
    user::{ApiKey, MAX_KEYS, MAX_USERS, TokenKey, User, UserChange, UserName},
};

use super::Memory;

/// Everyone who may ask.
#[derive(Debug, Default)]
pub(super) struct People {
    users: BTreeMap<UserName, User>,
    keys: BTreeMap<KeyId, ApiKey>,
    token_keys: Vec<TokenKey>,
    revoked: HashMap<TokenId, Timestamp>,
}

#[async_trait]
impl Users for Memory {
    async fn add_user(&self, user: User) -> Result<Added, StoreError> {
        Ok(self.with(|stock, _, _| stock.people.add_user(user)))
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.stock().people.users.values().find(|user| user.id == id).cloned())
    }

    async fn user_named(&self, name: UserName) -> Result<Option<User>, StoreError> {
        Ok(self.stock().people.users.get(&name).cloned())
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        Ok(self.stock().people.users.values().cloned().collect())
    }

    async fn change_user(&self, id: UserId, change: UserChange) -> Result<Option<User>, StoreError> {
        Ok(self.with(|stock, _, _| {
            let user = stock.people.users.values_mut().find(|user| user.id == id)?;
            *user = user.clone().after(change);
            Some(user.clone())
        }))
    }

    async fn remove_user(&self, id: UserId) -> Result<bool, StoreError> {
        Ok(self.with(|stock, _, _| {
            let people = &mut stock.people;
            let before = people.users.len();
            people.users.retain(|_, user| user.id != id);
            people.keys.retain(|_, key| key.user != id);
            people.users.len() < before
        }))
    }
}

#[async_trait]
impl Keys for Memory {
    async fn add_key(&self, key: ApiKey) -> Result<Added, StoreError> {
        Ok(self.with(|stock, _, _| stock.people.add_key(key)))
    }

    async fn key(&self, id: KeyId) -> Result<Option<ApiKey>, StoreError> {
        Ok(self.stock().people.keys.get(&id).cloned())
    }

    async fn keys(&self, user: Option<UserId>) -> Result<Vec<ApiKey>, StoreError> {
        let stock = self.stock();
        let wanted = stock.people.keys.values().filter(|key| user.is_none_or(|user| key.user == user));
        let mut keys: Vec<ApiKey> = wanted.cloned().collect();
        keys.sort_by_key(|key| std::cmp::Reverse((key.created_at, key.id)));
        Ok(keys)
    }

    async fn revoke_key(&self, id: KeyId, at: Timestamp) -> Result<Option<ApiKey>, StoreError> {
        Ok(self.with(|stock, _, _| {
            let key = stock.people.keys.get_mut(&id)?;
            key.revoked_at.get_or_insert(at);
            Some(key.clone())
        }))
    }

    async fn touch_key(&self, id: KeyId, at: Timestamp) -> Result<(), StoreError> {
        self.with(|stock, _, _| {
            if let Some(key) = stock.people.keys.get_mut(&id) {
                key.last_used_at = Some(at);
            }
        });
        Ok(())
    }
}

#[async_trait]
impl Tokens for Memory {
    async fn add_token_key(&self, key: TokenKey, forget: Timestamp) -> Result<(), StoreError> {
        self.with(|stock, _, _| {
            let keys = &mut stock.people.token_keys;
            keys.retain(|kept| kept.created_at >= forget);
            keys.push(key);
            keys.sort_by_key(|key| (key.created_at, key.id));
            keys.drain(..keys.len().saturating_sub(MAX_TOKEN_KEYS));
        });
        Ok(())
    }

    async fn token_keys(&self) -> Result<Vec<TokenKey>, StoreError> {
        Ok(self.stock().people.token_keys.clone())
    }

    async fn revoke_token(&self, id: TokenId, expires: Timestamp) -> Result<Added, StoreError> {
        Ok(self.with(|stock, now, _| {
            let revoked = &mut stock.people.revoked;
            revoked.retain(|_, expires| now < *expires);
            if revoked.len() >= MAX_REVOKED_TOKENS {
                return Added::Full;
            }
            revoked.insert(id, expires);
            Added::Added
        }))
    }

    async fn is_token_revoked(&self, id: TokenId) -> Result<bool, StoreError> {
        Ok(self.stock().people.revoked.contains_key(&id))
    }
}

impl People {
    fn add_user(&mut self, user: User) -> Added {
        if self.users.values().any(|known| known.id == user.id || known.name == user.name) {
            return Added::Taken;
        }
        if self.users.len() >= MAX_USERS {
            return Added::Full;
        }
        self.users.insert(user.name.clone(), user);
        Added::Added
    }

    fn add_key(&mut self, key: ApiKey) -> Added {
        if self.keys.contains_key(&key.id) {
            return Added::Taken;
        }
        if !self.users.values().any(|user| user.id == key.user) {
            return Added::Orphan;
        }
        if self.keys.values().filter(|known| known.user == key.user).count() >= MAX_KEYS {
            let Some(oldest) = self.first_revoked(key.user) else { return Added::Full };
            self.keys.remove(&oldest);
        }
        self.keys.insert(key.id, key);
        Added::Added
    }

    fn first_revoked(&self, user: UserId) -> Option<KeyId> {
        let revoked = self.keys.values().filter(|key| key.user == user);
        revoked.filter_map(|key| Some((key.revoked_at?, key.id))).min().map(|(_, id)| id)
    }
}
