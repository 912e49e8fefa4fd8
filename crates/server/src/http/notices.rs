//! Who waits for which job. One task reads the store's notices and wakes those whom they concern.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use darkroom_core::{
    JobId,
    store::{Notice, Store},
};
use futures_util::StreamExt;
use tokio::{sync::Notify, task::AbortHandle};

/// Notices are hints and may be lost: whoever waits also looks, this often.
pub(super) const FLOOR: Duration = Duration::from_secs(1);

type Waiting = HashMap<JobId, Vec<Weak<Notify>>>;

/// Wakes those who wait.
#[derive(Debug)]
pub(super) struct Notices {
    waiting: Arc<Mutex<Waiting>>,
    reader: AbortHandle,
}

/// Waits for changes of one job. Changes count from the moment that this was made.
#[derive(Debug)]
pub(super) struct Waiter {
    job: JobId,
    bell: Arc<Notify>,
    waiting: Arc<Mutex<Waiting>>,
}

impl Notices {
    /// Starts to read; ends when it is dropped.
    pub(super) fn of(store: &Arc<dyn Store>) -> Self {
        let waiting = Arc::<Mutex<Waiting>>::default();
        let (mut notices, wake) = (store.watch(), Arc::clone(&waiting));
        let reader = tokio::spawn(async move {
            while let Some(notice) = notices.next().await {
                match notice {
                    Notice::Job(job) => lock(&wake).get(&job).into_iter().flatten().for_each(ring),
                    Notice::Missed => lock(&wake).values().flatten().for_each(ring),
                    Notice::Work | Notice::Run(_) => {}
                }
            }
        });
        Self { waiting, reader: reader.abort_handle() }
    }

    /// A waiter for `job`. Make it first, look at the job second: no change falls in between.
    pub(super) fn waiter(&self, job: JobId) -> Waiter {
        let bell = Arc::new(Notify::new());
        lock(&self.waiting).entry(job).or_default().push(Arc::downgrade(&bell));
        Waiter { job, bell, waiting: Arc::clone(&self.waiting) }
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Waiter {
    /// The job.
    pub(super) fn job(&self) -> JobId {
        self.job
    }

    /// Returns when the job may have changed.
    pub(super) async fn changed(&self) {
        // Running into the floor is the same as being woken: the caller looks.
        let _ = tokio::time::timeout(FLOOR, self.bell.notified()).await;
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut waiting = lock(&self.waiting);
        let Some(bells) = waiting.get_mut(&self.job) else { return };
        let own = Arc::downgrade(&self.bell);
        bells.retain(|bell| !bell.ptr_eq(&own));
        if bells.is_empty() {
            waiting.remove(&self.job);
        }
    }
}

fn ring(bell: &Weak<Notify>) {
    if let Some(bell) = bell.upgrade() {
        bell.notify_one();
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
