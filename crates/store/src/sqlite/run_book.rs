//! What the writer knows of runs: those that move, and the sums that this transaction touches. Each is written once a
//! transaction, however many items it moved.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use darkroom_core::{
    BlobId, RunId, Timestamp,
    fairness::LaneKey,
    job::{Event, OperationResult, State},
    run::{Cell, CellName, ItemKey, Moved, Part, Position, Run, RunState, RunStatus, Stop, Stretch, Tally},
    store::MAX_BATCH,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::{
    book::Book,
    rows::{HOT, Hot},
    trouble::{Trouble, internal},
};

/// Runs that are kept in memory between transactions at most.
const MAX_KEPT: usize = 64;

/// What items move of a run.
#[derive(Serialize, Deserialize)]
struct Body {
    status: RunStatus,
    position: Position,
    tally: Tally,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    damage: Option<String>,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    #[serde(default)]
    stretch: Stretch,
}

/// A run that the writer has at hand.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) run: Run,
    pub(super) lane: LaneKey,
    /// Its operations as jobs keep them.
    pub(super) operations: String,
    pub(super) doomed: bool,
}

#[derive(Debug, Default)]
pub(super) struct RunBook {
    live: HashMap<i64, Live>,
    numbers: HashMap<RunId, i64>,
    changed: BTreeSet<i64>,
    /// Sums that this transaction has touched.
    cells: BTreeMap<(i64, CellName), Cell>,
}

impl RunBook {
    /// Writes the runs and sums that have changed since the last transaction.
    pub(super) fn write(&mut self, db: &Connection) -> Result<(), Trouble> {
        for number in std::mem::take(&mut self.changed) {
            let Some(Live { run, doomed, .. }) = self.live.get(&number) else { continue };
            db.prepare_cached(
                "UPDATE run SET state = ?2, queued = ?3, finished_at = ?4, doomed = ?5, body = ?6 WHERE id = ?1",
            )?
            .execute(params![
                number,
                run.status.state as i64,
                run.tally.of(State::Queued) as i64,
                run.finished_at.map(Timestamp::as_millis),
                doomed,
                body(run)?,
            ])?;
        }
        for ((run, name), cell) in std::mem::take(&mut self.cells) {
            let place = params![run, name.aggregate, cell_text(name.group.as_deref()), cell.to_bytes()];
            if cell.is_empty() {
                db.prepare_cached("DELETE FROM cell WHERE run = ?1 AND aggregate = ?2 AND name = ?3")?
                    .execute(&place[..3])?;
            } else {
                db.prepare_cached(
                    "INSERT INTO cell (run, aggregate, name, body) VALUES (?1, ?2, ?3, ?4) \
                     ON CONFLICT (run, aggregate, name) DO UPDATE SET body = ?4",
                )?
                .execute(place)?;
            }
        }
        Ok(())
    }

    /// Keeps memory bounded, however many runs there were.
    pub(super) fn trim(&mut self) {
        if self.live.len() > MAX_KEPT {
            self.live.clear();
            self.numbers.clear();
        }
    }
}

impl Book {
    /// The number of a run that is not deleted.
    pub(super) fn run_number(&mut self, id: RunId) -> Result<Option<i64>, Trouble> {
        if let Some(number) = self.runs.numbers.get(&id) {
            return Ok(Some(*number));
        }
        let mut find = self.db.prepare_cached("SELECT id FROM run WHERE uuid = ?1 AND NOT doomed")?;
        let found: Option<i64> = find.query_row([id.as_bytes()], |row| row.get(0)).optional()?;
        drop(find);
        if let Some(number) = found {
            self.runs.numbers.insert(id, number);
        }
        Ok(found)
    }

    /// A run by its number, read if it is not at hand.
    pub(super) fn live(&mut self, number: i64) -> Result<&mut Live, Trouble> {
        if !self.runs.live.contains_key(&number) {
            let sql = "SELECT run.id, head, body, lane, doomed FROM run JOIN run_head ON run_head.id = run.id \
                       WHERE run.id = ?1";
            let (run, lane, doomed) = self.db.prepare_cached(sql)?.query_row([number], |row| {
                Ok((read_run(row)?, row.get::<_, i64>(3)?, row.get::<_, bool>(4)?))
            })?;
            let lane = self.words.lane_key(&self.db, lane)?;
            let operations = serde_json::to_string(&run.operations).map_err(internal)?;
            self.runs.live.insert(number, Live { run, lane, operations, doomed });
        }
        self.runs.live.get_mut(&number).ok_or_else(|| internal("a run is not at hand"))
    }

    /// Changes a run, and holds or releases its items as its state says.
    pub(super) fn with_run<T>(
        &mut self,
        number: i64,
        change: impl FnOnce(&mut Live) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let live = self.live(number)?;
        let before = live.run.status.state;
        let changed = change(live)?;
        let (after, lane, id) = (live.run.status.state, live.lane.clone(), live.run.id);
        self.runs.changed.insert(number);
        self.news.runs.insert(id);
        match (before.gives_work(), after.gives_work()) {
            (true, false) => self.turns.hold(&lane),
            (false, true) => {
                self.turns.release(&lane);
                self.news.work = true;
            }
            _ => {}
        }
        Ok(changed)
    }

    /// The run of an item moves along with it.
    pub(super) fn item_moved(&mut self, hot: &Hot, moved: Moved) -> Result<(), Trouble> {
        let Some((number, _)) = &hot.item else { return Ok(()) };
        if moved.from == moved.to {
            return Ok(());
        }
        let now = self.now();
        self.with_run(*number, |live| {
            live.run.item_moved(moved, now);
            Ok(())
        })
    }

    /// An item gives its results to the aggregates, or takes them back.
    fn gather(
        &mut self,
        number: i64,
        key: &ItemKey,
        results: &[OperationResult],
        change: impl Fn(&mut Cell, &Part),
    ) -> Result<(), Trouble> {
        for (name, part) in self.live(number)?.run.parts(key, results) {
            let place = (number, name);
            if !self.runs.cells.contains_key(&place) {
                let cell = read_cell(&self.db, &place)?;
                self.runs.cells.insert(place.clone(), cell);
            }
            if let Some(cell) = self.runs.cells.get_mut(&place) {
                change(cell, &part);
            }
        }
        Ok(())
    }

    /// An item has given these results.
    pub(super) fn item_gave(
        &mut self,
        number: i64,
        key: &ItemKey,
        results: &[OperationResult],
    ) -> Result<(), Trouble> {
        self.live(number)?.run.gave(results);
        self.gather(number, key, results, Cell::give)
    }

    /// An item is to be done again: it takes back what it gave, and loses its results.
    pub(super) fn redo_item(&mut self, hot: &mut Hot, now: Timestamp) -> Result<(), Trouble> {
        let Some((number, key)) = hot.item.clone() else { return Ok(()) };
        let seq = hot.seq as i64;
        let mut bodies = self.db.prepare_cached("SELECT body FROM result WHERE seq = ?1")?;
        let body: Option<String> = bodies.query_row([seq], |row| row.get(0)).optional()?;
        drop(bodies);
        let results: Vec<OperationResult> = match body {
            Some(body) => serde_json::from_str(&body).map_err(internal)?,
            None => Vec::new(),
        };
        self.live(number)?.run.took_back(&results);
        self.gather(number, &key, &results, Cell::take_back)?;
        self.forget_results_of(hot.seq)?;
        self.db.prepare_cached("DELETE FROM result WHERE seq = ?1")?.execute([seq])?;
        self.step(hot, Event::Redo, now)
    }

    /// Runs that gave no work when the file was last written give none now.
    pub(super) fn hold_stopped_runs(&mut self) -> Result<(), Trouble> {
        let giving: Vec<String> =
            RunState::ALL.iter().filter(|s| s.gives_work()).map(|s| (*s as i64).to_string()).collect();
        let sql = format!("SELECT lane FROM run WHERE state NOT IN ({})", giving.join(", "));
        let lanes: Vec<i64> =
            self.db.prepare(&sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for lane in lanes {
            let key = self.words.lane_key(&self.db, lane)?;
            self.turns.hold(&key);
        }
        Ok(())
    }

    /// Cancels waiting items of a cancelled run, and has its running ones stop.
    pub(super) fn cancel_some(&mut self, number: i64, budget: usize) -> Result<(), Trouble> {
        let live = self.live(number)?;
        if live.run.status.state != RunState::Cancelled {
            return Ok(());
        }
        let (lane, now) = (live.lane.clone(), self.now());
        let lane = self.words.lane(&self.db, &lane)?;
        let sql = format!(
            "SELECT {HOT} FROM job INDEXED BY job_ready CROSS JOIN detail ON detail.seq = job.seq \
             WHERE job.state = 1 AND job.lane = ?1 ORDER BY job.priority DESC, job.seq LIMIT ?2"
        );
        for mut hot in self.hots(&sql, params![lane, budget as i64])? {
            self.step(&mut hot, Event::Cancel, now)?;
        }
        let of_run = |hot: &Hot| hot.item.as_ref().is_some_and(|(run, _)| *run == number);
        let mut running: Vec<Hot> =
            self.running.values().filter(|(hot, _)| of_run(hot)).map(|(hot, _)| hot.clone()).collect();
        running.sort_by_key(|hot| hot.seq);
        for mut hot in running {
            self.step(&mut hot, Event::Cancel, now)?;
            if let Some((known, _)) = self.running.get_mut(&hot.seq) {
                *known = hot;
            }
        }
        Ok(())
    }

    /// What earlier cancellations have left.
    pub(super) fn cancel_leftovers(&mut self) -> Result<(), Trouble> {
        for number in
            self.run_numbers("SELECT id FROM run WHERE state = 5 AND queued > 0 ORDER BY id", &[])?
        {
            self.cancel_some(number, MAX_BATCH)?;
        }
        Ok(())
    }

    pub(super) fn doom(&mut self, number: i64) -> Result<(), Trouble> {
        let id = self.with_run(number, |live| {
            live.run.status.state = RunState::Cancelled;
            live.run.status.stop = Some(Stop::asked("deleted"));
            live.doomed = true;
            Ok(live.run.id)
        })?;
        self.runs.numbers.remove(&id);
        self.cancel_some(number, MAX_BATCH)
    }

    /// Runs that retention has outlived go the way of deleted ones.
    pub(super) fn doom_outlived_runs(&mut self, now: Timestamp) -> Result<(), Trouble> {
        let until = |keep| (now - keep).as_millis();
        let (finished, failed) = (until(self.limits.keep_finished), until(self.limits.keep_failed));
        let sql = "SELECT id FROM run WHERE NOT doomed AND ((state IN (3, 5) AND finished_at <= ?1) \
                   OR (state = 4 AND finished_at <= ?2)) ORDER BY id";
        for number in self.run_numbers(sql, params![finished, failed])? {
            self.doom(number)?;
        }
        Ok(())
    }

    /// Removes items of deleted runs, and the runs that have none left. How many jobs, and the blobs they named.
    pub(super) fn remove_doomed(&mut self, budget: usize) -> Result<(u64, BTreeSet<BlobId>), Trouble> {
        let (mut removed, mut blobs) = (0, BTreeSet::new());
        for number in self.run_numbers("SELECT id FROM run WHERE doomed ORDER BY id", &[])? {
            let sql = format!(
                "SELECT {HOT} FROM job INDEXED BY job_run CROSS JOIN detail ON detail.seq = job.seq \
                 WHERE job.run = ?1 AND job.state <> 2 ORDER BY job.seq LIMIT ?2"
            );
            let idle = self.hots(&sql, params![number, (budget - removed) as i64])?;
            removed += idle.len();
            for hot in idle {
                blobs.extend(self.remove(&hot)?);
            }
            let mut left = self.db.prepare_cached("SELECT 1 FROM job INDEXED BY job_run WHERE run = ?1")?;
            let is_left = left.exists([number])?;
            drop(left);
            if !is_left {
                blobs.extend(self.forget_run(number)?);
            }
        }
        Ok((removed as u64, blobs))
    }

    /// Forgets a run that has no jobs left; the archive that it was read from, if it still is.
    fn forget_run(&mut self, number: i64) -> Result<Option<BlobId>, Trouble> {
        let live = self.live(number)?;
        let (lane, archive) = (live.lane.clone(), live.run.needed_archive());
        for sql in [
            "DELETE FROM run_archive WHERE run = ?1",
            "DELETE FROM cell WHERE run = ?1",
            "DELETE FROM run_head WHERE id = ?1",
            "DELETE FROM run WHERE id = ?1",
        ] {
            self.db.prepare_cached(sql)?.execute([number])?;
        }
        self.turns.release(&lane);
        self.runs.changed.remove(&number);
        self.runs.live.remove(&number);
        Ok(archive)
    }

    /// Numbers of runs, as this transaction has left them.
    fn run_numbers(&mut self, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<i64>, Trouble> {
        self.runs.write(&self.db)?;
        let mut statement = self.db.prepare_cached(sql)?;
        let numbers = statement.query_map(values, |row| row.get(0))?;
        Ok(numbers.collect::<Result<_, _>>()?)
    }

    pub(super) fn hots(&self, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<Hot>, Trouble> {
        let mut statement = self.db.prepare_cached(sql)?;
        let hots = statement.query_map(values, Hot::read)?;
        Ok(hots.collect::<Result<_, _>>()?)
    }
}

/// A run from `id, head, body`.
pub(super) fn read_run(row: &Row<'_>) -> rusqlite::Result<Run> {
    let (head, body): (String, String) = (row.get(1)?, row.get(2)?);
    let parse = |column, error: serde_json::Error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    };
    let run: Run = serde_json::from_str(&head).map_err(|error| parse(1, error))?;
    let body: Body = serde_json::from_str(&body).map_err(|error| parse(2, error))?;
    let Body { status, position, tally, damage, started_at, finished_at, stretch } = body;
    let seq = row.get::<_, i64>(0)? as u64;
    Ok(Run { seq, status, position, tally, damage, started_at, finished_at, stretch, ..run })
}

/// The text of what items move.
pub(super) fn body(run: &Run) -> Result<String, Trouble> {
    let body = Body {
        status: run.status.clone(),
        position: run.position.clone(),
        tally: run.tally.clone(),
        damage: run.damage.clone(),
        started_at: run.started_at,
        finished_at: run.finished_at,
        stretch: run.stretch.clone(),
    };
    serde_json::to_string(&body).map_err(internal)
}

fn read_cell(db: &Connection, (run, name): &(i64, CellName)) -> Result<Cell, Trouble> {
    let mut find =
        db.prepare_cached("SELECT body FROM cell WHERE run = ?1 AND aggregate = ?2 AND name = ?3")?;
    let place = params![run, name.aggregate, cell_text(name.group.as_deref())];
    let body: Option<Vec<u8>> = find.query_row(place, |row| row.get(0)).optional()?;
    body.map_or_else(|| Ok(Cell::default()), |body| Cell::from_bytes(&body).map_err(internal))
}

/// How the file names a cell.
pub(super) fn cell_text(group: Option<&str>) -> String {
    group.map_or_else(String::new, |group| format!(":{group}"))
}
