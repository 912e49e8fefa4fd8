//! Users and keys.

use std::{collections::HashMap, time::Duration};

use axum::{
    Json,
    extract::{Path, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use darkroom_api::{Code, CreatedKey, KeyList, NewKey, NewUser, UserInfo, UserList, UserPatch};
use darkroom_core::{
    UserId,
    user::{ApiKey, Role, User, UserName},
};
use serde::de::DeserializeOwned;

use super::{
    Http,
    body::Incoming,
    caller::Caller,
    failure::{Failure, sentence},
    intake::{content_type, media_type},
    query::Query,
};
use crate::accounts::{AccountError, Accounts, KeyWish, Patch};

/// Bytes of a body about a user or a key.
const MAX_BODY: usize = 16 << 10;

/// Every user.
pub(super) async fn list(State(http): State<Http>) -> Result<Json<UserList>, Failure> {
    let users = http.accounts.users().await?;
    Ok(Json(UserList { users: users.iter().map(UserInfo::from).collect() }))
}

/// Makes a user.
pub(super) async fn add(State(http): State<Http>, request: Request) -> Result<Response, Failure> {
    let new: NewUser = account_body(&http, request).await?;
    let user = http.accounts.add_user(&new.name, new.password, new.role.into()).await?;
    tracing::info!(user = %user.name, role = %user.role, "a user was made");
    Ok((StatusCode::CREATED, Json(UserInfo::from(&user))).into_response())
}

/// Changes a user.
pub(super) async fn change(
    State(http): State<Http>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Json<UserInfo>, Failure> {
    let patch: UserPatch = account_body(&http, request).await?;
    let role = patch.role.map(Role::from);
    let patch = Patch { role, password: patch.password, disabled: patch.disabled };
    let user = http.accounts.change_user(&name, patch).await?;
    tracing::info!(user = %user.name, role = %user.role, enabled = user.is_enabled(), "a user was changed");
    Ok(Json(UserInfo::from(&user)))
}

/// Removes a user.
pub(super) async fn remove(
    State(http): State<Http>,
    Path(name): Path<String>,
) -> Result<StatusCode, Failure> {
    http.accounts.remove_user(&name).await?;
    tracing::info!(user = name, "a user was removed");
    Ok(StatusCode::NO_CONTENT)
}

/// The caller's keys, or those of others for administrators.
pub(super) async fn keys(
    State(http): State<Http>,
    caller: Caller,
    request: Request,
) -> Result<Json<KeyList>, Failure> {
    let mut query = Query::of(request.uri())?;
    let whose = query.take("user");
    query.finish()?;
    let user = match whose.as_deref() {
        Some("*") => {
            needs_admin(&caller)?;
            None
        }
        whose => Some(meant(&http, &caller, whose).await?),
    };
    let names: HashMap<UserId, UserName> = match &user {
        Some(user) => HashMap::from([(user.id, user.name.clone())]),
        None => http.accounts.users().await?.into_iter().map(|user| (user.id, user.name)).collect(),
    };
    let keys = http.accounts.keys(user.as_ref()).await?;
    // A key whose user was removed in between has gone with them.
    let info = |key: &ApiKey| names.get(&key.user).map(|name| Accounts::key_info(key, name));
    Ok(Json(KeyList { keys: keys.iter().filter_map(info).collect() }))
}

/// Makes a key.
pub(super) async fn add_key(
    State(http): State<Http>,
    caller: Caller,
    request: Request,
) -> Result<Response, Failure> {
    let new: NewKey = account_body(&http, request).await?;
    let user = meant(&http, &caller, new.user.as_deref()).await?;
    let life = new.expires_in.map(|seconds| Duration::from_secs(u64::from(seconds)));
    let (key, secret) = http.accounts.add_key(&user, KeyWish { name: new.name, life }).await?;
    tracing::info!(user = %user.name, key = %key.id, "a key was made");
    let created = CreatedKey { info: Accounts::key_info(&key, &user.name), key: secret };
    Ok((StatusCode::CREATED, [("cache-control", "no-store")], Json(created)).into_response())
}

/// Revokes a key.
pub(super) async fn revoke_key(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let id = id.parse().map_err(|_| Failure::plain(Code::KeyNotFound))?;
    let own = (caller.role() < Some(Role::Admin)).then_some(&caller.signed_in()?.user);
    http.accounts.revoke_key(id, own).await?;
    tracing::info!(key = %id, "a key was revoked");
    Ok(StatusCode::NO_CONTENT)
}

/// The caller, or the user whom an administrator names.
async fn meant(http: &Http, caller: &Caller, named: Option<&str>) -> Result<User, Failure> {
    let own = &caller.signed_in()?.user;
    match named {
        None => Ok(own.clone()),
        Some(name) if name == own.name.as_str() => Ok(own.clone()),
        Some(name) => {
            needs_admin(caller)?;
            Ok(http.accounts.user(name).await?)
        }
    }
}

fn needs_admin(caller: &Caller) -> Result<(), Failure> {
    if caller.role() == Some(Role::Admin) {
        return Ok(());
    }
    Err(Failure::new(Code::Forbidden, "The keys of others need the role admin."))
}

/// A JSON body about a user or a key. What is wrong with it is told without its values: one of them may be a password.
pub(super) async fn account_body<T: DeserializeOwned>(http: &Http, request: Request) -> Result<T, Failure> {
    let (head, body) = request.into_parts();
    if media_type(&content_type(&head.headers)) != "application/json" {
        return Err(Failure::new(Code::UnsupportedMediaType, "Send application/json."));
    }
    let bytes = Incoming::new(body, http.config.body_timeout).read(MAX_BODY).await?;
    // A list would be taken as the fields in their order.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(Failure::new(Code::InvalidAccount, "Send a JSON object."));
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        if !error.is_data() {
            return Failure::new(Code::MalformedBody, sentence(&error.to_string()));
        }
        let words = error.to_string();
        // "invalid type: integer `5`, expected …" quotes what was sent; field names are quoted after "field" only.
        let told = words.contains("field `");
        Failure::new(Code::InvalidAccount, if told { sentence(&words) } else { unfit(&error) })
    })
}

fn unfit(error: &serde_json::Error) -> String {
    format!("A value is of the wrong kind, at line {}, column {}.", error.line(), error.column())
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        let words = sentence(&error.to_string());
        match error {
            AccountError::NoUser => Self::plain(Code::UserNotFound),
            AccountError::NoKey => Self::plain(Code::KeyNotFound),
            AccountError::Exists => Self::plain(Code::UserExists),
            AccountError::LastAdmin => Self::plain(Code::LastAdmin),
            AccountError::WrongPassword => Self::plain(Code::WrongPassword),
            AccountError::Full(_) => Self::new(Code::QuotaExceeded, words),
            AccountError::Invalid(_) => Self::new(Code::InvalidAccount, words),
            AccountError::TooOften(wait) => Self::new(Code::RateLimited, words).retry_after(wait),
            AccountError::Busy => Self::plain(Code::Overloaded),
            AccountError::Store(error) => error.into(),
            AccountError::Internal(cause) => Self::caused(Code::Internal, cause),
        }
    }
}
