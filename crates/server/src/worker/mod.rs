//! Workers: claim, execute, settle.
//!
//! One [`Worker`] a process. Its runner holds a session and claims jobs; each job is executed by a task of its own,
//! whose pixel work runs on one of a fixed number of threads; outcomes are settled together.

mod ahead;
mod beside;
mod draw;
mod execute;
mod failure;
mod gather;
mod limits;
mod memory;
mod places;
mod pool;
mod recall;
mod runner;
mod settle;
mod stop;
mod work;

use std::{num::NonZero, sync::Arc, thread, time::Duration};

use darkroom_core::{Clock, RetryPolicy, store::Store};
use darkroom_imaging::Limits;
use tokio::{sync::watch, task::JoinHandle};

pub use limits::ImageLimits;

use crate::{
    Parts,
    blobs::Blobs,
    config::{ByteSize, Mistake},
    predict::Predictor,
    settings,
    telemetry::Metrics,
};
use gather::Gathering;
use memory::MemoryBudget;
use pool::Pool;
use settle::Settler;

settings! {
    /// Jobs that are worked on in this process.
    pub struct Config in "worker" {
        /// Images worked on at once, one thread each. 0 is one a processor that this process may use.
        slots: u32 = 0,
        /// Jobs held beyond those at most. They wait for a slot, no more of them than are worked on in a moment, or write
        /// and settle what came of them. 0 is 32 a slot.
        ahead: u32 = 0,
        /// Memory that all images together may need at once. 0 is half of what this process may use.
        memory: ByteSize = ByteSize(0),
        /// How often an idle worker looks for work that it was not told of.
        poll_floor: Duration = Duration::from_secs(1),
        /// How long jobs may go on after a shutdown was asked for; then they are given back unfinished.
        drain: Duration = Duration::from_secs(10),
        /// The greatest delay after the first failed attempt; it doubles with each further one.
        retry_base: Duration = Duration::from_secs(2),
        /// The greatest delay ever.
        retry_cap: Duration = Duration::from_mins(15),
    }
}

impl Config {
    /// What is wrong with it.
    pub fn validate(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        if self.slots > 1_024 {
            mistakes.push(Mistake::new("worker.slots", "is at most 1024"));
        }
        if self.ahead > 4_096 {
            mistakes.push(Mistake::new("worker.ahead", "is at most 4096"));
        }
        if self.poll_floor.is_zero() || self.poll_floor > Duration::from_mins(1) {
            mistakes.push(Mistake::new("worker.poll_floor", "is between 1ms and 1m"));
        }
        if self.retry_base > self.retry_cap {
            mistakes.push(Mistake::new("worker.retry_base", "is at most worker.retry_cap"));
        }
        mistakes
    }

    /// Images worked on at once.
    pub fn slots(&self) -> u32 {
        let processors = || thread::available_parallelism().map_or(1, NonZero::get) as u32;
        if self.slots == 0 { processors() } else { self.slots }
    }

    /// Jobs held beside those in work, at most.
    fn ahead(&self) -> u32 {
        if self.ahead == 0 { 32 * self.slots() } else { self.ahead }
    }

    fn retry(&self) -> RetryPolicy {
        RetryPolicy { base: self.retry_base, cap: self.retry_cap }
    }
}

/// What a job in work is given. Handlers of requests have a context of their own.
struct Workshop {
    store: Arc<dyn Store>,
    blobs: Blobs,
    predictor: Predictor,
    clock: Arc<dyn Clock>,
    /// Whether predictions are logged.
    logs: bool,
    /// Whether results are remembered and recalled.
    remembers: bool,
    metrics: Arc<Metrics>,
    limits: Limits,
    retry: RetryPolicy,
    memory: MemoryBudget,
    pool: Pool,
    settler: Settler,
    gathering: Gathering,
}

/// The worker of this process.
#[derive(Debug)]
pub struct Worker {
    stop: watch::Sender<bool>,
    runner: JoinHandle<()>,
}

impl Worker {
    /// Starts claiming. Needs a tokio runtime.
    pub fn start(parts: &Parts, metrics: Arc<Metrics>) -> std::io::Result<Self> {
        let config = &parts.config.worker;
        darkroom_imaging::memory::keep();
        let memory = MemoryBudget::new(config.memory.bytes(), Arc::clone(&metrics));
        metrics.slots.set(i64::from(config.slots()));
        let shop = Workshop {
            store: Arc::clone(&parts.store),
            blobs: parts.blobs.clone(),
            predictor: parts.predictor.clone(),
            clock: Arc::clone(&parts.clock),
            logs: parts.config.predictions.enabled,
            remembers: parts.config.cache.enabled,
            limits: parts.config.limits.limits(),
            retry: config.retry(),
            memory,
            pool: Pool::start(config.slots())?,
            settler: Settler::start(Arc::clone(&parts.store), Arc::clone(&metrics)),
            gathering: Gathering::default(),
            metrics,
        };
        let (end, told) = watch::channel(false);
        let runner = tokio::spawn(runner::run(Arc::new(shop), config.clone(), told));
        Ok(Self { stop: end, runner })
    }

    /// Stops claiming, lets jobs go on for `worker.drain`, gives back what is not finished then, and ends the session.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.runner.await {
            tracing::error!(%error, "the runner ended badly");
        }
    }
}

/// Whether the file is an image of a kind that is known here, by its content. For folders with all sorts of files.
pub fn recognises(path: &std::path::Path) -> bool {
    let inspected = darkroom_imaging::inspect(&darkroom_imaging::Source::file(path), &Limits::default());
    !matches!(inspected, Err(darkroom_imaging::ImageError::NotAnImage | darkroom_imaging::ImageError::Io(_)))
}

#[cfg(test)]
mod tests;
