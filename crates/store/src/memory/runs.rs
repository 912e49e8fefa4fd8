//! Runs, their items and what they gather.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
};

use async_trait::async_trait;
use darkroom_core::{
    BlobId, JobId, RunId, Timestamp,
    fairness::LaneKey,
    job::{Event, Idempotency, Job, OperationResult, Owner, State},
    run::{
        Aggregate, Cell, CellName, Entry, ItemOf, Moved, NewItem, NewRun, Run, RunEvent, RunState, Stop,
        Summary,
    },
    store::{
        Appended, GroupPage, ItemPage, MAX_BATCH, MAX_PAGE, Page, RunFilter, Runs, StoreError, StoreLimits,
    },
};

use super::{Memory, check_batch, stock::Stock};
use crate::{notices::News, pace::Slices};

/// Everything that is kept of runs besides the jobs of their items.
#[derive(Debug, Default)]
pub(super) struct RunStock {
    runs: BTreeMap<u64, Run>,
    ids: HashMap<RunId, u64>,
    /// Runs that are deleted but for their items.
    doomed: BTreeSet<u64>,
    cells: BTreeMap<(u64, CellName), Cell>,
    last: u64,
}

impl RunStock {
    fn number(&self, id: RunId) -> Option<u64> {
        self.ids.get(&id).copied()
    }

    fn shown(&self, id: RunId) -> Option<&Run> {
        let number = self.number(id).filter(|number| !self.doomed.contains(number))?;
        self.runs.get(&number)
    }

    /// The run that this owner asked for under this key.
    fn of_key(&self, owner: &Owner, given: &Idempotency) -> Option<&Run> {
        let is_meant =
            |run: &&Run| run.owner == *owner && run.is_of_key(&given.key) && !self.doomed.contains(&run.seq);
        self.runs.values().find(is_meant)
    }

    /// Whether the items of this run give no work.
    pub(super) fn holds(&self, id: RunId) -> bool {
        let run = self.number(id).and_then(|number| self.runs.get(&number));
        run.is_some_and(|run| !run.status.state.gives_work())
    }

    /// Lanes that give no work.
    pub(super) fn held_lanes(&self) -> Vec<LaneKey> {
        let held = self.runs.values().filter(|run| !run.status.state.gives_work());
        held.map(Run::lane).collect()
    }
}

#[async_trait]
impl Runs for Memory {
    async fn create_run(&self, run: NewRun) -> Result<Run, StoreError> {
        self.with(|stock, now, news| stock.create_run(run, (now, news)))
    }

    async fn append(&self, run: RunId, items: Vec<NewItem>) -> Result<Option<Appended>, StoreError> {
        check_batch(items.len())?;
        self.with(|stock, now, news| stock.append(run, items, &self.limits, (now, news)))
    }

    async fn change_run(&self, run: RunId, event: RunEvent) -> Result<Option<Run>, StoreError> {
        self.with(|stock, now, news| stock.change_run(run, event, (now, news)))
    }

    async fn redo(&self, run: RunId, jobs: Vec<JobId>) -> Result<Option<u64>, StoreError> {
        check_batch(jobs.len())?;
        self.with(|stock, now, news| stock.redo(run, jobs, (now, news)))
    }

    async fn delete_run(&self, run: RunId) -> Result<bool, StoreError> {
        Ok(self.with(|stock, now, news| match stock.runs.shown(run).map(|run| run.seq) {
            Some(number) => {
                stock.doom(number, (now, news));
                true
            }
            None => false,
        }))
    }

    async fn run(&self, run: RunId) -> Result<Option<Run>, StoreError> {
        Ok(self.stock().runs.shown(run).cloned())
    }

    async fn runs(&self, filter: RunFilter, page: Page) -> Result<Vec<Run>, StoreError> {
        let stock = self.stock();
        let runs = &stock.runs;
        let older = runs.runs.range(..page.before.unwrap_or(u64::MAX)).rev();
        let matching = older.filter(|(number, run)| {
            !runs.doomed.contains(number)
                && (filter.states.is_empty() || filter.states.contains(&run.status.state))
                && filter.owner.as_ref().is_none_or(|owner| run.owner == *owner)
                && filter.key.as_ref().is_none_or(|key| run.is_of_key(key))
        });
        Ok(matching.take(page.limit.clamp(1, MAX_PAGE) as usize).map(|(_, run)| run.clone()).collect())
    }

    async fn items(&self, run: RunId, page: ItemPage) -> Result<Vec<Job>, StoreError> {
        let stock = self.stock();
        if stock.runs.shown(run).is_none() {
            return Ok(Vec::new());
        }
        let later =
            stock.jobs.range((page.after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded));
        let matching = later.filter(|(_, entry)| {
            entry.job.item.as_ref().is_some_and(|item| item.run == run)
                && (page.states.is_empty() || page.states.contains(&entry.job.status.state))
        });
        let limit = page.limit.clamp(1, MAX_PAGE) as usize;
        let jobs = matching.take(limit).filter_map(|(seq, _)| stock.job(*seq));
        Ok(jobs.map(with_newest_attempt).collect())
    }

    async fn aggregates(&self, run: RunId) -> Result<Option<Vec<Aggregate>>, StoreError> {
        let stock = self.stock();
        let Some(run) = stock.runs.shown(run) else { return Ok(None) };
        let mut summary = Summary::new(&run.aggregates);
        for ((number, name), cell) in &stock.runs.cells {
            if *number == run.seq {
                summary.take(name.clone(), cell.clone());
            }
        }
        Ok(Some(summary.finish()))
    }

    async fn pace(&self, run: RunId, slices: u32) -> Result<Vec<(Timestamp, u64)>, StoreError> {
        let stock = self.stock();
        let Some(shown) = stock.runs.shown(run) else { return Ok(Vec::new()) };
        let ended =
            [State::Succeeded, State::Failed].into_iter().flat_map(|state| stock.items_in(run, state));
        let at = |seq| stock.jobs.get(&seq).and_then(|entry| entry.job.finished_at);
        let ended: Vec<i64> = ended.filter_map(at).map(Timestamp::as_millis).collect();
        let Some(last) = ended.iter().max() else { return Ok(Vec::new()) };
        let slices = Slices::of(shown, *last, slices);
        let mut by_slice = BTreeMap::new();
        for at in ended {
            *by_slice.entry((at - slices.start) / slices.width).or_insert(0) += 1;
        }
        Ok(slices.sums(by_slice))
    }

    async fn groups(&self, run: RunId, page: GroupPage) -> Result<Vec<(String, Cell)>, StoreError> {
        let stock = self.stock();
        let Some(run) = stock.runs.shown(run) else { return Ok(Vec::new()) };
        let from = (run.seq, CellName { aggregate: page.aggregate, group: page.after });
        let later = stock.runs.cells.range((Bound::Excluded(from), Bound::Unbounded));
        let groups = later.take_while(|((number, name), _)| {
            *number == run.seq && name.aggregate == page.aggregate && name.group.is_some()
        });
        let named = groups.filter_map(|((_, name), cell)| Some((name.group.clone()?, cell.clone())));
        Ok(named.take(page.limit.clamp(1, MAX_PAGE) as usize).collect())
    }
}

/// Of its attempts the newest alone, once it has ended.
fn with_newest_attempt(mut job: Job) -> Job {
    let newest = job.attempts.pop().filter(|attempt| attempt.number == job.status.lease_seq);
    job.attempts = newest.into_iter().collect();
    job
}

impl Stock {
    fn create_run(&mut self, new: NewRun, (now, news): (Timestamp, &mut News)) -> Result<Run, StoreError> {
        if let Some(known) = self.runs.number(new.id).and_then(|number| self.runs.runs.get(&number)) {
            return Ok(known.clone());
        }
        if let Some(known) = new.idempotency.as_ref().and_then(|given| self.runs.of_key(&new.owner, given)) {
            return if known.idempotency == new.idempotency {
                Ok(known.clone())
            } else {
                Err(StoreError::KeyTaken)
            };
        }
        self.runs.last += 1;
        let run = Run::made(new, self.runs.last, now);
        self.runs.ids.insert(run.id, run.seq);
        if let Some(archive) = run.archive {
            *self.blobs.entry(archive).or_default() += 1;
        }
        self.totals.queues.entry(run.queue.clone()).or_default();
        self.runs.runs.insert(run.seq, run.clone());
        news.runs.insert(run.id);
        Ok(run)
    }

    fn append(
        &mut self,
        id: RunId,
        items: Vec<NewItem>,
        limits: &StoreLimits,
        (now, news): (Timestamp, &mut News),
    ) -> Result<Option<Appended>, StoreError> {
        let Some(run) = self.runs.shown(id) else { return Ok(None) };
        run.takes_items()?;
        let number = run.seq;
        let free = limits.max_waiting.saturating_sub(self.totals.waiting());
        let next = run.position.next;
        let done = Appended::by(run, &items, free);
        for item in items.into_iter().take(done.taken).filter(|item| item.index >= next) {
            self.append_one(number, item, (now, news))?;
        }
        news.runs.insert(id);
        Ok(Some(done))
    }

    fn append_one(
        &mut self,
        number: u64,
        item: NewItem,
        (now, news): (Timestamp, &mut News),
    ) -> Result<(), StoreError> {
        let Some(run) = self.runs.runs.get_mut(&number) else { return Ok(()) };
        run.took(&item, now);
        if let Entry::Image(job, input) = item.entry {
            let new = run.job(job, &item.key, input, now);
            let new = new.map_err(|error| StoreError::Internal(Box::new(error)))?;
            let item = ItemOf { run: run.id, key: item.key };
            self.put(new, Some(item), (now, news));
        }
        Ok(())
    }

    fn change_run(
        &mut self,
        id: RunId,
        event: RunEvent,
        (now, news): (Timestamp, &mut News),
    ) -> Result<Option<Run>, StoreError> {
        let Some(run) = self.runs.shown(id) else { return Ok(None) };
        let number = run.seq;
        run.status.clone().after(event.clone())?;
        if event == RunEvent::Retry {
            for seq in self.items_in(id, State::Failed) {
                self.step(seq, Event::Retry, now, news)?;
            }
        }
        if event == RunEvent::Redo {
            self.redo_all(id, (now, news))?;
        }
        self.happen(number, event, (now, news))?;
        self.cancel_some(number, MAX_BATCH, (now, news));
        Ok(self.runs.runs.get(&number).cloned())
    }

    fn redo_all(&mut self, id: RunId, (now, news): (Timestamp, &mut News)) -> Result<(), StoreError> {
        for seq in self.items_in(id, State::Succeeded) {
            self.take_back(seq);
            self.step(seq, Event::Redo, now, news)?;
        }
        for seq in [State::Failed, State::Cancelled]
            .into_iter()
            .flat_map(|state| self.items_in(id, state))
            .collect::<Vec<_>>()
        {
            self.step(seq, Event::Retry, now, news)?;
        }
        Ok(())
    }

    fn redo(
        &mut self,
        id: RunId,
        jobs: Vec<JobId>,
        (now, news): (Timestamp, &mut News),
    ) -> Result<Option<u64>, StoreError> {
        let Some(run) = self.runs.shown(id) else { return Ok(None) };
        if run.status.state == RunState::Cancelled {
            return Err(darkroom_core::run::RunRefused { state: run.status.state }.into());
        }
        let mut queued = 0;
        for job in jobs {
            let Some(seq) = self.ids.get(&job).copied() else { continue };
            let Some(entry) = self.jobs.get(&seq) else { continue };
            let is_item = entry.job.item.as_ref().is_some_and(|item| item.run == id);
            if is_item && entry.job.status.state == State::Succeeded {
                self.take_back(seq);
                self.step(seq, Event::Redo, now, news)?;
                queued += 1;
            }
        }
        Ok(Some(queued))
    }

    /// The run of an item moves along with it.
    pub(super) fn item_moved(&mut self, seq: u64, moved: Moved, (now, news): (Timestamp, &mut News)) {
        let Some(item) = self.jobs.get(&seq).and_then(|entry| entry.job.item.as_ref()) else { return };
        let Some(run) = self.runs.number(item.run).and_then(|n| self.runs.runs.get_mut(&n)) else { return };
        if moved.from == moved.to {
            return;
        }
        let before = run.status.state;
        run.item_moved(moved, now);
        news.runs.insert(run.id);
        let (after, lane) = (run.status.state, run.lane());
        self.hold_or_release(&lane, (before, after), news);
    }

    /// An item that has just succeeded gives to the aggregates.
    pub(super) fn give(&mut self, seq: u64) {
        self.gather(seq, Cell::give);
        self.tally_of(seq, Run::gave);
    }

    /// An item that is to be done again takes back what it gave, and loses its results.
    fn take_back(&mut self, seq: u64) {
        self.gather(seq, Cell::take_back);
        self.tally_of(seq, Run::took_back);
        self.remembered.forget_job(seq);
        let Some(entry) = self.jobs.get_mut(&seq) else { return };
        let artifacts = std::mem::take(&mut entry.job.results);
        self.forget_blobs(artifacts.iter().flat_map(|r| &r.artifacts).map(|a| a.blob));
    }

    fn tally_of(&mut self, seq: u64, change: impl Fn(&mut Run, &[OperationResult])) {
        let Some(job) = self.jobs.get(&seq).map(|entry| &entry.job) else { return };
        let number = job.item.as_ref().and_then(|item| self.runs.number(item.run));
        if let Some(run) = number.and_then(|number| self.runs.runs.get_mut(&number)) {
            change(run, &job.results);
        }
    }

    fn gather(&mut self, seq: u64, change: impl Fn(&mut Cell, &darkroom_core::run::Part)) {
        let Some(job) = self.jobs.get(&seq).map(|entry| &entry.job) else { return };
        let Some(item) = &job.item else { return };
        let Some(number) = self.runs.number(item.run) else { return };
        let Some(run) = self.runs.runs.get(&number) else { return };
        for (name, part) in run.parts(&item.key, &job.results) {
            let place = (number, name);
            let cell = self.runs.cells.entry(place.clone()).or_default();
            change(cell, &part);
            if cell.is_empty() {
                self.runs.cells.remove(&place);
            }
        }
    }

    fn happen(
        &mut self,
        number: u64,
        event: RunEvent,
        (now, news): (Timestamp, &mut News),
    ) -> Result<(), StoreError> {
        let Some(run) = self.runs.runs.get_mut(&number) else { return Ok(()) };
        let (before, needed) = (run.status.state, run.needed_archive());
        run.happen(event, now)?;
        news.runs.insert(run.id);
        let (after, lane, needs) = (run.status.state, run.lane(), run.needed_archive());
        self.hold_or_release(&lane, (before, after), news);
        self.forget_blobs(needed.filter(|_| needs.is_none()).into_iter());
        Ok(())
    }

    fn hold_or_release(&mut self, lane: &LaneKey, (from, to): (RunState, RunState), news: &mut News) {
        match (from.gives_work(), to.gives_work()) {
            (true, false) => self.turns.hold(lane),
            (false, true) => {
                self.turns.release(lane);
                news.work = true;
            }
            _ => {}
        }
    }

    /// Cancels waiting items of a cancelled run, and has its running ones stop.
    fn cancel_some(&mut self, number: u64, budget: usize, (now, news): (Timestamp, &mut News)) {
        let Some(run) = self.runs.runs.get(&number) else { return };
        if run.status.state != RunState::Cancelled {
            return;
        }
        let id = run.id;
        let queued = self.ready.get(&run.lane()).into_iter().flatten().map(|(_, seq)| *seq);
        let mut items: Vec<u64> = queued.take(budget).collect();
        items.extend(self.items_in(id, State::Running));
        for seq in items {
            // Cancelling is possible in every state.
            let _ = self.step(seq, Event::Cancel, now, news);
        }
    }

    /// What earlier cancellations have left.
    pub(super) fn cancel_leftovers(&mut self, now: Timestamp, news: &mut News) {
        let left = |run: &&Run| run.status.state == RunState::Cancelled && run.tally.of(State::Queued) > 0;
        let runs: Vec<u64> = self.runs.runs.values().filter(left).map(|run| run.seq).collect();
        for number in runs {
            self.cancel_some(number, MAX_BATCH, (now, news));
        }
    }

    fn doom(&mut self, number: u64, (now, news): (Timestamp, &mut News)) {
        let Some(run) = self.runs.runs.get_mut(&number) else { return };
        let (before, lane) = (run.status.state, run.lane());
        run.status.state = RunState::Cancelled;
        run.status.stop = Some(Stop::asked("deleted"));
        news.runs.insert(run.id);
        self.runs.doomed.insert(number);
        self.hold_or_release(&lane, (before, RunState::Cancelled), news);
        self.cancel_some(number, MAX_BATCH, (now, news));
    }

    /// Runs that retention has outlived go the way of deleted ones.
    pub(super) fn doom_outlived_runs(&mut self, limits: &StoreLimits, (now, news): (Timestamp, &mut News)) {
        let outlived = |run: &&Run| {
            let keep =
                if run.status.state == RunState::Failed { limits.keep_failed } else { limits.keep_finished };
            run.status.state.is_final()
                && run.finished_at.is_some_and(|at| at + keep <= now)
                && !self.runs.doomed.contains(&run.seq)
        };
        let over: Vec<u64> = self.runs.runs.values().filter(outlived).map(|run| run.seq).collect();
        for number in over {
            self.doom(number, (now, news));
        }
    }

    /// Removes items of deleted runs, and the runs that have none left. How many jobs, and the blobs they named.
    pub(super) fn remove_doomed(&mut self, budget: usize) -> (u64, BTreeSet<BlobId>) {
        let (mut removed, mut blobs) = (0, BTreeSet::new());
        for number in self.runs.doomed.clone() {
            let Some(run) = self.runs.runs.get(&number) else { continue };
            let (id, lane) = (run.id, run.lane());
            let items = self.jobs.iter().filter(|(_, e)| e.job.item.as_ref().is_some_and(|i| i.run == id));
            let mut idle: Vec<u64> =
                items.filter(|(_, e)| e.job.status.state != State::Running).map(|(seq, _)| *seq).collect();
            idle.truncate(budget - removed);
            removed += idle.len();
            for seq in idle {
                blobs.extend(self.remove(seq));
            }
            if !self.jobs.values().any(|e| e.job.item.as_ref().is_some_and(|item| item.run == id)) {
                let archive = self.runs.runs.remove(&number).and_then(|run| run.needed_archive());
                self.forget_blobs(archive.into_iter());
                blobs.extend(archive);
                self.runs.ids.remove(&id);
                self.runs.doomed.remove(&number);
                self.runs.cells.retain(|(of, _), _| *of != number);
                self.turns.release(&lane);
            }
        }
        (removed as u64, blobs)
    }

    /// Items of this run in this state, in their order. Looks at every job: this store is small.
    fn items_in(&self, run: RunId, state: State) -> Vec<u64> {
        let of_run = self.jobs.iter().filter(|(_, e)| e.job.item.as_ref().is_some_and(|i| i.run == run));
        of_run.filter(|(_, entry)| entry.job.status.state == state).map(|(seq, _)| *seq).collect()
    }
}
