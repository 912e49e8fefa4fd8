//! Runs: handed to the writer. Reading them: `run_reads`.

use async_trait::async_trait;
use darkroom_core::{
    JobId, RunId, Timestamp,
    job::{Event, Job, State},
    run::{Aggregate, Cell, Entry, NewItem, NewRun, Run, RunEvent, RunRefused, RunState},
    store::{Appended, GroupPage, ItemPage, MAX_BATCH, Page, RunFilter, Runs, StoreError},
};
use rusqlite::params;

use super::{
    Sqlite,
    book::Book,
    queue::check_batch,
    rows::HOT,
    run_book::body,
    run_reads::{aggregates, groups, items, list, pace, run_by_id},
    submit::Prepared,
    trouble::{Trouble, internal},
};

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
        if let Some(known) = self.asked_before(&new)? {
            let is_same = known.idempotency == new.idempotency;
            return if is_same { Ok(known) } else { Err(StoreError::KeyTaken.into()) };
        }
        let run = Run::made(new, 0, self.now());
        let owner = self.words.word(&self.db, run.owner.as_str())?;
        let lane = self.words.lane(&self.db, &run.lane())?;
        self.totals.queues.entry(run.queue.clone()).or_default();
        let (head, body) = (serde_json::to_string(&run).map_err(internal)?, body(&run)?);
        let number = self
            .db
            .prepare_cached(
                "INSERT INTO run (uuid, owner, lane, state, queued, doomed, body, key) \
                 VALUES (?1, ?2, ?3, ?4, 0, 0, ?5, ?6)",
            )?
            .insert(params![
                run.id.as_bytes(),
                owner,
                lane,
                run.status.state as i64,
                body,
                run.idempotency.as_ref().map(|given| given.key.as_str())
            ])?;
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

    /// The run that this owner asked for under the same key.
    fn asked_before(&mut self, new: &NewRun) -> Result<Option<Run>, Trouble> {
        let Some(given) = &new.idempotency else { return Ok(None) };
        // Which runs are deleted, and how far each is, the table knows once it is written.
        self.runs.write(&self.db)?;
        let filter = RunFilter {
            owner: Some(new.owner.clone()),
            key: Some(given.key.clone()),
            ..RunFilter::default()
        };
        Ok(list(&self.db, &filter, Page { limit: 1, before: None })?.pop())
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
            live.run.took(item, now);
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
