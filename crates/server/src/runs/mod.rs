//! Runs: whoever has a source worked through, from the first item to the last, over any number of restarts.
//!
//! The store keeps everything that matters: the position in the source is recorded with the items before it. So a
//! driver may end at any moment, and the next one goes on there. Items are jobs; workers do not know of runs.

mod config;
mod drive;
mod gather;

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use darkroom_core::{
    RunId,
    run::{Run, RunEvent, RunState, StopKind},
    store::{MAX_PAGE, Notice, Page, RunFilter, Store},
};
use futures_util::StreamExt;
use tokio::{
    task::{Id, JoinHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Parts,
    blobs::Blobs,
    sources::{Reach, Sources},
};

pub use config::Config;
use drive::Drive;

/// Notices are hints and may be lost: runs are looked for this often.
const FLOOR: Duration = Duration::from_secs(1);

/// Between two looks at runs of which something was heard. A run in work changes hundreds of times a second, and most of
/// these changes are its items'.
const PACE: Duration = Duration::from_millis(50);

/// Works through the sources of runs until it is shut down.
#[derive(Debug)]
pub struct Drivers {
    stop: CancellationToken,
    supervisor: JoinHandle<()>,
}

impl Drivers {
    /// Goes on with every run whose items are not all known yet, and with those that are made from now on.
    pub fn start(parts: &Parts) -> Self {
        Self::supervise(parts, None)
    }

    /// Goes on with these runs only, and leaves those that wait for something waiting.
    pub fn of(parts: &Parts, runs: impl IntoIterator<Item = RunId>) -> Self {
        Self::supervise(parts, Some(runs.into_iter().collect()))
    }

    fn supervise(parts: &Parts, only: Option<HashSet<RunId>>) -> Self {
        let stop = CancellationToken::new();
        let supervisor = Supervisor {
            parts: parts.clone(),
            only,
            stop: stop.clone(),
            driven: HashMap::new(),
            drives: JoinSet::new(),
            resumed_at: Instant::now(),
            heard: HashSet::new(),
            look_at: None,
            looked_at: None,
        };
        Self { stop, supervisor: tokio::spawn(supervisor.run()) }
    }

    /// Lets what is being recorded be recorded.
    pub async fn shutdown(self) {
        self.stop.cancel();
        if let Err(error) = self.supervisor.await {
            tracing::error!(%error, "the drivers of runs ended badly");
        }
    }
}

struct Supervisor {
    parts: Parts,
    /// The runs that are driven; `None` is all.
    only: Option<HashSet<RunId>>,
    stop: CancellationToken,
    /// Runs that are driven, by the task that does it.
    driven: HashMap<Id, (RunId, CancellationToken)>,
    drives: JoinSet<()>,
    /// When runs that wait for something were last let try again.
    resumed_at: Instant,
    /// Runs of which something was heard, when to look at them, and when that was done last.
    heard: HashSet<RunId>,
    look_at: Option<Instant>,
    looked_at: Option<Instant>,
}

impl Supervisor {
    async fn run(mut self) {
        let store = Arc::clone(&self.parts.store);
        let mut notices = store.watch();
        let mut floor = interval(FLOOR);
        floor.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                Some(ended) = self.drives.join_next_with_id() => {
                    let id = match ended {
                        Ok((id, ())) => id,
                        Err(error) => {
                            tracing::error!(%error, "the driver of a run ended badly");
                            error.id()
                        }
                    };
                    self.driven.remove(&id);
                }
                notice = notices.next() => match notice {
                    Some(Notice::Run(run)) => self.heed(run),
                    Some(Notice::Missed) => self.look(&*store).await,
                    Some(Notice::Job(_) | Notice::Work) => {}
                    None => break,
                },
                () = sleep_until(self.look_at.unwrap_or_else(Instant::now)), if self.look_at.is_some() => {
                    self.look_at_heard(&*store).await;
                }
                _ = floor.tick() => self.look(&*store).await,
            }
        }
        for (_, stop) in self.driven.values() {
            stop.cancel();
        }
        while self.drives.join_next().await.is_some() {}
    }

    /// The first news for a while are looked at at once.
    fn heed(&mut self, run: RunId) {
        self.heard.insert(run);
        let (now, looked_at) = (Instant::now(), self.looked_at);
        self.look_at.get_or_insert_with(|| looked_at.map_or(now, |last| now.max(last + PACE)));
    }

    async fn look_at_heard(&mut self, store: &dyn Store) {
        (self.look_at, self.looked_at) = (None, Some(Instant::now()));
        for run in std::mem::take(&mut self.heard) {
            self.look_at(store, run).await;
        }
    }

    /// Drives whatever is to be driven, up to the number that may be at a time; the oldest first.
    async fn look(&mut self, store: &dyn Store) {
        if self.only.is_none() && self.resumed_at.elapsed() >= self.parts.config.runs.resume_after {
            self.resumed_at = Instant::now();
            self.let_try_again(store).await;
        }
        let driven: Vec<RunId> = self.driven.values().map(|(run, _)| *run).collect();
        for run in driven {
            self.look_at(store, run).await;
        }
        for run in self.list(store, RunState::Enumerating).await.into_iter().rev() {
            self.drive(run);
        }
    }

    /// Stops driving a run that is not to be driven any more, or drives it.
    async fn look_at(&mut self, store: &dyn Store, id: RunId) {
        let driver = self.driven.values().find(|(run, _)| *run == id);
        let Ok(run) = store.run(id).await else { return };
        match (driver, run) {
            (None, Some(run)) if run.status.state == RunState::Enumerating => self.drive(run),
            (Some(_), Some(run)) if run.status.state == RunState::Enumerating => {}
            (Some((_, stop)), _) => stop.cancel(),
            (None, _) => {}
        }
    }

    fn drive(&mut self, run: Run) {
        let full = self.driven.len() >= self.parts.config.runs.max_enumerating;
        let foreign = self.only.as_ref().is_some_and(|only| !only.contains(&run.id));
        if full || foreign || self.driven.values().any(|(driven, _)| *driven == run.id) {
            return;
        }
        let (id, stop) = (run.id, self.stop.child_token());
        let drive = Drive::new(&self.parts, run, stop.clone());
        let task = self.drives.spawn(drive.run());
        self.driven.insert(task.id(), (id, stop));
    }

    /// Runs that wait for room or for a server try again by themselves; those that somebody paused do not.
    async fn let_try_again(&self, store: &dyn Store) {
        for run in self.list(store, RunState::Paused).await {
            let passes = run.status.stop.as_ref().is_some_and(|stop| {
                matches!(
                    stop.kind,
                    StopKind::DiskFull | StopKind::SourceUnavailable | StopKind::StorageUnavailable
                )
            });
            if passes && let Err(error) = store.change_run(run.id, RunEvent::Resume).await {
                tracing::warn!(%error, run = %run.id, "the run cannot go on");
            }
        }
    }

    async fn list(&self, store: &dyn Store, state: RunState) -> Vec<Run> {
        let filter = RunFilter { states: vec![state], ..RunFilter::default() };
        let listed = store.runs(filter, Page { limit: MAX_PAGE, before: None }).await;
        listed.unwrap_or_else(|error| {
            tracing::warn!(%error, "runs could not be looked for; the next look does");
            Vec::new()
        })
    }
}

/// Where the images of runs that clients ask for come from.
pub fn sources(config: &crate::Config, blobs: &Blobs, data_dir: &Path) -> Sources {
    Sources::new(config, blobs.clone(), data_dir, Reach::Roots)
}

/// Where the images of runs come from that the user of this process asks for.
pub fn own_sources(config: &crate::Config, blobs: &Blobs, data_dir: &Path) -> Sources {
    Sources::new(config, blobs.clone(), data_dir, Reach::Anywhere)
}
