//! The inference log: rows in order of arrival, so that adding touches the last page and forgetting the first.
//!
//! There is no index but the number. A question with a filter walks back in time until its page is full; the log is
//! bounded, and its rows are narrow: names of models, owners and operations are written once and referred to.

use std::collections::HashMap;

use async_trait::async_trait;
use darkroom_core::{
    BlobId, JobId, Timestamp,
    job::FileName,
    prediction::{Answer, AskedModel, Best, Ending, NewPrediction, Prediction, Surface},
    store::{
        MAX_BATCH, MAX_FORGOTTEN, MAX_PAGE, Page, PredictionFilter, Predictions, StoreError, StoreLimits,
    },
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    Sqlite,
    book::Book,
    query::Query,
    rows::{number, pick},
    trouble::{Trouble, internal},
};

/// Models whose numbers are kept in memory at most; above, all are forgotten and read again.
const MAX_KEPT: usize = 1_000;

const COLUMNS: &str = "SELECT prediction.seq, prediction.at, surface, operation.text, asked, prediction.version, model.name, \
     model.version, model.digest, owner.text, job, file_name, input, class, label, score, code.text, message, took_us, \
     model_us, cached FROM prediction CROSS JOIN word AS operation ON operation.id = prediction.operation \
     CROSS JOIN word AS owner ON owner.id = prediction.owner \
     LEFT JOIN prediction_model AS model ON model.id = prediction.model \
     LEFT JOIN word AS code ON code.id = prediction.code";

/// The numbers of models that were found. There are as many as were ever installed and asked.
#[derive(Debug, Default)]
pub(super) struct Models(HashMap<AskedModel, i64>);

#[async_trait]
impl Predictions for Sqlite {
    async fn record(&self, entries: Vec<NewPrediction>) -> Result<(), StoreError> {
        if entries.len() > MAX_BATCH {
            return Err(StoreError::BatchTooLarge);
        }
        self.write(entries.len(), move |book| book.log(&entries)).await
    }

    async fn predictions(&self, filter: PredictionFilter, page: Page) -> Result<Vec<Prediction>, StoreError> {
        self.readers.ask(move |db| list(db, &filter, page)).await
    }
}

impl Book {
    pub(super) fn log(&mut self, entries: &[NewPrediction]) -> Result<(), Trouble> {
        for entry in entries {
            self.log_one(entry)?;
        }
        Ok(())
    }

    fn log_one(&mut self, entry: &NewPrediction) -> Result<(), Trouble> {
        let operation = self.words.word(&self.db, &entry.operation)?;
        let owner = self.words.word(&self.db, entry.owner.as_str())?;
        // Only models that were found are numbered: whoever asks for names that there are not fills no table.
        let (known, asked) = match &entry.model {
            Some(found) if found.digest.is_some() => (Some(self.models.number(&self.db, found)?), None),
            asked => (None, asked.as_ref()),
        };
        let (best, code, message) = match &entry.answer {
            Answer::Given(best) => (best.as_ref(), None, None),
            Answer::Failed { code, message } => (None, Some(self.words.word(&self.db, code)?), Some(message)),
        };
        let surface = Surface::ALL.iter().position(|surface| *surface == entry.surface);
        self.db
            .prepare_cached(
                "INSERT INTO prediction (at, surface, operation, model, asked, version, owner, job, file_name, input, \
                 class, label, score, code, message, took_us, model_us, cached) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
            )?
            .execute(params![
                entry.at.as_millis(),
                surface.unwrap_or_default() as i64,
                operation,
                known,
                asked.map(|model| &model.name),
                asked.and_then(|model| model.version.as_ref()),
                owner,
                entry.job.as_ref().map(JobId::as_bytes),
                entry.file_name.as_ref().map(FileName::as_str),
                entry.input.as_ref().map(BlobId::as_bytes),
                best.map(|best| best.class),
                best.and_then(|best| best.label.as_ref()),
                best.map(|best| f64::from(best.score)),
                code,
                message,
                entry.took_us as i64,
                entry.model_us.map(|us| us as i64),
                entry.cached,
            ])?;
        Ok(())
    }

    /// Deletes the oldest entries that retention has outlived; how many.
    pub(super) fn forget_predictions(&mut self, now: Timestamp) -> Result<u64, Trouble> {
        let StoreLimits { keep_predictions, max_predictions, .. } = self.limits;
        let newest: Option<u64> = self
            .db
            .prepare_cached("SELECT max(seq) FROM prediction")?
            .query_row([], |row| Ok(row.get::<_, Option<i64>>(0)?.map(|seq| seq as u64)))?;
        let Some(newest) = newest else { return Ok(0) };
        let mut oldest = self.db.prepare_cached("SELECT seq, at FROM prediction ORDER BY seq LIMIT ?1")?;
        let mut rows = oldest.query([MAX_FORGOTTEN as i64])?;
        let (mut last, mut count) = (None, 0);
        while let Some(row) = rows.next()? {
            let (seq, at) = (number(row, 0)?, Timestamp::from_millis(row.get(1)?));
            if at + keep_predictions > now && seq + max_predictions > newest {
                break;
            }
            (last, count) = (Some(seq as i64), count + 1);
        }
        drop(rows);
        if last.is_some() {
            self.db.prepare_cached("DELETE FROM prediction WHERE seq <= ?1")?.execute([last])?;
        }
        Ok(count)
    }
}

impl Models {
    /// A transaction was undone: numbers that it gave mean nothing.
    pub(super) fn reload(&mut self) {
        self.0.clear();
    }

    fn number(&mut self, db: &Connection, model: &AskedModel) -> Result<i64, Trouble> {
        if let Some(number) = self.0.get(model) {
            return Ok(*number);
        }
        let AskedModel { name, version, digest } = model;
        let known: Option<i64> = db
            .prepare_cached(
                "SELECT id FROM prediction_model WHERE name = ?1 AND version IS ?2 AND digest = ?3",
            )?
            .query_row(params![name, version, digest], |row| row.get(0))
            .optional()?;
        let number = match known {
            Some(number) => number,
            None => db
                .prepare_cached("INSERT INTO prediction_model (name, version, digest) VALUES (?1, ?2, ?3)")?
                .insert(params![name, version, digest])?,
        };
        if self.0.len() >= MAX_KEPT {
            self.0.clear();
        }
        self.0.insert(model.clone(), number);
        Ok(number)
    }
}

fn list(db: &Connection, filter: &PredictionFilter, page: Page) -> Result<Vec<Prediction>, Trouble> {
    let mut query = Query::default();
    narrow(&mut query, filter);
    if let Some(before) = page.before {
        query.and("prediction.seq < ?", before.min(i64::MAX as u64) as i64);
    }
    let limit = page.limit.clamp(1, MAX_PAGE);
    let sql = format!("{COLUMNS} WHERE {} ORDER BY prediction.seq DESC LIMIT {limit}", query.condition());
    let values = query.values();
    let mut statement = db.prepare(&sql)?;
    let mut rows = statement.query(&values[..])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The conditions of [`PredictionFilter::shows`].
fn narrow(query: &mut Query, filter: &PredictionFilter) {
    if let Some(name) = &filter.model {
        query.and(
            "? IN (asked, (SELECT name FROM prediction_model WHERE id = prediction.model))",
            name.clone(),
        );
    }
    if let Some(wanted) = &filter.version {
        let known = "(SELECT version FROM prediction_model WHERE id = prediction.model)";
        query.and(&format!("? IN (prediction.version, {known})"), wanted.clone());
    }
    if let Some(surface) = filter.surface {
        let place = Surface::ALL.iter().position(|known| *known == surface);
        query.and("surface = ?", place.unwrap_or_default() as i64);
    }
    match filter.ending {
        Some(Ending::Answered) => query.given("prediction.code IS NULL"),
        Some(Ending::Failed) => query.given("prediction.code IS NOT NULL"),
        None => {}
    }
    if let Some(label) = &filter.label {
        query.and("label = ?", label.clone());
    }
    if let Some(owner) = &filter.owner {
        query.and("prediction.owner = (SELECT id FROM word WHERE text = ?)", owner.to_string());
    }
    if let Some(since) = filter.since {
        query.and("prediction.at >= ?", since.as_millis());
    }
    if let Some(until) = filter.until {
        query.and("prediction.at < ?", until.as_millis());
    }
}

fn read(row: &Row<'_>) -> Result<Prediction, Trouble> {
    let (asked, found): (Option<String>, Option<String>) = (row.get(4)?, row.get(6)?);
    let model = match (asked, found) {
        (_, Some(name)) => Some(AskedModel { name, version: row.get(7)?, digest: row.get(8)? }),
        (Some(name), None) => Some(AskedModel { name, version: row.get(5)?, digest: None }),
        (None, None) => None,
    };
    let class: Option<u32> = row.get(13)?;
    let best = |class| -> rusqlite::Result<Best> {
        Ok(Best {
            class,
            label: row.get(14)?,
            score: row.get::<_, Option<f64>>(15)?.unwrap_or_default() as f32,
        })
    };
    let answer = match row.get::<_, Option<String>>(16)? {
        Some(code) => Answer::Failed { code, message: row.get(17)? },
        None => Answer::Given(class.map(best).transpose()?),
    };
    let owner: String = row.get(9)?;
    let entry = NewPrediction {
        at: Timestamp::from_millis(row.get(1)?),
        surface: pick(Surface::ALL, row, 2)?,
        operation: row.get(3)?,
        model,
        owner: owner.parse().map_err(internal)?,
        job: row.get::<_, Option<[u8; 16]>>(10)?.map(JobId::from_bytes),
        file_name: row.get::<_, Option<String>>(11)?.as_deref().and_then(FileName::clean),
        input: row.get::<_, Option<[u8; 32]>>(12)?.map(BlobId::from_bytes),
        answer,
        took_us: number(row, 18)?,
        model_us: row.get::<_, Option<i64>>(19)?.map(|us| us as u64),
        cached: row.get(20)?,
    };
    Ok(Prediction { seq: number(row, 0)?, entry })
}
