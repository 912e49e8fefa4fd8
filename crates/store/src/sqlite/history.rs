//! The past: a row a minute. The row of the present is in memory and is written once a transaction, see [`Present`].

use async_trait::async_trait;
use darkroom_core::{
    Latencies, Timestamp,
    store::{Bucket, History, Period, Sample, StoreError},
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    Sqlite,
    book::Book,
    ledger::{held, oldest_queued},
    rows::number,
    trouble::Trouble,
};
use crate::history::{MAX_FORGOTTEN_MINUTES, goes_first, kept, recent, sample};

const COLUMNS: &str = "SELECT start, submitted, succeeded, failed, cancelled, latencies, queued, running, oldest_wait FROM minute";

/// The minute of the present as this transaction leaves it. When the clock moves on or jumps, the row of that minute is
/// read, so nothing that was counted before is overwritten.
#[derive(Debug, Default)]
pub(super) struct Present {
    minute: Option<Period>,
    changed: bool,
    /// Rows of the table.
    rows: u64,
}

#[async_trait]
impl History for Sqlite {
    async fn history(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Period>, StoreError> {
        let between = move |db: &Connection| {
            let sql = format!("{COLUMNS} WHERE start >= ?1 AND start < ?2 ORDER BY start");
            let mut minutes = db.prepare_cached(&sql)?;
            let rows = minutes.query_map([from.as_millis(), until.as_millis()], read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        self.readers.ask(between).await
    }
}

impl Present {
    /// A transaction was undone, or the store is opened.
    pub(super) fn reload(&mut self, db: &Connection) -> Result<(), Trouble> {
        let rows: i64 = db.query_row("SELECT count(*) FROM minute", [], |row| row.get(0))?;
        *self = Self { rows: rows as u64, ..Self::default() };
        Ok(())
    }

    /// The minute of `now`, to be counted into.
    pub(super) fn minute(&mut self, db: &Connection, now: Timestamp) -> Result<&mut Period, Trouble> {
        let minute = self.look(db, now)?;
        self.changed = true;
        Ok(self.minute.insert(minute))
    }

    fn look(&mut self, db: &Connection, now: Timestamp) -> Result<Period, Trouble> {
        let empty = Period::minute_of(now);
        match self.minute.take() {
            Some(minute) if minute.start == empty.start => return Ok(minute),
            Some(minute) => {
                self.minute = Some(minute);
                self.write(db)?;
            }
            None => {}
        }
        let mut known = db.prepare_cached(&format!("{COLUMNS} WHERE start = ?1"))?;
        let known = known.query_row([empty.start.as_millis()], read).optional()?;
        self.rows += u64::from(known.is_none());
        Ok(known.unwrap_or(empty))
    }

    /// Writes the minute, if something was counted.
    pub(super) fn write(&mut self, db: &Connection) -> Result<(), Trouble> {
        let Some(minute) = self.minute.as_ref().filter(|_| self.changed) else { return Ok(()) };
        db.prepare_cached(
            "INSERT OR REPLACE INTO minute (start, submitted, succeeded, failed, cancelled, latencies, queued, running, \
             oldest_wait) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            minute.start.as_millis(),
            minute.submitted as i64,
            minute.succeeded as i64,
            minute.failed as i64,
            minute.cancelled as i64,
            minute.latencies.to_bytes(),
            minute.sample.map(|sample| sample.queued as i64),
            minute.sample.map(|sample| sample.running as i64),
            minute.sample.map(|sample| sample.oldest_wait.as_millis() as i64),
        ])?;
        self.changed = false;
        Ok(())
    }

    /// Deletes minutes beyond those that are kept.
    fn forget(&mut self, db: &Connection, (keep, now): (u64, Timestamp)) -> Result<(), Trouble> {
        let over = self.rows.saturating_sub(keep).min(MAX_FORGOTTEN_MINUTES);
        for _ in 0..over {
            let mut ends =
                db.prepare_cached("SELECT (SELECT min(start) FROM minute), (SELECT max(start) FROM minute)")?;
            let ends =
                ends.query_row([], |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?)))?;
            let (Some(first), Some(last)) = ends else { return Ok(()) };
            let farthest = goes_first(Timestamp::from_millis(first), Timestamp::from_millis(last), now);
            let mut delete = db.prepare_cached("DELETE FROM minute WHERE start = ?1")?;
            self.rows -= delete.execute([farthest.as_millis()])? as u64;
        }
        Ok(())
    }
}

impl Book {
    /// Samples the queue, once a minute. Only then is the table looked at: a sweep that has nothing to do writes nothing.
    pub(super) fn look_at_queue(&mut self, now: Timestamp) -> Result<(), Trouble> {
        let minute = self.present.look(&self.db, now)?;
        let known = minute.sample.is_some();
        self.present.minute = Some(minute);
        if known {
            return Ok(());
        }
        // What is held is asked of the table, which this sweep itself may have made out of date.
        self.runs.write(&self.db)?;
        let (oldest, held) = (oldest_queued(&self.db, self.totals.waited_in().cloned())?, held(&self.db)?);
        self.present.minute(&self.db, now)?.sample = Some(sample(&self.totals, (&oldest, &held), now));
        self.present.write(&self.db)?;
        self.present.forget(&self.db, (kept(self.limits.keep_history), now))
    }
}

/// What finished lately.
pub(super) fn finished_lately(db: &Connection, now: Timestamp) -> Result<Vec<Bucket>, Trouble> {
    let (first, last) = recent(now);
    let mut minutes = db.prepare_cached(
        "SELECT start, succeeded, failed, cancelled FROM minute WHERE start >= ?1 AND start <= ?2 \
         AND succeeded + failed + cancelled > 0 ORDER BY start",
    )?;
    let bucket = |row: &Row<'_>| {
        Ok(Bucket {
            minute: Timestamp::from_millis(row.get(0)?),
            succeeded: number(row, 1)?,
            failed: number(row, 2)?,
            cancelled: number(row, 3)?,
        })
    };
    let rows = minutes.query_map([first.as_millis(), last.as_millis()], bucket)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Period> {
    // Rows of older versions have none; and nothing is to fail because those of one minute cannot be read.
    let latencies: Option<Vec<u8>> = row.get(5)?;
    let latencies = latencies.and_then(|bytes| Latencies::from_bytes(&bytes)).unwrap_or_default();
    let queued: Option<i64> = row.get(6)?;
    let sample = match queued {
        Some(queued) => Some(Sample {
            queued: queued as u64,
            running: number(row, 7)?,
            oldest_wait: std::time::Duration::from_millis(number(row, 8)?),
        }),
        None => None,
    };
    Ok(Period {
        start: Timestamp::from_millis(row.get(0)?),
        submitted: number(row, 1)?,
        succeeded: number(row, 2)?,
        failed: number(row, 3)?,
        cancelled: number(row, 4)?,
        latencies,
        sample,
    })
}
