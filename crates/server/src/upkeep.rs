//! Housekeeping beside the work: due jobs, ended sessions, retention, and what a crash left in the blob store.

use std::{sync::Arc, time::Duration};

use darkroom_core::store::{Store, Swept};
use darkroom_inference::{Changes, Models};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use crate::{
    Parts,
    blobs::{Blobs, Collected, Walk},
    config::Mistake,
    settings,
    telemetry::Metrics,
};

/// Between measuring two of the 256 folders of blobs after the start: the disk has other things to do.
const MEASURE_PACE: Duration = Duration::from_millis(10);

settings! {
    /// Housekeeping.
    pub struct Config in "upkeep" {
        /// How often due jobs, ended sessions and outlived jobs are looked for.
        interval: Duration = Duration::from_secs(1),
        /// How old a blob without a job, or an unfinished file, must be to count as left by a crash.
        leftover_age: Duration = Duration::from_hours(1),
        /// How often the next of the 256 blob folders is searched for such leftovers, and the journal of small blobs
        /// emptied.
        leftover_interval: Duration = Duration::from_secs(30),
    }
}

impl Config {
    /// What is wrong with it.
    pub fn validate(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        if self.interval.is_zero() || self.interval > Duration::from_mins(1) {
            mistakes.push(Mistake::new("upkeep.interval", "is between 1ms and 1m"));
        }
        if self.leftover_age < Duration::from_mins(1) {
            mistakes.push(Mistake::new("upkeep.leftover_age", "is at least 1m: younger files may be in use"));
        }
        if self.leftover_interval.is_zero() {
            mistakes.push(Mistake::new("upkeep.leftover_interval", "is at least 1ms"));
        }
        mistakes
    }
}

/// Housekeeping that runs until it is shut down.
#[derive(Debug)]
pub struct Upkeep {
    stop: watch::Sender<bool>,
    chores: JoinHandle<()>,
}

impl Upkeep {
    /// Starts it. Any number of processes may do upkeep on one store.
    pub fn start(parts: &Parts, metrics: Arc<Metrics>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (store, blobs) = (Arc::clone(&parts.store), parts.blobs.clone());
        let models = (parts.predictor.models().clone(), parts.config.models.refresh);
        let chores = Chores { store, blobs, metrics, models, walk: Walk::default() };
        Self { stop, chores: tokio::spawn(chores.run(parts.config.upkeep.clone(), stopped)) }
    }

    /// Lets the chore in hand end.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.chores.await {
            tracing::error!(%error, "upkeep ended badly");
        }
    }
}

struct Chores {
    store: Arc<dyn Store>,
    blobs: Blobs,
    metrics: Arc<Metrics>,
    /// And how often they are looked for.
    models: (Models, Duration),
    walk: Walk,
}

impl Chores {
    async fn run(mut self, config: Config, mut stopped: watch::Receiver<bool>) {
        let mut sweeps = interval(config.interval);
        let mut searches = interval(config.leftover_interval);
        let mut refreshes = interval(self.models.1);
        let (mut measures, mut unmeasured) = (interval(MEASURE_PACE), Some(0));
        refreshes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        searches.set_missed_tick_behavior(MissedTickBehavior::Delay);
        measures.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = stopped.changed() => return self.empty_journal().await,
                _ = sweeps.tick() => self.sweep().await,
                _ = searches.tick() => self.search(config.leftover_age).await,
                _ = refreshes.tick() => self.refresh().await,
                _ = measures.tick(), if unmeasured.is_some() => unmeasured = self.measure(unmeasured).await,
            }
        }
    }

    /// Measures one of the folders of blobs, once after the start; which is next.
    async fn measure(&self, folder: Option<u8>) -> Option<u8> {
        let folder = folder?;
        if let Err(error) = self.blobs.measure(folder).await {
            tracing::warn!(%error, folder, "a folder of blobs could not be measured");
        }
        folder.checked_add(1)
    }

    /// Models come and go with their folders.
    async fn refresh(&self) {
        let models = self.models.0.clone();
        match tokio::task::spawn_blocking(move || models.refresh()).await {
            Ok(changes) if changes != Changes::default() => {
                let Changes { added, changed, removed } = changes;
                tracing::info!(?added, ?changed, ?removed, "the models have changed");
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "the models could not be looked at"),
        }
    }

    async fn sweep(&self) {
        match self.store.sweep().await {
            Ok(swept) => self.swept(swept).await,
            Err(error) => tracing::warn!(%error, "the sweep failed; the next one does its work"),
        }
    }

    async fn swept(&self, swept: Swept) {
        if swept.lost_sessions > 0 {
            tracing::warn!(sessions = swept.lost_sessions, jobs = swept.rescued, "workers stopped beating");
        }
        self.metrics.rescued.inc_by(swept.rescued);
        self.metrics.outlived.inc_by(swept.deleted);
        match self.blobs.collect(&*self.store, swept.orphans).await {
            Ok(collected) => self.collected(collected),
            // The search for leftovers finds them.
            Err(error) => tracing::warn!(%error, "blobs of outlived jobs could not be removed"),
        }
    }

    async fn search(&mut self, age: Duration) {
        self.empty_journal().await;
        match self.blobs.collect_leftovers(&*self.store, &mut self.walk, age).await {
            Ok(collected) => {
                if collected != Collected::default() {
                    tracing::info!(?collected, "removed what a crash left");
                }
                self.collected(collected);
            }
            Err(error) => tracing::warn!(%error, "leftovers could not be searched for"),
        }
    }

    /// What was deleted is not to be on the disk for long.
    async fn empty_journal(&self) {
        if let Err(error) = self.blobs.empty_journal().await {
            tracing::error!(%error, "the journal of blobs could not be emptied");
        }
    }

    fn collected(&self, collected: Collected) {
        self.metrics.collected_blobs.inc_by(collected.blobs);
        self.metrics.collected_bytes.inc_by(collected.bytes);
    }
}
