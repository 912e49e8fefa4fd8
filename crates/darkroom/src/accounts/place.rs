//! The same questions to the data folder and to a server.

use darkroom_api::{Client, CreatedKey, KeyInfo, NewKey, NewUser, Secret, UserInfo, UserPatch};
use darkroom_core::user::ApiKey;
use darkroom_server::{
    accounts::{AccountError, Accounts, KeyWish, Patch},
    telemetry::Metrics,
};

use crate::{
    client::{self, OtherServer},
    halt::Halt,
    parts,
    settings::Settings,
};

/// Where the users are.
pub(super) enum Place {
    Folder(Box<Accounts>),
    Server(Client, String),
}

impl Place {
    /// Opens the data folder, or names the server.
    pub(super) fn open(at: &OtherServer, settings: &Settings) -> Result<Self, Halt> {
        match &at.url {
            None => {
                let accounts = Accounts::new(&parts::open(settings)?, &Metrics::default());
                Ok(Self::Folder(Box::new(accounts)))
            }
            Some(url) => {
                let client = client::connect(url).map_err(|error| Halt::Usage(error.to_string()))?;
                Ok(Self::Server(client, url.clone()))
            }
        }
    }

    pub(super) async fn users(&self) -> Result<Vec<UserInfo>, Halt> {
        match self {
            Self::Folder(accounts) => {
                Ok(accounts.users().await.map_err(refused)?.iter().map(UserInfo::from).collect())
            }
            Self::Server(client, url) => {
                client.users().await.map(|list| list.users).map_err(|error| client::refused(error, url))
            }
        }
    }

    pub(super) async fn add_user(&self, new: NewUser) -> Result<UserInfo, Halt> {
        match self {
            Self::Folder(accounts) => {
                let user = accounts.add_user(&new.name, new.password, new.role.into()).await;
                user.map(|user| UserInfo::from(&user)).map_err(refused)
            }
            Self::Server(client, url) => {
                client.add_user(&new).await.map_err(|error| client::refused(error, url))
            }
        }
    }

    pub(super) async fn change_user(&self, name: &str, patch: UserPatch) -> Result<UserInfo, Halt> {
        match self {
            Self::Folder(accounts) => {
                let role = patch.role.map(Into::into);
                let patch = Patch { role, password: patch.password, disabled: patch.disabled };
                let user = accounts.change_user(name, patch).await;
                user.map(|user| UserInfo::from(&user)).map_err(refused)
            }
            Self::Server(client, url) => {
                client.change_user(name, &patch).await.map_err(|error| client::refused(error, url))
            }
        }
    }

    pub(super) async fn remove_user(&self, name: &str) -> Result<(), Halt> {
        match self {
            Self::Folder(accounts) => accounts.remove_user(name).await.map_err(refused),
            Self::Server(client, url) => {
                client.remove_user(name).await.map_err(|error| client::refused(error, url))
            }
        }
    }

    /// The keys of one user, or of all.
    pub(super) async fn keys(&self, user: Option<&str>) -> Result<Vec<KeyInfo>, Halt> {
        match self {
            Self::Folder(accounts) => keys_in(accounts, user).await.map_err(refused),
            Self::Server(client, url) => {
                let listed = client.keys(user.or(Some("*"))).await;
                listed.map(|list| list.keys).map_err(|error| client::refused(error, url))
            }
        }
    }

    pub(super) async fn add_key(&self, new: NewKey) -> Result<CreatedKey, Halt> {
        match self {
            Self::Folder(accounts) => {
                let Some(name) = &new.user else {
                    return Err(Halt::Usage("whose key is it to be? name a user with --user".to_owned()));
                };
                let life = new.expires_in.map(|seconds| std::time::Duration::from_secs(u64::from(seconds)));
                let made = async {
                    let user = accounts.user(name).await?;
                    let (key, secret) =
                        accounts.add_key(&user, KeyWish { name: new.name.clone(), life }).await?;
                    Ok((Accounts::key_info(&key, &user.name), secret))
                };
                let (info, key): (KeyInfo, Secret) = made.await.map_err(refused)?;
                Ok(CreatedKey { info, key })
            }
            Self::Server(client, url) => {
                client.add_key(&new).await.map_err(|error| client::refused(error, url))
            }
        }
    }

    pub(super) async fn revoke_key(&self, id: &str) -> Result<(), Halt> {
        match self {
            Self::Folder(accounts) => {
                let id = id.parse().map_err(|_| refused(AccountError::NoKey))?;
                accounts.revoke_key(id, None).await.map(drop).map_err(refused)
            }
            Self::Server(client, url) => {
                client.revoke_key(id).await.map_err(|error| client::refused(error, url))
            }
        }
    }
}

async fn keys_in(accounts: &Accounts, user: Option<&str>) -> Result<Vec<KeyInfo>, AccountError> {
    let users = match user {
        Some(name) => vec![accounts.user(name).await?],
        None => accounts.users().await?,
    };
    let keys = accounts.keys(users.first().filter(|_| user.is_some())).await?;
    let info = |key: &ApiKey| {
        users.iter().find(|user| user.id == key.user).map(|user| Accounts::key_info(key, &user.name))
    };
    Ok(keys.iter().filter_map(info).collect())
}

/// What was typed cannot be done, or the store does not play along.
fn refused(error: AccountError) -> Halt {
    match error {
        AccountError::Store(_) | AccountError::Internal(_) | AccountError::Busy => {
            Halt::environment(error, "`darkroom doctor` checks the data folder")
        }
        typed => Halt::Usage(typed.to_string()),
    }
}
