//! Making, changing and removing users and keys.

use std::time::Duration;

use darkroom_api::{KeyInfo, Secret};
use darkroom_core::{
    KeyId, UserId,
    store::Added,
    user::{ApiKey, MAX_KEYS, MAX_USERS, Role, User, UserChange, UserName},
};

use super::{AccountError, Accounts, key};

/// The name of the user that the first start makes.
const FIRST: &str = "admin";

/// Characters of a key's name.
const MAX_KEY_NAME: usize = 100;

/// The longest time that a key may be made for: ten years.
const MAX_KEY_LIFE: Duration = Duration::from_hours(24 * 3_650);

/// What is to change about a user; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Patch {
    /// Another role.
    pub role: Option<Role>,
    /// A new password.
    pub password: Option<Secret>,
    /// Whether they are kept from asking.
    pub disabled: Option<bool>,
}

/// A key to be made.
#[derive(Debug, Clone)]
pub struct KeyWish {
    /// What to call it.
    pub name: String,
    /// How long it works.
    pub life: Option<Duration>,
}

impl Accounts {
    /// Every user, by name.
    pub async fn users(&self) -> Result<Vec<User>, AccountError> {
        Ok(self.store.users().await?)
    }

    /// The user of this name.
    pub async fn user(&self, name: &str) -> Result<User, AccountError> {
        let Ok(name) = name.parse::<UserName>() else { return Err(AccountError::NoUser) };
        self.store.user_named(name).await?.ok_or(AccountError::NoUser)
    }

    /// Makes a user.
    pub async fn add_user(&self, name: &str, password: Secret, role: Role) -> Result<User, AccountError> {
        let name: UserName = name.parse()?;
        let password = self.passwords.hash(password).await?;
        let now = self.clock.now();
        let id = UserId::new(now);
        let user = User { id, name, role, password, created_at: now, disabled_at: None, generation: 0 };
        match self.store.add_user(user.clone()).await? {
            Added::Full => Err(AccountError::Full(format!("there are {MAX_USERS} users already"))),
            Added::Taken | Added::Orphan => Err(AccountError::Exists),
            Added::Added => Ok(user),
        }
    }

    /// Changes a user; the user as they are then.
    pub async fn change_user(&self, name: &str, patch: Patch) -> Result<User, AccountError> {
        let password = match patch.password {
            Some(password) => Some(self.passwords.hash(password).await?),
            None => None,
        };
        let _alone = self.administering.lock().await;
        let mut user = self.user(name).await?;
        if patch.disabled == Some(true) || patch.role.is_some_and(|role| role != Role::Admin) {
            self.spare_last_admin(&user).await?;
        }
        let now = self.clock.now();
        let change = |disabled| if disabled { UserChange::Disable(now) } else { UserChange::Enable };
        let disabled = patch.disabled.map(change);
        let changes = [patch.role.map(UserChange::Role), password.map(UserChange::Password), disabled];
        for change in changes.into_iter().flatten() {
            user = self.store.change_user(user.id, change).await?.ok_or(AccountError::NoUser)?;
        }
        Ok(user)
    }

    /// Removes a user with every key.
    pub async fn remove_user(&self, name: &str) -> Result<(), AccountError> {
        let _alone = self.administering.lock().await;
        let user = self.user(name).await?;
        self.spare_last_admin(&user).await?;
        if self.store.remove_user(user.id).await? { Ok(()) } else { Err(AccountError::NoUser) }
    }

    /// Makes the first user, an administrator, unless there are users. Their name, and their password, which is not
    /// kept: it has to be shown now.
    pub async fn first_admin(&self) -> Result<Option<(User, Secret)>, AccountError> {
        let _alone = self.administering.lock().await;
        if !self.store.users().await?.is_empty() {
            return Ok(None);
        }
        let password = random_password();
        let user = self.add_user(FIRST, password.clone(), Role::Admin).await?;
        Ok(Some((user, password)))
    }

    /// The keys of one user, or of all, newest first.
    pub async fn keys(&self, user: Option<&User>) -> Result<Vec<ApiKey>, AccountError> {
        Ok(self.store.keys(user.map(|user| user.id)).await?)
    }

    /// Makes a key of this user, and the text that opens it, which is not kept.
    pub async fn add_key(&self, user: &User, wish: KeyWish) -> Result<(ApiKey, Secret), AccountError> {
        let name = wish.name.trim();
        if name.is_empty() || name.chars().count() > MAX_KEY_NAME || name.chars().any(char::is_control) {
            let words = format!("the name of a key is 1 to {MAX_KEY_NAME} characters");
            return Err(AccountError::Invalid(words));
        }
        if wish.life.is_some_and(|life| life.is_zero() || life > MAX_KEY_LIFE) {
            return Err(AccountError::Invalid("a key works for 1 second to 10 years".to_owned()));
        }
        let now = self.clock.now();
        let id = KeyId::new(now);
        let (secret, hash) = key::make(id);
        let key = ApiKey {
            id,
            user: user.id,
            name: name.to_owned(),
            hash,
            created_at: now,
            last_used_at: None,
            expires_at: wish.life.map(|life| now + life),
            revoked_at: None,
        };
        match self.store.add_key(key.clone()).await? {
            Added::Added => Ok((key, secret)),
            Added::Orphan => Err(AccountError::NoUser),
            Added::Full | Added::Taken => Err(AccountError::Full(format!(
                "{} has {MAX_KEYS} keys already; revoke one first",
                user.name
            ))),
        }
    }

    /// Revokes a key; with `user`, only one of theirs.
    pub async fn revoke_key(&self, id: KeyId, user: Option<&User>) -> Result<ApiKey, AccountError> {
        let key = self.store.key(id).await?.ok_or(AccountError::NoKey)?;
        if user.is_some_and(|user| user.id != key.user) {
            return Err(AccountError::NoKey);
        }
        self.store.revoke_key(id, self.clock.now()).await?.ok_or(AccountError::NoKey)
    }

    /// What is told of a key of the user of this name.
    pub fn key_info(key: &ApiKey, user: &UserName) -> KeyInfo {
        KeyInfo {
            id: key.id.to_string(),
            user: user.to_string(),
            name: key.name.clone(),
            prefix: key::prefix(key.id),
            created_at: key.created_at.into(),
            last_used_at: key.last_used_at.map(Into::into),
            expires_at: key.expires_at.map(Into::into),
            revoked_at: key.revoked_at.map(Into::into),
        }
    }

    async fn spare_last_admin(&self, user: &User) -> Result<(), AccountError> {
        let can_administer = |user: &User| user.role == Role::Admin && user.is_enabled();
        let others = self.store.users().await?;
        let mut others = others.iter().filter(|other| other.id != user.id);
        if can_administer(user) && !others.any(can_administer) {
            return Err(AccountError::LastAdmin);
        }
        Ok(())
    }
}

/// 20 characters that are not mistaken for one another: 100 random bits.
pub fn random_password() -> Secret {
    const DIGITS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let bytes: [u8; 20] = rand::random();
    Secret::new(bytes.map(|byte| char::from(DIGITS[usize::from(byte % 32)])).iter().collect::<String>())
}
