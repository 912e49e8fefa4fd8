//! Remembered results: a key and where the result is, which is most often among those of a job.

use async_trait::async_trait;
use darkroom_core::{
    Timestamp,
    job::OperationResult,
    store::{Cache, CacheKey, MAX_BATCH, MAX_FORGOTTEN, StoreError},
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Sqlite,
    book::Book,
    trouble::{Trouble, internal},
};

/// How many results are remembered, so that nobody has to count.
#[derive(Debug, Default)]
pub(super) struct Remembered(u64);

#[async_trait]
impl Cache for Sqlite {
    async fn recall(&self, keys: Vec<CacheKey>) -> Result<Vec<Option<OperationResult>>, StoreError> {
        if keys.len() > MAX_BATCH {
            return Err(StoreError::BatchTooLarge);
        }
        self.readers.ask(move |db| keys.iter().map(|key| recall(db, key)).collect()).await
    }

    async fn remember(&self, results: Vec<(CacheKey, OperationResult)>) -> Result<(), StoreError> {
        if results.len() > MAX_BATCH {
            return Err(StoreError::BatchTooLarge);
        }
        let own = results.iter().filter(|(_, result)| result.artifacts.is_empty());
        let texts = own.map(|(key, result)| Ok((*key, serde_json::to_string(result).map_err(internal)?)));
        let texts: Vec<(CacheKey, String)> = texts.collect::<Result<_, Trouble>>()?;
        let remember = move |book: &mut Book| {
            for (key, body) in &texts {
                book.remember(*key, None, Some(body))?;
            }
            Ok(())
        };
        self.write(results.len(), remember).await
    }
}

impl Remembered {
    pub(super) fn reload(&mut self, db: &Connection) -> rusqlite::Result<()> {
        self.0 = db.query_row("SELECT count(*) FROM cached", [], |row| row.get::<_, i64>(0))? as u64;
        Ok(())
    }
}

impl Book {
    /// Remembers a result, or remembers it anew: the one at a place among those of a job, or one of no job.
    pub(super) fn remember(
        &mut self,
        key: CacheKey,
        job: Option<(u64, usize)>,
        body: Option<&str>,
    ) -> Result<(), Trouble> {
        let now = self.now();
        let before =
            self.db.prepare_cached("DELETE FROM cached WHERE key = ?1")?.execute([key.as_bytes()])?;
        self.remembered.0 = self.remembered.0 + 1 - before as u64;
        self.db
            .prepare_cached("INSERT INTO cached (key, at, seq, place, body) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                key.as_bytes(),
                now.as_millis(),
                job.map(|(seq, _)| seq as i64),
                job.map(|(_, place)| place as i64),
                body,
            ])?;
        Ok(())
    }

    /// Forgets what is remembered of a job.
    pub(super) fn forget_results_of(&mut self, seq: u64) -> Result<(), Trouble> {
        if self.remembered.0 > 0 {
            let gone = self.db.prepare_cached("DELETE FROM cached WHERE seq = ?1")?.execute([seq as i64])?;
            self.remembered.0 -= gone as u64;
        }
        Ok(())
    }

    /// Forgets what was remembered longest ago, as far as it is too old or too much; how many.
    pub(super) fn forget_results(&mut self, now: Timestamp) -> Result<u64, Trouble> {
        let beyond = self.remembered.0.saturating_sub(self.limits.max_cached);
        let mut oldest = self.db.prepare_cached("SELECT n, at FROM cached ORDER BY n LIMIT ?1")?;
        let mut rows = oldest.query([MAX_FORGOTTEN as i64])?;
        let (mut last, mut count) = (None, 0);
        while let Some(row) = rows.next()? {
            let (n, at): (i64, i64) = (row.get(0)?, row.get(1)?);
            if count >= beyond && Timestamp::from_millis(at) + self.limits.keep_cached > now {
                break;
            }
            (last, count) = (Some(n), count + 1);
        }
        drop(rows);
        if last.is_some() {
            self.db.prepare_cached("DELETE FROM cached WHERE n <= ?1")?.execute([last])?;
        }
        self.remembered.0 -= count;
        Ok(count)
    }
}

fn recall(db: &Connection, key: &CacheKey) -> Result<Option<OperationResult>, Trouble> {
    type Row = (Option<i64>, Option<i64>, Option<String>, Option<String>);
    let row: Option<Row> = db
        .prepare_cached(
            "SELECT cached.seq, place, cached.body, result.body FROM cached \
             LEFT JOIN result ON result.seq = cached.seq WHERE key = ?1",
        )?
        .query_row([key.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    match row {
        Some((None, _, Some(own), _)) => Ok(Some(serde_json::from_str(&own).map_err(internal)?)),
        Some((Some(_), Some(place), _, Some(of_job))) => {
            let results: Vec<OperationResult> = serde_json::from_str(&of_job).map_err(internal)?;
            Ok(results.into_iter().nth(place as usize))
        }
        _ => Ok(None),
    }
}
