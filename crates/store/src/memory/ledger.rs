//! The read side.

use async_trait::async_trait;
use darkroom_core::{
    BlobId, JobId,
    job::{Input, Job, Origin, Owner},
    store::{Counts, JobFilter, Ledger, LiveWorker, MAX_PAGE, Order, Page, SESSION_TTL, StoreError},
};

use super::{
    Memory, check_batch,
    stock::{Entry, Stock},
};
use crate::moves::shows_failure;

#[async_trait]
impl Ledger for Memory {
    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        let stock = self.stock();
        Ok(stock.ids.get(&id).and_then(|seq| stock.job(*seq)))
    }

    async fn jobs(&self, filter: JobFilter, page: Page) -> Result<Vec<Job>, StoreError> {
        let stock = self.stock();
        let limit = page.limit.clamp(1, MAX_PAGE) as usize;
        let matching = stock.listed(&filter, page.before).take(limit);
        Ok(matching.filter_map(|seq| stock.job(seq)).map(without_history).collect())
    }

    async fn newest_by_alias(&self, origin: Origin, alias: String) -> Result<Option<Job>, StoreError> {
        let stock = self.stock();
        let named = (origin.clone(), alias.clone(), 0)..=(origin, alias, u64::MAX);
        Ok(stock.aliases.range(named).next_back().and_then(|(_, _, seq)| stock.job(*seq)))
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        let stock = self.stock();
        Ok(stock.totals.counts(stock.past.recent(self.clock.now()), (&stock.oldest_queued(), &stock.held())))
    }

    async fn workers(&self) -> Result<Vec<LiveWorker>, StoreError> {
        let now = self.clock.now();
        let stock = self.stock();
        let workers = stock.sessions.values().map(|held| held.worker.clone());
        Ok(workers.filter(|worker| now < worker.last_beat + SESSION_TTL).collect())
    }

    async fn unreferenced(&self, blobs: Vec<BlobId>) -> Result<Vec<BlobId>, StoreError> {
        check_batch(blobs.len())?;
        let stock = self.stock();
        Ok(blobs.into_iter().filter(|blob| !stock.blobs.contains_key(blob)).collect())
    }

    async fn inputs(&self, blobs: Vec<BlobId>) -> Result<Vec<BlobId>, StoreError> {
        check_batch(blobs.len())?;
        let stock = self.stock();
        let is_input = |blob: &BlobId| stock.jobs.values().any(|entry| entry.job.input.blob == *blob);
        Ok(blobs.into_iter().filter(is_input).collect())
    }

    async fn placed(&self, blob: BlobId) -> Result<Option<Input>, StoreError> {
        let stock = self.stock();
        let mut inputs = stock.jobs.values().map(|entry| &entry.job.input);
        Ok(inputs.find(|input| input.blob == blob && input.place.is_some()).cloned())
    }

    async fn refers(&self, owner: Owner, blob: BlobId) -> Result<bool, StoreError> {
        Ok(self.stock().refers(&owner, blob))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Stock {
    /// The job as readers see it.
    pub(super) fn job(&self, seq: u64) -> Option<Job> {
        let mut job = self.jobs.get(&seq)?.job.clone();
        job.held = self.holds(&job);
        if !shows_failure(job.status.state) {
            job.failure = None;
        }
        Some(job)
    }

    /// The jobs behind `before` that match, in the filter's order.
    pub(super) fn listed<'a>(
        &'a self,
        filter: &'a JobFilter,
        before: Option<u64>,
    ) -> impl Iterator<Item = u64> + 'a {
        let behind: Box<dyn Iterator<Item = (&u64, &Entry)>> = match filter.order {
            Order::Newest => Box::new(self.jobs.range(..before.unwrap_or(u64::MAX)).rev()),
            Order::Oldest => Box::new(self.jobs.range(before.map_or(0, |seq| seq.saturating_add(1))..)),
        };
        behind.filter(|(_, entry)| self.matches(entry, filter)).map(|(seq, _)| *seq)
    }

    /// Whether a queued job gives no work.
    fn holds(&self, job: &Job) -> bool {
        self.totals.is_paused(&job.queue) || job.item.as_ref().is_some_and(|item| self.runs.holds(item.run))
    }

    fn matches(&self, entry: &Entry, filter: &JobFilter) -> bool {
        let job = &entry.job;
        let failure = job.failure.as_ref().filter(|_| shows_failure(job.status.state));
        let shown = job.status.state.shown(self.holds(job));
        let named = |text: &String| {
            let name = job.input.name.as_ref().map_or("", |name| name.as_str());
            name.to_ascii_lowercase().contains(&text.to_ascii_lowercase())
        };
        (filter.states.is_empty() || filter.states.contains(&shown))
            && filter.operation.as_ref().is_none_or(|name| job.operations.iter().any(|o| o.name() == name))
            && filter.owner.as_ref().is_none_or(|owner| job.owner == *owner)
            && filter.origin.as_ref().is_none_or(|origin| job.origin == *origin)
            && filter.queue.as_ref().is_none_or(|queue| job.queue == *queue)
            && filter.run.is_none_or(|run| job.item.as_ref().is_some_and(|item| item.run == run))
            && filter.since.is_none_or(|since| job.created_at >= since)
            && filter.until.is_none_or(|until| job.created_at < until)
            && filter.text.as_ref().is_none_or(named)
            && (filter.failures.is_empty() || failure.is_some_and(|f| filter.failures.contains(&f.kind)))
    }
}

fn without_history(job: Job) -> Job {
    Job { attempts: Vec::new(), results: Vec::new(), ..job }
}
