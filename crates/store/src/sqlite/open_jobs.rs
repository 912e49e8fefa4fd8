//! How many jobs each owner has that have not ended: a number an owner, so that a quota costs nothing to ask.

use std::collections::{BTreeSet, HashMap};

use darkroom_core::job::State;
use rusqlite::{Connection, params};

/// By the owner's word. The file has the same, but for what this transaction has changed.
#[derive(Debug, Default)]
pub(super) struct OpenJobs {
    counts: HashMap<i64, u64>,
    changed: BTreeSet<i64>,
}

impl OpenJobs {
    pub(super) fn reload(&mut self, db: &Connection) -> rusqlite::Result<()> {
        *self = Self::default();
        let mut statement = db.prepare_cached("SELECT owner, jobs FROM open_jobs")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            self.counts.insert(row.get(0)?, row.get::<_, i64>(1)? as u64);
        }
        Ok(())
    }

    pub(super) fn of(&self, owner: i64) -> u64 {
        self.counts.get(&owner).copied().unwrap_or_default()
    }

    /// A job of this owner went from one state to another; `None` is outside of the store.
    pub(super) fn moved(&mut self, owner: i64, from: Option<State>, to: Option<State>) {
        let is_open = |state: Option<State>| state.is_some_and(|state| !state.is_final());
        match (is_open(from), is_open(to)) {
            (false, true) => *self.counts.entry(owner).or_default() += 1,
            (true, false) => {
                let left = self.of(owner).saturating_sub(1);
                // Owners without a job are not remembered: there may be many over the years.
                if left == 0 {
                    self.counts.remove(&owner)
                } else {
                    self.counts.insert(owner, left)
                };
            }
            _ => return,
        }
        self.changed.insert(owner);
    }

    /// Writes what has changed since the last transaction.
    pub(super) fn write(&mut self, db: &Connection) -> rusqlite::Result<()> {
        for owner in std::mem::take(&mut self.changed) {
            match self.of(owner) {
                0 => db.prepare_cached("DELETE FROM open_jobs WHERE owner = ?1")?.execute([owner])?,
                jobs => db
                    .prepare_cached("INSERT OR REPLACE INTO open_jobs VALUES (?1, ?2)")?
                    .execute(params![owner, jobs as i64])?,
            };
        }
        Ok(())
    }
}
