//! Reading runs, their items and what they have gathered.

use darkroom_core::{
    RunId, Timestamp,
    job::Job,
    run::{Aggregate, Cell, CellName, Run, Summary},
    store::{GroupPage, ItemPage, MAX_PAGE, Page, RunFilter},
};
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::{
    rows::{ATTEMPT, COLUMNS, HOT, JOINS, REST, RawJob, read_attempt},
    run_book::{cell_text, read_run},
    trouble::{Trouble, internal},
};
use crate::pace::Slices;

const RUN: &str = "SELECT run.id, run_head.head, run.body FROM run JOIN run_head ON run_head.id = run.id WHERE NOT run.doomed";

pub(super) fn run_by_id(db: &Connection, id: RunId) -> Result<Option<Run>, Trouble> {
    let mut find = db.prepare_cached(&format!("{RUN} AND run.uuid = ?1"))?;
    Ok(find.query_row([id.as_bytes()], read_run).optional()?)
}

pub(super) fn list(db: &Connection, filter: &RunFilter, page: Page) -> Result<Vec<Run>, Trouble> {
    let mut sql = RUN.to_owned();
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    if !filter.states.is_empty() {
        let states: Vec<String> = filter.states.iter().map(|state| (*state as i64).to_string()).collect();
        sql = format!("{sql} AND run.state IN ({})", states.join(", "));
    }
    if let Some(owner) = &filter.owner {
        sql.push_str(" AND run.owner = (SELECT id FROM word WHERE text = ?)");
        values.push(Box::new(owner.to_string()));
    }
    if let Some(key) = &filter.key {
        sql.push_str(" AND run.key = ?");
        values.push(Box::new(key.clone()));
    }
    if let Some(before) = page.before {
        sql.push_str(" AND run.id < ?");
        values.push(Box::new(before.min(i64::MAX as u64) as i64));
    }
    sql = format!("{sql} ORDER BY run.id DESC LIMIT {}", page.limit.clamp(1, MAX_PAGE));
    let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
    let mut statement = db.prepare(&sql)?;
    let runs = statement.query_map(&values[..], read_run)?;
    Ok(runs.collect::<Result<_, _>>()?)
}

fn number_of(db: &Connection, id: RunId) -> Result<Option<i64>, Trouble> {
    let mut find = db.prepare_cached("SELECT id FROM run WHERE uuid = ?1 AND NOT doomed")?;
    Ok(find.query_row([id.as_bytes()], |row| row.get(0)).optional()?)
}

pub(super) fn items(db: &Connection, run: RunId, page: &ItemPage) -> Result<Vec<Job>, Trouble> {
    let Some(number) = number_of(db, run)? else { return Ok(Vec::new()) };
    let states: Vec<String> = page.states.iter().map(|state| (*state as i64).to_string()).collect();
    let state =
        if states.is_empty() { String::new() } else { format!("AND job.state IN ({})", states.join(", ")) };
    let sql = format!(
        "SELECT {HOT}, {REST}, result.body, {ATTEMPT} FROM job INDEXED BY job_run {JOINS} \
         LEFT JOIN result ON result.seq = job.seq \
         LEFT JOIN attempt ON attempt.seq = job.seq AND attempt.number = job.token \
         LEFT JOIN word AS worker ON worker.id = attempt.worker \
         WHERE job.run = ?1 AND job.seq > ?2 {state} ORDER BY job.seq LIMIT ?3"
    );
    let after = page.after.unwrap_or(0).min(i64::MAX as u64) as i64;
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(params![number, after, page.limit.clamp(1, MAX_PAGE)])?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        let mut job = RawJob::read(row)?.parse()?;
        if let Some(body) = row.get::<_, Option<String>>(COLUMNS)? {
            job.results = serde_json::from_str(&body).map_err(internal)?;
        }
        if row.get::<_, Option<u32>>(COLUMNS + 1)?.is_some() {
            job.attempts.push(read_attempt(row, COLUMNS + 1)?);
        }
        jobs.push(job);
    }
    Ok(jobs)
}

pub(super) fn aggregates(db: &Connection, id: RunId) -> Result<Option<Vec<Aggregate>>, Trouble> {
    let Some(run) = run_by_id(db, id)? else { return Ok(None) };
    let mut summary = Summary::new(&run.aggregates);
    let mut statement = db.prepare_cached("SELECT aggregate, name, body FROM cell WHERE run = ?1")?;
    let mut rows = statement.query([run.seq as i64])?;
    while let Some(row) = rows.next()? {
        let (aggregate, name, body): (u8, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let group = name.strip_prefix(':').map(ToOwned::to_owned);
        summary.take(CellName { aggregate, group }, Cell::from_bytes(&body).map_err(internal)?);
    }
    Ok(Some(summary.finish()))
}

pub(super) fn pace(db: &Connection, id: RunId, count: u32) -> Result<Vec<(Timestamp, u64)>, Trouble> {
    let Some(run) = run_by_id(db, id)? else { return Ok(Vec::new()) };
    let number = run.seq as i64;
    let last = "SELECT max(at) FROM (SELECT max(finished_at) AS at FROM job WHERE run = ?1 AND state = 3 \
                UNION ALL SELECT max(finished_at) FROM job WHERE run = ?1 AND state = 4)";
    let last: Option<i64> = db.prepare_cached(last)?.query_row([number], |row| row.get(0))?;
    let Some(last) = last else { return Ok(Vec::new()) };
    let slices = Slices::of(&run, last, count);
    let ended = "SELECT (at - ?2) / ?3, count(*) FROM (SELECT finished_at AS at FROM job WHERE run = ?1 AND state = 3 \
                 UNION ALL SELECT finished_at FROM job WHERE run = ?1 AND state = 4) GROUP BY 1 ORDER BY 1";
    let mut statement = db.prepare_cached(ended)?;
    let rows = statement.query_map(params![number, slices.start, slices.width], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)? as u64))
    })?;
    Ok(slices.sums(rows.collect::<Result<Vec<_>, _>>()?))
}

pub(super) fn groups(db: &Connection, id: RunId, page: &GroupPage) -> Result<Vec<(String, Cell)>, Trouble> {
    let Some(number) = number_of(db, id)? else { return Ok(Vec::new()) };
    let mut statement = db.prepare_cached(
        "SELECT name, body FROM cell WHERE run = ?1 AND aggregate = ?2 AND name > ?3 ORDER BY name LIMIT ?4",
    )?;
    let after = cell_text(page.after.as_deref());
    let mut rows = statement.query(params![number, page.aggregate, after, page.limit.clamp(1, MAX_PAGE)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (name, body): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let group = name.strip_prefix(':').unwrap_or(&name).to_owned();
        found.push((group, Cell::from_bytes(&body).map_err(internal)?));
    }
    Ok(found)
}
