//! Names as numbers: owners, origins, queues, lanes and operations are written once and referred to.

use std::{collections::HashMap, sync::Arc};

use darkroom_core::{
    fairness::LaneKey,
    job::{Lane, QueueName},
};
use rusqlite::{Connection, OptionalExtension, params};

use super::trouble::{Trouble, internal};

/// Names kept in memory at most; above, all are forgotten and read again.
const MAX_KEPT: usize = 100_000;

/// Operations that one file can name: the bits of a positive number.
const MAX_OPERATION_NAMES: i64 = 62;

#[derive(Debug, Default)]
pub(super) struct Words {
    texts: HashMap<String, i64>,
    numbered: HashMap<i64, String>,
    queues: HashMap<QueueName, i64>,
    queue_names: HashMap<i64, QueueName>,
    lanes: HashMap<LaneKey, i64>,
    lane_keys: HashMap<i64, LaneKey>,
    operations: HashMap<String, i64>,
    operation_sets: HashMap<i64, Arc<[String]>>,
}

impl Words {
    /// The number of an owner, an origin or a worker.
    pub(super) fn word(&mut self, db: &Connection, text: &str) -> Result<i64, Trouble> {
        if let Some(id) = self.texts.get(text) {
            return Ok(*id);
        }
        let id = find_or_insert(
            db,
            ("SELECT id FROM word WHERE text = ?1", "INSERT INTO word (text) VALUES (?1)"),
            params![text],
        )?;
        self.texts.insert(text.to_owned(), id);
        Ok(id)
    }

    /// The owner, origin or worker of this number.
    pub(super) fn text(&mut self, db: &Connection, id: i64) -> Result<String, Trouble> {
        if let Some(text) = self.numbered.get(&id) {
            return Ok(text.clone());
        }
        let text: String =
            db.prepare_cached("SELECT text FROM word WHERE id = ?1")?.query_row([id], |row| row.get(0))?;
        self.numbered.insert(id, text.clone());
        Ok(text)
    }

    pub(super) fn queue(&mut self, db: &Connection, name: &QueueName) -> Result<i64, Trouble> {
        if let Some(id) = self.queues.get(name) {
            return Ok(*id);
        }
        let sql = ("SELECT id FROM queue WHERE name = ?1", "INSERT INTO queue (name) VALUES (?1)");
        let id = find_or_insert(db, sql, params![name.as_str()])?;
        self.queues.insert(name.clone(), id);
        self.queue_names.insert(id, name.clone());
        Ok(id)
    }

    pub(super) fn queue_name(&mut self, db: &Connection, id: i64) -> Result<QueueName, Trouble> {
        if let Some(name) = self.queue_names.get(&id) {
            return Ok(name.clone());
        }
        let text: String =
            db.prepare_cached("SELECT name FROM queue WHERE id = ?1")?.query_row([id], |row| row.get(0))?;
        let name = QueueName::try_from(text).map_err(internal)?;
        self.queue_names.insert(id, name.clone());
        Ok(name)
    }

    pub(super) fn lane(&mut self, db: &Connection, key: &LaneKey) -> Result<i64, Trouble> {
        if let Some(id) = self.lanes.get(key) {
            return Ok(*id);
        }
        let queue = self.queue(db, &key.queue)?;
        let sql = (
            "SELECT id FROM lane WHERE queue = ?1 AND name = ?2",
            "INSERT INTO lane (queue, name) VALUES (?1, ?2)",
        );
        let id = find_or_insert(db, sql, params![queue, key.lane.as_str()])?;
        self.lanes.insert(key.clone(), id);
        self.lane_keys.insert(id, key.clone());
        Ok(id)
    }

    pub(super) fn lane_key(&mut self, db: &Connection, id: i64) -> Result<LaneKey, Trouble> {
        if let Some(key) = self.lane_keys.get(&id) {
            return Ok(key.clone());
        }
        let (queue, lane): (i64, String) = db
            .prepare_cached("SELECT queue, name FROM lane WHERE id = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let key =
            LaneKey { queue: self.queue_name(db, queue)?, lane: Lane::try_from(lane).map_err(internal)? };
        self.lanes.insert(key.clone(), id);
        self.lane_keys.insert(id, key.clone());
        Ok(key)
    }

    /// The bit of an operation.
    pub(super) fn operation(&mut self, db: &Connection, name: &str) -> Result<i64, Trouble> {
        if let Some(id) = self.operations.get(name) {
            return Ok(1 << id);
        }
        let sql = (
            "SELECT id FROM operation WHERE name = ?1",
            "INSERT INTO operation (id, name) SELECT coalesce(max(id) + 1, 0), ?1 FROM operation",
        );
        let id = find_or_insert(db, sql, params![name])?;
        if id > MAX_OPERATION_NAMES {
            return Err(internal("the file names too many operations"));
        }
        self.operations.insert(name.to_owned(), id);
        Ok(1 << id)
    }

    /// The names behind a set of bits.
    pub(super) fn operation_names(&mut self, db: &Connection, bits: i64) -> Result<Arc<[String]>, Trouble> {
        if let Some(names) = self.operation_sets.get(&bits) {
            return Ok(names.clone());
        }
        let names: Arc<[String]> = db
            .prepare_cached("SELECT name FROM operation WHERE (?1 >> id) & 1")?
            .query_map([bits], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        self.operation_sets.insert(bits, names.clone());
        Ok(names)
    }

    /// Keeps memory bounded, however many lanes and owners come.
    pub(super) fn trim(&mut self) {
        if self.texts.len() + self.numbered.len() + self.lanes.len() + self.queues.len() > MAX_KEPT {
            *self = Self::default();
        }
    }
}

fn find_or_insert(
    db: &Connection,
    (find, insert): (&str, &str),
    name: &[&dyn rusqlite::ToSql],
) -> Result<i64, Trouble> {
    if let Some(id) = db.prepare_cached(find)?.query_row(name, |row| row.get(0)).optional()? {
        return Ok(id);
    }
    Ok(db.prepare_cached(insert)?.insert(name)?)
}
