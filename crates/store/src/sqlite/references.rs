//! Which job refers to which blob. Runs refer to the archives that they are read from, which are few: those have a
//! table of their own.
//!
//! Content addresses are random, so each one inserted into a large index dirties a page of its own: at a million jobs
//! that is most of what a commit writes. References therefore go to a log in order of arrival, and to a set in
//! memory; a full generation of them is folded into the index in the order of the index, a part with each
//! transaction, so that many share a page. A look-up asks the set and the index, and verifies each candidate
//! against its job: an entry that outlived its job is harmless.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use darkroom_core::{
    BlobId,
    job::{FileName, Input, OperationResult, Owner, Place},
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    rows::number,
    trouble::{Trouble, internal},
};

/// References of one generation. Two of them are read when the store is opened.
const GENERATION: usize = 30_000;

/// References folded with one transaction at least.
const FOLDED_AT_ONCE: usize = 500;

/// References folded with each sweep, so that a log that a short-lived process left is folded though little comes.
const FOLDED_BY_A_SWEEP: usize = 5_000;

type Reference = (i64, u64);

/// What the index has of a blob, by the beginning of its address; the earliest job first.
const INDEXED: &str = "SELECT seq FROM reference WHERE prefix = ?1 ORDER BY seq";

/// What is not in the index yet.
#[derive(Debug, Default)]
struct Recent {
    fresh: BTreeSet<Reference>,
    folding: BTreeSet<Reference>,
}

/// The writer's side; readers share the set.
#[derive(Debug, Default)]
pub(super) struct References {
    recent: Arc<Mutex<Recent>>,
    added: usize,
    /// References that this transaction is to fold at least, though it adds none.
    wanted: usize,
    /// Folded within this transaction; they leave the set once it is committed.
    folded: Vec<Reference>,
    last_logged: i64,
    /// The log up to here belongs to the generation that is being folded.
    folding_until: i64,
}

/// The readers' side.
#[derive(Debug, Clone)]
pub(super) struct RecentReferences(Arc<Mutex<Recent>>);

impl References {
    /// Reads what an earlier process had not folded.
    pub(super) fn reload(&mut self, db: &Connection) -> rusqlite::Result<()> {
        let mut statement = db.prepare_cached("SELECT n, prefix, seq FROM reference_log ORDER BY n")?;
        let mut fresh = Vec::new();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            self.last_logged = row.get(0)?;
            fresh.push((row.get(1)?, row.get::<_, i64>(2)? as u64));
        }
        (self.added, self.wanted, self.folding_until) = (0, 0, 0);
        self.folded.clear();
        *lock(&self.recent) = Recent { fresh: fresh.into_iter().collect(), folding: BTreeSet::new() };
        Ok(())
    }

    pub(super) fn reader(&self) -> RecentReferences {
        RecentReferences(self.recent.clone())
    }

    pub(super) fn add(&mut self, db: &Connection, blob: BlobId, seq: u64) -> rusqlite::Result<()> {
        let prefix = prefix(blob);
        self.last_logged += 1;
        db.prepare_cached("INSERT INTO reference_log (n, prefix, seq) VALUES (?1, ?2, ?3)")?
            .execute(params![self.last_logged, prefix, seq as i64])?;
        self.added += 1;
        lock(&self.recent).fresh.insert((prefix, seq));
        Ok(())
    }

    pub(super) fn remove(&mut self, db: &Connection, blob: BlobId, seq: u64) -> rusqlite::Result<()> {
        let reference = (prefix(blob), seq);
        let mut recent = lock(&self.recent);
        recent.fresh.remove(&reference);
        recent.folding.remove(&reference);
        drop(recent);
        self.folded.retain(|folded| *folded != reference);
        db.prepare_cached("DELETE FROM reference WHERE prefix = ?1 AND seq = ?2")?
            .execute(params![reference.0, seq as i64])?;
        Ok(())
    }

    /// Asks this transaction to fold a part, whatever it adds.
    pub(super) fn want_folding(&mut self) {
        self.wanted = FOLDED_BY_A_SWEEP;
    }

    /// Folds a part of the generation before this one, at twice the pace at which references come.
    pub(super) fn fold(&mut self, db: &Connection) -> rusqlite::Result<()> {
        if self.added + self.wanted == 0 {
            return Ok(());
        }
        let mut recent = lock(&self.recent);
        if recent.folding.is_empty() {
            if self.folding_until > 0 {
                db.prepare_cached("DELETE FROM reference_log WHERE n <= ?1")?
                    .execute([self.folding_until])?;
                self.folding_until = 0;
            }
            if recent.fresh.len() < GENERATION {
                return Ok(());
            }
            recent.folding = std::mem::take(&mut recent.fresh);
            self.folding_until = self.last_logged;
        }
        let part = FOLDED_AT_ONCE.max(2 * self.added).max(self.wanted);
        let mut insert =
            db.prepare_cached("INSERT OR IGNORE INTO reference (prefix, seq) VALUES (?1, ?2)")?;
        for (prefix, seq) in recent.folding.iter().take(part) {
            insert.execute(params![prefix, *seq as i64])?;
            self.folded.push((*prefix, *seq));
        }
        Ok(())
    }

    /// The transaction is committed: what it folded is found in the index from now on.
    pub(super) fn committed(&mut self) {
        (self.added, self.wanted) = (0, 0);
        if self.folded.is_empty() {
            return;
        }
        let mut recent = lock(&self.recent);
        for reference in self.folded.drain(..) {
            recent.folding.remove(&reference);
        }
    }
}

impl RecentReferences {
    /// Whether any job or run refers to this blob. The set is asked before the index: a reference moves that way only.
    pub(super) fn is_referenced(&self, db: &Connection, blob: BlobId) -> Result<bool, Trouble> {
        let mut archives = db.prepare_cached("SELECT 1 FROM run_archive WHERE blob = ?1")?;
        Ok(archives.exists([blob.as_bytes()])? || self.any_referrer(db, blob, |_| Ok(true))?)
    }

    /// Whether this blob is the input of any job.
    pub(super) fn is_input(&self, db: &Connection, blob: BlobId) -> Result<bool, Trouble> {
        self.any_referrer(db, blob, |seq| Ok(input(db, seq)? == Some(blob)))
    }

    /// The earliest input with this content that has a place. Both the set and the index have theirs in the order of the
    /// jobs, and an earlier job may be in either.
    pub(super) fn placed(&self, db: &Connection, blob: BlobId) -> Result<Option<Input>, Trouble> {
        let is_placed = |seq| Ok::<_, Trouble>(placed(db, seq)?.filter(|input| input.blob == blob));
        let mut found = None;
        for seq in self.recent(blob) {
            found = is_placed(seq)?.map(|input| (seq, input));
            if found.is_some() {
                break;
            }
        }
        let mut indexed = db.prepare_cached(INDEXED)?;
        let mut rows = indexed.query([prefix(blob)])?;
        while let Some(row) = rows.next()? {
            let seq = number(row, 0)?;
            if found.as_ref().is_some_and(|(known, _)| *known <= seq) {
                break;
            }
            if let Some(input) = is_placed(seq)? {
                return Ok(Some(input));
            }
        }
        Ok(found.map(|(_, input)| input))
    }

    /// Whether any job of this owner refers to this blob.
    pub(super) fn is_referenced_by(
        &self,
        db: &Connection,
        blob: BlobId,
        owner: &Owner,
    ) -> Result<bool, Trouble> {
        self.any_referrer(db, blob, |seq| {
            let sql = "SELECT 1 FROM job WHERE seq = ?1 AND owner = (SELECT id FROM word WHERE text = ?2)";
            Ok(db.prepare_cached(sql)?.exists(params![seq as i64, owner.as_str()])?)
        })
    }

    /// The jobs of the set that may refer to this blob, in their order.
    fn recent(&self, blob: BlobId) -> Vec<u64> {
        let prefix = prefix(blob);
        let all = (prefix, 0)..=(prefix, u64::MAX);
        let recent = lock(&self.0);
        let mut jobs: Vec<u64> =
            recent.fresh.range(all.clone()).chain(recent.folding.range(all)).map(|(_, seq)| *seq).collect();
        jobs.sort_unstable();
        jobs
    }

    /// Whether `counts` says yes to any job that refers to this blob.
    fn any_referrer(
        &self,
        db: &Connection,
        blob: BlobId,
        counts: impl Fn(u64) -> Result<bool, Trouble>,
    ) -> Result<bool, Trouble> {
        for seq in self.recent(blob) {
            if counts(seq)? && refers(db, seq, blob)? {
                return Ok(true);
            }
        }
        let mut indexed = db.prepare_cached(INDEXED)?;
        let mut rows = indexed.query([prefix(blob)])?;
        while let Some(row) = rows.next()? {
            let seq = row.get::<_, i64>(0)? as u64;
            if counts(seq)? && refers(db, seq, blob)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn refers(db: &Connection, seq: u64, blob: BlobId) -> Result<bool, Trouble> {
    match input(db, seq)? {
        None => Ok(false),
        Some(input) if input == blob => Ok(true),
        Some(_) => Ok(artifacts(db, seq)?.contains(&blob)),
    }
}

/// The image of a job.
fn input(db: &Connection, seq: u64) -> Result<Option<BlobId>, Trouble> {
    let mut inputs = db.prepare_cached("SELECT blob FROM detail WHERE seq = ?1")?;
    let input = inputs.query_row([seq as i64], |row| row.get(0)).optional()?;
    Ok(input.map(BlobId::from_bytes))
}

/// The image of a job, if it has a place.
fn placed(db: &Connection, seq: u64) -> Result<Option<Input>, Trouble> {
    let mut inputs = db.prepare_cached(
        "SELECT blob, bytes, media_type, name, place FROM detail WHERE seq = ?1 AND place IS NOT NULL",
    )?;
    let row = |row: &Row<'_>| {
        let (name, place): (Option<String>, String) = (row.get(3)?, row.get(4)?);
        Ok(Input {
            blob: BlobId::from_bytes(row.get(0)?),
            bytes: number(row, 1)?,
            media_type: row.get(2)?,
            name: name.as_deref().and_then(FileName::clean),
            place: Place::of(Path::new(&place)),
        })
    };
    Ok(inputs.query_row([seq as i64], row).optional()?)
}

/// The blobs that a job produced.
pub(super) fn artifacts(db: &Connection, seq: u64) -> Result<Vec<BlobId>, Trouble> {
    let mut bodies = db.prepare_cached("SELECT body FROM result WHERE seq = ?1")?;
    let body: Option<String> = bodies.query_row([seq as i64], |row| row.get(0)).optional()?;
    let Some(body) = body else { return Ok(Vec::new()) };
    let results: Vec<OperationResult> = serde_json::from_str(&body).map_err(internal)?;
    Ok(results.iter().flat_map(|result| &result.artifacts).map(|artifact| artifact.blob).collect())
}

fn prefix(blob: BlobId) -> i64 {
    let mut first = [0; 8];
    first.copy_from_slice(&blob.as_bytes()[..8]);
    i64::from_be_bytes(first)
}

fn lock(recent: &Mutex<Recent>) -> MutexGuard<'_, Recent> {
    recent.lock().unwrap_or_else(PoisonError::into_inner)
}
