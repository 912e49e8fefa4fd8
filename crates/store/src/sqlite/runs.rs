//! Runs: handed to the writer, and read.

use async_trait::async_trait;
use darkroom_core::{
    JobId, RunId, Timestamp,
    job::{Event, Job, State},
    run::{Aggregate, Cell, CellName, Entry, NewItem, NewRun, Run, RunEvent, RunRefused, RunState, Summary},
    store::{Appended, GroupPage, ItemPage, MAX_BATCH, MAX_PAGE, Page, RunFilter, Runs, StoreError},
};
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::{
    Sqlite,
    book::Book,
    queue::check_batch,
    rows::{COLUMNS, HOT, JOINS, REST, RawJob},
    run_book::{body, cell_text, read_run},
    submit::Prepared,
    trouble::{Trouble, internal},
};
use crate::pace::Slices;

/// Items that are queued once more at a time: each takes back what it gave.
const REDONE: usize = 1_000;

#[async_trait]
impl Runs for Sqlite {
    async fn create_run(&self, run: NewRun) -> Result<Run, StoreError> {
        self.write(1, move |book| book.create_run(run)).await
    }

    async fn append(&self, run: RunId, items: Vec<NewItem>) -> Result<Option<Appended>, StoreError> {
        check_batch(items.len())?;
        self.write(items.len(), move |book| book.append(run, &items)).await
    }

    async fn change_run(&self, run: RunId, event: RunEvent) -> Result<Option<Run>, StoreError> {
        if event == RunEvent::Retry {
            let until = self.clock.now();
            while self.write(MAX_BATCH, move |book| book.retry_some(run, until)).await? == MAX_BATCH {}
        }
        if event == RunEvent::Redo {
            let until = self.clock.now();
            for state in [State::Succeeded, State::Failed, State::Cancelled] {
                while self.write(REDONE, move |book| book.redo_some(run, state, until)).await? == REDONE {}
            }
        }
        self.write(MAX_BATCH, move |book| book.change_run(run, event)).await
    }

    async fn redo(&self, run: RunId, jobs: Vec<JobId>) -> Result<Option<u64>, StoreError> {
        check_batch(jobs.len())?;
        self.write(jobs.len(), move |book| book.redo(run, &jobs)).await
    }

    async fn delete_run(&self, run: RunId) -> Result<bool, StoreError> {
        self.write(MAX_BATCH, move |book| match book.run_number(run)? {
            Some(number) => book.doom(number).map(|()| true),
            None => Ok(false),
        })
        .await
    }

    async fn run(&self, run: RunId) -> Result<Option<Run>, StoreError> {
        self.readers.ask(move |db| run_by_id(db, run)).await
    }

    async fn runs(&self, filter: RunFilter, page: Page) -> Result<Vec<Run>, StoreError> {
        self.readers.ask(move |db| list(db, &filter, page)).await
    }

    async fn items(&self, run: RunId, page: ItemPage) -> Result<Vec<Job>, StoreError> {
        self.readers.ask(move |db| items(db, run, &page)).await
    }

    async fn aggregates(&self, run: RunId) -> Result<Option<Vec<Aggregate>>, StoreError> {
        self.readers.ask(move |db| aggregates(db, run)).await
    }

    async fn pace(&self, run: RunId, slices: u32) -> Result<Vec<(Timestamp, u64)>, StoreError> {
        self.readers.ask(move |db| pace(db, run, slices)).await
    }

    async fn groups(&self, run: RunId, page: GroupPage) -> Result<Vec<(String, Cell)>, StoreError> {
        self.readers.ask(move |db| groups(db, run, &page)).await
    }
}

impl Book {
    fn create_run(&mut self, new: NewRun) -> Result<Run, Trouble> {
        if let Some(known) = run_by_id(&self.db, new.id)? {
            return Ok(known);
        }
        let run = Run::made(new, 0, self.now());
        let owner = self.words.word(&self.db, run.owner.as_str())?;
        let lane = self.words.lane(&self.db, &run.lane())?;
        self.totals.queues.entry(run.queue.clone()).or_default();
        let (head, body) = (serde_json::to_string(&run).map_err(internal)?, body(&run)?);
        let number = self
            .db
            .prepare_cached(
                "INSERT INTO run (uuid, owner, lane, state, queued, doomed, body) VALUES (?1, ?2, ?3, ?4, 0, 0, ?5)",
            )?
            .insert(params![run.id.as_bytes(), owner, lane, run.status.state as i64, body])?;
        self.db
            .prepare_cached("INSERT INTO run_head (id, head) VALUES (?1, ?2)")?
            .execute(params![number, head])?;
        if let Some(archive) = run.archive {
            self.db
                .prepare_cached("INSERT INTO run_archive (blob, run) VALUES (?1, ?2)")?
                .execute(params![archive.as_bytes(), number])?;
        }
        self.news.runs.insert(run.id);
        Ok(Run { seq: number as u64, ..run })
    }

    fn append(&mut self, id: RunId, items: &[NewItem]) -> Result<Option<Appended>, Trouble> {
        let Some(number) = self.run_number(id)? else { return Ok(None) };
        let free = self.limits.max_waiting.saturating_sub(self.totals.waiting());
        let run = &self.live(number)?.run;
        run.takes_items().map_err(StoreError::from)?;
        let next = run.position.next;
        let done = Appended::by(run, items, free);
        for item in items.iter().take(done.taken).filter(|item| item.index >= next) {
            self.append_one(number, item)?;
        }
        Ok(Some(done))
    }

    fn append_one(&mut self, number: i64, item: &NewItem) -> Result<(), Trouble> {
        let now = self.now();
        let job = self.with_run(number, |live| {
            live.run.took(item);
            let Entry::Image(id, input) = &item.entry else { return Ok(None) };
            let new = live.run.job(*id, &item.key, input.clone(), now).map_err(internal)?;
            Ok(Some(Prepared { new, operations: live.operations.clone() }))
        })?;
        if let Some(job) = job {
            self.insert(job, Some((number, &item.key)), now)?;
        }
        Ok(())
    }

    fn change_run(&mut self, id: RunId, event: RunEvent) -> Result<Option<Run>, Trouble> {
        let Some(number) = self.run_number(id)? else { return Ok(None) };
        let now = self.now();
        self.with_run(number, |live| Ok(live.run.happen(event, now).map_err(StoreError::from)?))?;
        let run = &self.live(number)?.run;
        if run.archive.is_some() && run.needed_archive().is_none() {
            self.db.prepare_cached("DELETE FROM run_archive WHERE run = ?1")?.execute([number])?;
        }
        self.cancel_some(number, MAX_BATCH)?;
        Ok(Some(self.live(number)?.run.clone()))
    }

    /// Queues a batch of what had failed by `until`; how many.
    fn retry_some(&mut self, id: RunId, until: Timestamp) -> Result<usize, Trouble> {
        let Some(number) = self.run_number(id)? else { return Ok(0) };
        let status = self.live(number)?.run.status.clone();
        status.after(RunEvent::Retry).map_err(StoreError::from)?;
        let sql = format!(
            "SELECT {HOT} FROM job INDEXED BY job_failed CROSS JOIN detail ON detail.seq = job.seq \
             WHERE job.state = 4 AND job.run = ?1 AND job.finished_at <= ?2 LIMIT ?3"
        );
        let failed = self.hots(&sql, params![number, until.as_millis(), MAX_BATCH as i64])?;
        let (count, now) = (failed.len(), self.now());
        for mut hot in failed {
            self.step(&mut hot, Event::Retry, now)?;
        }
        Ok(count)
    }

    fn redo(&mut self, id: RunId, jobs: &[JobId]) -> Result<Option<u64>, Trouble> {
        let Some(number) = self.run_number(id)? else { return Ok(None) };
        let state = self.live(number)?.run.status.state;
        if state == RunState::Cancelled {
            return Err(StoreError::from(RunRefused { state }).into());
        }
        let (mut queued, now) = (0, self.now());
        for job in jobs {
            let Some(mut hot) = self.hot(*job)? else { continue };
            let is_item = hot.item.as_ref().is_some_and(|(run, _)| *run == number);
            if is_item && hot.status.state == State::Succeeded {
                self.redo_item(&mut hot, now)?;
                queued += 1;
            }
        }
        Ok(Some(queued))
    }

    /// Queues a batch of what had ended so by `until`; how many.
    fn redo_some(&mut self, id: RunId, state: State, until: Timestamp) -> Result<usize, Trouble> {
        let Some(number) = self.run_number(id)? else { return Ok(0) };
        let status = self.live(number)?.run.status.clone();
        status.after(RunEvent::Redo).map_err(StoreError::from)?;
        let sql = format!(
            "SELECT {HOT} FROM job CROSS JOIN detail ON detail.seq = job.seq \
             WHERE job.state = {} AND job.run = ?1 AND job.finished_at <= ?2 LIMIT ?3",
            state as i64
        );
        let ended = self.hots(&sql, params![number, until.as_millis(), REDONE as i64])?;
        let (count, now) = (ended.len(), self.now());
        for mut hot in ended {
            if state == State::Succeeded {
                self.redo_item(&mut hot, now)?;
            } else {
                self.step(&mut hot, Event::Retry, now)?;
            }
        }
        Ok(count)
    }
}

const RUN: &str = "SELECT run.id, run_head.head, run.body FROM run JOIN run_head ON run_head.id = run.id WHERE NOT run.doomed";

fn run_by_id(db: &Connection, id: RunId) -> Result<Option<Run>, Trouble> {
    let mut find = db.prepare_cached(&format!("{RUN} AND run.uuid = ?1"))?;
    Ok(find.query_row([id.as_bytes()], read_run).optional()?)
}

fn list(db: &Connection, filter: &RunFilter, page: Page) -> Result<Vec<Run>, Trouble> {
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

fn items(db: &Connection, run: RunId, page: &ItemPage) -> Result<Vec<Job>, Trouble> {
    let Some(number) = number_of(db, run)? else { return Ok(Vec::new()) };
    let states: Vec<String> = page.states.iter().map(|state| (*state as i64).to_string()).collect();
    let state =
        if states.is_empty() { String::new() } else { format!("AND job.state IN ({})", states.join(", ")) };
    let sql = format!(
        "SELECT {HOT}, {REST}, result.body FROM job INDEXED BY job_run {JOINS} \
         LEFT JOIN result ON result.seq = job.seq \
         WHERE job.run = ?1 AND job.seq > ?2 {state} ORDER BY job.seq LIMIT ?3"
    );
    let after = page.after.unwrap_or(0).min(i64::MAX as u64) as i64;
    let mut statement = db.prepare(&sql)?;
    let mut rows = statement.query(params![number, after, page.limit.clamp(1, MAX_PAGE)])?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        let mut job = RawJob::read(row)?.parse()?;
        if let Some(body) = row.get::<_, Option<String>>(COLUMNS)? {
            job.results = serde_json::from_str(&body).map_err(internal)?;
        }
        jobs.push(job);
    }
    Ok(jobs)
}

fn aggregates(db: &Connection, id: RunId) -> Result<Option<Vec<Aggregate>>, Trouble> {
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

fn pace(db: &Connection, id: RunId, count: u32) -> Result<Vec<(Timestamp, u64)>, Trouble> {
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

fn groups(db: &Connection, id: RunId, page: &GroupPage) -> Result<Vec<(String, Cell)>, Trouble> {
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
