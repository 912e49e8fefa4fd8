//! Users, their keys, and tokens.

use async_trait::async_trait;
use darkroom_core::{
    KeyId, Timestamp, TokenId, TokenKeyId, UserId,
    store::{Added, Keys, MAX_REVOKED_TOKENS, MAX_TOKEN_KEYS, StoreError, Tokens, Users},
    user::{
        ApiKey, KeyHash, MAX_KEYS, MAX_USERS, PasswordHash, Role, TokenKey, TokenSecret, User, UserChange,
        UserName,
    },
};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params, types::Type};

use super::{Sqlite, book::Book, trouble::Trouble};

const USER: &str = "SELECT id, name, role, password, created_at, disabled_at, generation FROM user";

const KEY: &str =
    "SELECT id, user, name, hash, created_at, last_used_at, expires_at, revoked_at FROM api_key";

#[async_trait]
impl Users for Sqlite {
    async fn add_user(&self, user: User) -> Result<Added, StoreError> {
        self.write(1, move |book| book.add_user(&user)).await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.readers.ask(move |db| user_by_id(db, id)).await
    }

    async fn user_named(&self, name: UserName) -> Result<Option<User>, StoreError> {
        let sql = format!("{USER} WHERE name = ?1");
        self.readers.ask(move |db| one(db, &sql, &[&name.as_str()], read_user)).await
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        self.readers.ask(|db| all(db, &format!("{USER} ORDER BY name"), &[], read_user)).await
    }

    async fn change_user(&self, id: UserId, change: UserChange) -> Result<Option<User>, StoreError> {
        self.write(1, move |book| {
            let Some(user) = user_by_id(&book.db, id)? else { return Ok(None) };
            let user = user.after(change);
            book.write_user(&user)?;
            Ok(Some(user))
        })
        .await
    }

    async fn remove_user(&self, id: UserId) -> Result<bool, StoreError> {
        self.write(1, move |book| {
            book.db.prepare_cached("DELETE FROM api_key WHERE user = ?1")?.execute([id.as_bytes()])?;
            let gone = book.db.prepare_cached("DELETE FROM user WHERE id = ?1")?.execute([id.as_bytes()])?;
            Ok(gone > 0)
        })
        .await
    }
}

#[async_trait]
impl Keys for Sqlite {
    async fn add_key(&self, key: ApiKey) -> Result<Added, StoreError> {
        self.write(1, move |book| book.add_key(&key)).await
    }

    async fn key(&self, id: KeyId) -> Result<Option<ApiKey>, StoreError> {
        self.readers.ask(move |db| key_by_id(db, id)).await
    }

    async fn keys(&self, user: Option<UserId>) -> Result<Vec<ApiKey>, StoreError> {
        let newest_first = "ORDER BY created_at DESC, id DESC";
        let read = move |db: &Connection| match user {
            Some(user) => {
                let sql = format!("{KEY} WHERE user = ?1 {newest_first}");
                all(db, &sql, &[user.as_bytes()], read_key)
            }
            None => all(db, &format!("{KEY} {newest_first}"), &[], read_key),
        };
        self.readers.ask(read).await
    }

    async fn revoke_key(&self, id: KeyId, at: Timestamp) -> Result<Option<ApiKey>, StoreError> {
        self.write(1, move |book| {
            book.db
                .prepare_cached("UPDATE api_key SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1")?
                .execute(params![id.as_bytes(), at.as_millis()])?;
            key_by_id(&book.db, id)
        })
        .await
    }

    async fn touch_key(&self, id: KeyId, at: Timestamp) -> Result<(), StoreError> {
        self.write(1, move |book| {
            book.db
                .prepare_cached("UPDATE api_key SET last_used_at = ?2 WHERE id = ?1")?
                .execute(params![id.as_bytes(), at.as_millis()])?;
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl Tokens for Sqlite {
    async fn add_token_key(&self, key: TokenKey, forget: Timestamp) -> Result<(), StoreError> {
        self.write(1, move |book| book.add_token_key(&key, forget)).await
    }

    async fn token_keys(&self) -> Result<Vec<TokenKey>, StoreError> {
        let sql = "SELECT id, secret, created_at FROM token_key ORDER BY created_at, id";
        self.readers.ask(move |db| all(db, sql, &[], read_token_key)).await
    }

    async fn revoke_token(&self, id: TokenId, expires: Timestamp) -> Result<Added, StoreError> {
        self.write(1, move |book| book.revoke_token(id, expires)).await
    }

    async fn is_token_revoked(&self, id: TokenId) -> Result<bool, StoreError> {
        let now = self.clock.now().as_millis();
        let read = move |db: &Connection| {
            let mut found =
                db.prepare_cached("SELECT 1 FROM revoked_token WHERE id = ?1 AND expires_at > ?2")?;
            Ok(found.exists(params![id.as_bytes(), now])?)
        };
        self.readers.ask(read).await
    }
}

impl Book {
    fn add_user(&self, user: &User) -> Result<Added, Trouble> {
        let mut known = self.db.prepare_cached("SELECT 1 FROM user WHERE id = ?1 OR name = ?2")?;
        if known.exists(params![user.id.as_bytes(), user.name.as_str()])? {
            return Ok(Added::Taken);
        }
        if self.count("SELECT count(*) FROM user", &[])? >= MAX_USERS {
            return Ok(Added::Full);
        }
        self.write_user(user)?;
        Ok(Added::Added)
    }

    fn write_user(&self, user: &User) -> Result<(), Trouble> {
        self.db.prepare_cached("INSERT OR REPLACE INTO user VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(
            params![
                user.id.as_bytes(),
                user.name.as_str(),
                user.role.as_str(),
                user.password.reveal(),
                user.created_at.as_millis(),
                user.disabled_at.map(Timestamp::as_millis),
                user.generation,
            ],
        )?;
        Ok(())
    }

    fn add_key(&self, key: &ApiKey) -> Result<Added, Trouble> {
        if key_by_id(&self.db, key.id)?.is_some() {
            return Ok(Added::Taken);
        }
        if user_by_id(&self.db, key.user)?.is_none() {
            return Ok(Added::Orphan);
        }
        let user = key.user.as_bytes();
        if self.count("SELECT count(*) FROM api_key WHERE user = ?1", &[user])? >= MAX_KEYS {
            let first_revoked = "DELETE FROM api_key WHERE id = (SELECT id FROM api_key \
                 WHERE user = ?1 AND revoked_at IS NOT NULL ORDER BY revoked_at, id LIMIT 1)";
            if self.db.prepare_cached(first_revoked)?.execute([user])? == 0 {
                return Ok(Added::Full);
            }
        }
        let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
        self.db.prepare_cached("INSERT INTO api_key VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?.execute(
            params![
                key.id.as_bytes(),
                user,
                key.name,
                key.hash.as_bytes(),
                key.created_at.as_millis(),
                millis(key.last_used_at),
                millis(key.expires_at),
                millis(key.revoked_at),
            ],
        )?;
        Ok(Added::Added)
    }

    fn add_token_key(&self, key: &TokenKey, forget: Timestamp) -> Result<(), Trouble> {
        self.db
            .prepare_cached("DELETE FROM token_key WHERE created_at < ?1")?
            .execute([forget.as_millis()])?;
        self.db.prepare_cached("INSERT INTO token_key VALUES (?1, ?2, ?3)")?.execute(params![
            key.id.as_bytes(),
            key.secret.reveal(),
            key.created_at.as_millis(),
        ])?;
        let newest = "DELETE FROM token_key WHERE id NOT IN \
             (SELECT id FROM token_key ORDER BY created_at DESC, id DESC LIMIT ?1)";
        self.db.prepare_cached(newest)?.execute([MAX_TOKEN_KEYS as i64])?;
        Ok(())
    }

    fn revoke_token(&self, id: TokenId, expires: Timestamp) -> Result<Added, Trouble> {
        self.db
            .prepare_cached("DELETE FROM revoked_token WHERE expires_at <= ?1")?
            .execute([self.now().as_millis()])?;
        if self.count("SELECT count(*) FROM revoked_token", &[])? >= MAX_REVOKED_TOKENS {
            return Ok(Added::Full);
        }
        self.db
            .prepare_cached("INSERT OR REPLACE INTO revoked_token VALUES (?1, ?2)")?
            .execute(params![id.as_bytes(), expires.as_millis()])?;
        Ok(Added::Added)
    }

    fn count(&self, sql: &str, values: &[&dyn ToSql]) -> Result<usize, Trouble> {
        let count: i64 = self.db.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
        Ok(count as usize)
    }
}

fn user_by_id(db: &Connection, id: UserId) -> Result<Option<User>, Trouble> {
    one(db, &format!("{USER} WHERE id = ?1"), &[id.as_bytes()], read_user)
}

fn key_by_id(db: &Connection, id: KeyId) -> Result<Option<ApiKey>, Trouble> {
    one(db, &format!("{KEY} WHERE id = ?1"), &[id.as_bytes()], read_key)
}

fn one<T>(
    db: &Connection,
    sql: &str,
    values: &[&dyn ToSql],
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, Trouble> {
    Ok(db.prepare_cached(sql)?.query_row(values, read).optional()?)
}

fn all<T>(
    db: &Connection,
    sql: &str,
    values: &[&dyn ToSql],
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Trouble> {
    Ok(db.prepare_cached(sql)?.query_map(values, read)?.collect::<Result<_, _>>()?)
}

fn read_user(row: &Row<'_>) -> rusqlite::Result<User> {
    let name: String = row.get(1)?;
    let role: String = row.get(2)?;
    Ok(User {
        id: UserId::from_bytes(row.get(0)?),
        name: name.parse().map_err(|error| foreign(1, error))?,
        role: role.parse::<Role>().map_err(|error| foreign(2, error))?,
        password: PasswordHash::new(row.get::<_, String>(3)?),
        created_at: Timestamp::from_millis(row.get(4)?),
        disabled_at: time(row, 5)?,
        generation: row.get(6)?,
    })
}

fn read_key(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    Ok(ApiKey {
        id: KeyId::from_bytes(row.get(0)?),
        user: UserId::from_bytes(row.get(1)?),
        name: row.get(2)?,
        hash: KeyHash::from_bytes(row.get(3)?),
        created_at: Timestamp::from_millis(row.get(4)?),
        last_used_at: time(row, 5)?,
        expires_at: time(row, 6)?,
        revoked_at: time(row, 7)?,
    })
}

fn read_token_key(row: &Row<'_>) -> rusqlite::Result<TokenKey> {
    Ok(TokenKey {
        id: TokenKeyId::from_bytes(row.get(0)?),
        secret: TokenSecret::from_bytes(row.get(1)?),
        created_at: Timestamp::from_millis(row.get(2)?),
    })
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
}

/// A text that this program never wrote.
fn foreign(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}
