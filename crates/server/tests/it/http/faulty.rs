//! A store that fails when it is told to.

use std::{
    pin::Pin,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use darkroom_core::{
    BlobId, JobId, KeyId, RunId, SessionId, Timestamp, TokenId, UserId,
    job::{Input, Job, NewJob, OperationResult, Origin, Owner, QueueName},
    prediction::{NewPrediction, Prediction},
    run::{Aggregate, Cell, NewItem, NewRun, Run, RunEvent},
    store::{
        Acted, Action, Added, Admin, Appended, Beat, Cache, CacheKey, Chosen, Counts, GroupPage, History,
        ItemPage, JobFilter, Keys, Leased, Ledger, LiveWorker, MaxRunning, Notice, Page, Period,
        PredictionFilter, Predictions, Queue, RunFilter, Runs, Settled, Settlement, StoreError, Submitted,
        Swept, Tokens, Users, WorkerInfo, WorkerStats,
    },
    user::{ApiKey, TokenKey, User, UserChange, UserName},
};
use darkroom_store::Memory;
use futures_util::Stream;

/// What a store may come to.
pub(super) type Fault = fn() -> StoreError;

/// A store in memory; the calls that requests make fail as long as a fault is set.
pub(super) struct Faulty {
    store: Memory,
    fault: Mutex<Option<Fault>>,
}

impl Faulty {
    pub(super) fn new(store: Memory) -> Self {
        Self { store, fault: Mutex::new(None) }
    }

    pub(super) fn set(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    fn check(&self) -> Result<(), StoreError> {
        let fault = *self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.map_or(Ok(()), |fault| Err(fault()))
    }
}

#[async_trait]
impl Queue for Faulty {
    async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, StoreError> {
        self.check()?;
        self.store.submit(jobs).await
    }
    async fn open_session(&self, worker: WorkerInfo) -> Result<SessionId, StoreError> {
        self.store.open_session(worker).await
    }
    async fn claim(&self, session: SessionId, slots: u32) -> Result<Vec<Leased>, StoreError> {
        self.store.claim(session, slots).await
    }
    async fn beat(&self, session: SessionId, stats: WorkerStats) -> Result<Beat, StoreError> {
        self.store.beat(session, stats).await
    }
    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, StoreError> {
        self.store.settle(settlements).await
    }
    async fn close_session(&self, session: SessionId) -> Result<(), StoreError> {
        self.store.close_session(session).await
    }
    async fn sweep(&self) -> Result<Swept, StoreError> {
        self.store.sweep().await
    }
    fn watch(&self) -> Pin<Box<dyn Stream<Item = Notice> + Send>> {
        self.store.watch()
    }
}

#[async_trait]
impl Ledger for Faulty {
    async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.check()?;
        self.store.job(id).await
    }
    async fn jobs(&self, filter: JobFilter, page: Page) -> Result<Vec<Job>, StoreError> {
        self.check()?;
        self.store.jobs(filter, page).await
    }
    async fn newest_by_alias(&self, origin: Origin, alias: String) -> Result<Option<Job>, StoreError> {
        self.check()?;
        self.store.newest_by_alias(origin, alias).await
    }
    async fn counts(&self) -> Result<Counts, StoreError> {
        self.store.counts().await
    }
    async fn workers(&self) -> Result<Vec<LiveWorker>, StoreError> {
        self.store.workers().await
    }
    async fn unreferenced(&self, blobs: Vec<BlobId>) -> Result<Vec<BlobId>, StoreError> {
        self.store.unreferenced(blobs).await
    }
    async fn refers(&self, owner: Owner, blob: BlobId) -> Result<bool, StoreError> {
        self.check()?;
        self.store.refers(owner, blob).await
    }
    async fn placed(&self, blob: BlobId) -> Result<Option<Input>, StoreError> {
        self.check()?;
        self.store.placed(blob).await
    }
    async fn inputs(&self, blobs: Vec<BlobId>) -> Result<Vec<BlobId>, StoreError> {
        self.check()?;
        self.store.inputs(blobs).await
    }
    async fn ping(&self) -> Result<(), StoreError> {
        self.check()
    }
}

#[async_trait]
impl Admin for Faulty {
    async fn act(&self, action: Action, chosen: Chosen, page: Page) -> Result<Acted, StoreError> {
        self.check()?;
        self.store.act(action, chosen, page).await
    }
    async fn cancel(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.check()?;
        self.store.cancel(id).await
    }
    async fn retry(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.check()?;
        self.store.retry(id).await
    }
    async fn delete(&self, id: JobId) -> Result<Option<Vec<BlobId>>, StoreError> {
        self.check()?;
        self.store.delete(id).await
    }
    async fn pause(&self, queue: QueueName) -> Result<(), StoreError> {
        self.store.pause(queue).await
    }
    async fn resume(&self, queue: QueueName) -> Result<(), StoreError> {
        self.store.resume(queue).await
    }
    async fn limit(&self, queue: QueueName, max_running: Option<MaxRunning>) -> Result<(), StoreError> {
        self.store.limit(queue, max_running).await
    }
}

#[async_trait]
impl Runs for Faulty {
    async fn create_run(&self, run: NewRun) -> Result<Run, StoreError> {
        self.check()?;
        self.store.create_run(run).await
    }
    async fn append(&self, run: RunId, items: Vec<NewItem>) -> Result<Option<Appended>, StoreError> {
        self.check()?;
        self.store.append(run, items).await
    }
    async fn change_run(&self, run: RunId, event: RunEvent) -> Result<Option<Run>, StoreError> {
        self.check()?;
        self.store.change_run(run, event).await
    }
    async fn redo(&self, run: RunId, jobs: Vec<JobId>) -> Result<Option<u64>, StoreError> {
        self.check()?;
        self.store.redo(run, jobs).await
    }
    async fn delete_run(&self, run: RunId) -> Result<bool, StoreError> {
        self.check()?;
        self.store.delete_run(run).await
    }
    async fn run(&self, run: RunId) -> Result<Option<Run>, StoreError> {
        self.check()?;
        self.store.run(run).await
    }
    async fn runs(&self, filter: RunFilter, page: Page) -> Result<Vec<Run>, StoreError> {
        self.check()?;
        self.store.runs(filter, page).await
    }
    async fn items(&self, run: RunId, page: ItemPage) -> Result<Vec<Job>, StoreError> {
        self.check()?;
        self.store.items(run, page).await
    }
    async fn aggregates(&self, run: RunId) -> Result<Option<Vec<Aggregate>>, StoreError> {
        self.check()?;
        self.store.aggregates(run).await
    }
    async fn pace(&self, run: RunId, slices: u32) -> Result<Vec<(Timestamp, u64)>, StoreError> {
        self.check()?;
        self.store.pace(run, slices).await
    }
    async fn groups(&self, run: RunId, page: GroupPage) -> Result<Vec<(String, Cell)>, StoreError> {
        self.check()?;
        self.store.groups(run, page).await
    }
}

#[async_trait]
impl Users for Faulty {
    async fn add_user(&self, user: User) -> Result<Added, StoreError> {
        self.check()?;
        self.store.add_user(user).await
    }
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.check()?;
        self.store.user(id).await
    }
    async fn user_named(&self, name: UserName) -> Result<Option<User>, StoreError> {
        self.check()?;
        self.store.user_named(name).await
    }
    async fn users(&self) -> Result<Vec<User>, StoreError> {
        self.store.users().await
    }
    async fn change_user(&self, id: UserId, change: UserChange) -> Result<Option<User>, StoreError> {
        self.store.change_user(id, change).await
    }
    async fn remove_user(&self, id: UserId) -> Result<bool, StoreError> {
        self.store.remove_user(id).await
    }
}

#[async_trait]
impl Keys for Faulty {
    async fn add_key(&self, key: ApiKey) -> Result<Added, StoreError> {
        self.store.add_key(key).await
    }
    async fn key(&self, id: KeyId) -> Result<Option<ApiKey>, StoreError> {
        self.check()?;
        self.store.key(id).await
    }
    async fn keys(&self, user: Option<UserId>) -> Result<Vec<ApiKey>, StoreError> {
        self.store.keys(user).await
    }
    async fn revoke_key(&self, id: KeyId, at: Timestamp) -> Result<Option<ApiKey>, StoreError> {
        self.store.revoke_key(id, at).await
    }
    async fn touch_key(&self, id: KeyId, at: Timestamp) -> Result<(), StoreError> {
        self.store.touch_key(id, at).await
    }
}

#[async_trait]
impl Tokens for Faulty {
    async fn add_token_key(&self, key: TokenKey, forget: Timestamp) -> Result<(), StoreError> {
        self.store.add_token_key(key, forget).await
    }
    async fn token_keys(&self) -> Result<Vec<TokenKey>, StoreError> {
        self.store.token_keys().await
    }
    async fn revoke_token(&self, id: TokenId, expires: Timestamp) -> Result<Added, StoreError> {
        self.store.revoke_token(id, expires).await
    }
    async fn is_token_revoked(&self, id: TokenId) -> Result<bool, StoreError> {
        self.check()?;
        self.store.is_token_revoked(id).await
    }
}

#[async_trait]
impl Predictions for Faulty {
    async fn record(&self, entries: Vec<NewPrediction>) -> Result<(), StoreError> {
        self.store.record(entries).await
    }
    async fn predictions(&self, filter: PredictionFilter, page: Page) -> Result<Vec<Prediction>, StoreError> {
        self.check()?;
        self.store.predictions(filter, page).await
    }
}

#[async_trait]
impl History for Faulty {
    async fn history(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Period>, StoreError> {
        self.check()?;
        self.store.history(from, until).await
    }
}

#[async_trait]
impl Cache for Faulty {
    async fn recall(&self, keys: Vec<CacheKey>) -> Result<Vec<Option<OperationResult>>, StoreError> {
        self.store.recall(keys).await
    }
    async fn remember(&self, results: Vec<(CacheKey, OperationResult)>) -> Result<(), StoreError> {
        self.store.remember(results).await
    }
}
