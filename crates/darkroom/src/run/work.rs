//! Datasets of this machine, worked through as runs by this process.
//!
//! A run that was interrupted, by a signal or by a power cut, is found again by its source and its operation and goes
//! on where it was. One that has ended is done anew; what is unchanged is remembered, and the older run makes way.

use std::path::PathBuf;

use darkroom_core::{
    Operation,
    run::{NewRun, Run, RunEvent, RunName, RunState},
    store::{MAX_PAGE, Page, RunFilter},
};
use darkroom_server::{Parts, runs::Drivers};

use super::{
    dataset::Dataset,
    export::Export,
    follow::{Done, End, Following, Going},
    local::{Local, origin, store},
    log::Log,
    summary::Summary,
};
use crate::{halt::Halt, settings::Settings, signals::Signals};

/// What is to be done.
pub(super) struct Work {
    pub(super) datasets: Vec<Dataset>,
    pub(super) operation: Operation,
    /// The folder for the results.
    pub(super) out: Option<PathBuf>,
    /// Whether the log of the classic service is printed.
    pub(super) log: Log,
    /// What becomes of the runs.
    pub(super) after: After,
}

/// What becomes of runs that have ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// They stay, and with them what is remembered, for as long as the store keeps what has finished.
    Kept,
    /// Nothing of them stays.
    Forgotten,
}

impl Work {
    /// Works through the datasets until they are done or the user interrupts.
    pub(super) async fn through(self, settings: &Settings) -> Result<Done, Halt> {
        let mut signals = Signals::take()?;
        let local = Local::start(settings).await?;
        let followed = self.follow(&local, &mut signals).await;
        let parts = local.parts.clone();
        if matches!(&followed, Ok(Done { summary, .. }) if summary.is_quit) {
            // Whatever is still busy is taken up by the next call.
            return followed;
        }
        local.stop().await;
        let done = followed?;
        if !done.summary.interrupted {
            self.tidy(&parts, &done.summary).await?;
        }
        Ok(done)
    }

    async fn follow(&self, local: &Local, signals: &mut Signals) -> Result<Done, Halt> {
        let parts = &local.parts;
        let export = match &self.out {
            Some(out) => Some(Export::into(parts, out, &self.operation)?),
            None => None,
        };
        let mut going = Vec::with_capacity(self.datasets.len());
        for dataset in &self.datasets {
            going.push(self.take_up(parts, dataset).await?);
        }
        let drivers = Drivers::of(parts, going.iter().map(|going| going.run));
        let mut following = Following::new(parts, going, export, self.log);
        let followed = following.follow(signals).await;
        drivers.shutdown().await;
        let is_quit = followed? == End::Quit;
        following.done(self.out.as_deref(), is_quit).await
    }

    /// The run of this dataset that has not ended, or a new one.
    async fn take_up(&self, parts: &Parts, dataset: &Dataset) -> Result<Going, Halt> {
        let source = serde_json::to_value(&dataset.source)
            .map_err(|error| Halt::Usage(format!("a path cannot be kept: {error}")))?;
        let states = vec![RunState::Enumerating, RunState::Running, RunState::Paused];
        let open = self.runs_of(parts, &source, states).await?;
        let run = match open.into_iter().next() {
            Some(run) if run.status.state == RunState::Paused => {
                let resumed = parts.store.change_run(run.id, RunEvent::Resume).await.map_err(store)?;
                resumed.unwrap_or(run)
            }
            Some(run) => run,
            None => {
                let name = RunName::clean(&dataset.name).or_else(|| RunName::clean("run"));
                let name = name.ok_or_else(|| Halt::Usage("the dataset has no name".to_owned()))?;
                let new = NewRun::new(parts.clock.now(), name, source, vec![self.operation.clone()]);
                let mut new = new.map_err(|error| Halt::Usage(error.to_string()))?;
                new.origin = origin();
                parts.store.create_run(new).await.map_err(store)?
            }
        };
        Ok(Going::new(run.id, dataset.under.clone()))
    }

    /// Runs that this command line has made of the same source with the same operation.
    async fn runs_of(
        &self,
        parts: &Parts,
        source: &serde_json::Value,
        states: Vec<RunState>,
    ) -> Result<Vec<Run>, Halt> {
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let filter = RunFilter { states: states.clone(), ..RunFilter::default() };
            let page = parts.store.runs(filter, Page { limit: MAX_PAGE, before }).await.map_err(store)?;
            before = page.last().map(|run| run.seq);
            let full = page.len() == MAX_PAGE as usize;
            found.extend(page.into_iter().filter(|run| {
                run.origin == origin() && run.source == *source && run.operations == [self.operation.clone()]
            }));
            if !full {
                return Ok(found);
            }
        }
    }

    /// Deletes runs that these have replaced: what was remembered of them is remembered of these.
    async fn tidy(&self, parts: &Parts, summary: &Summary) -> Result<(), Halt> {
        let states = vec![RunState::Succeeded, RunState::Failed, RunState::Cancelled];
        // What could not be written is nowhere else.
        let is_forgotten = self.after == After::Forgotten && summary.unwritten == 0;
        for dataset in &self.datasets {
            let source = serde_json::to_value(&dataset.source).unwrap_or_default();
            for run in self.runs_of(parts, &source, states.clone()).await? {
                let is_new = summary.runs.contains(&run.id.to_string());
                if !is_new || is_forgotten {
                    parts.store.delete_run(run.id).await.map_err(store)?;
                }
            }
        }
        if !is_forgotten {
            return Ok(());
        }
        loop {
            let swept = parts.store.sweep().await.map_err(store)?;
            let collected = parts.blobs.collect(&*parts.store, swept.orphans).await;
            collected
                .map_err(|error| Halt::environment(error, "`darkroom doctor` checks the data folder"))?;
            if swept.deleted == 0 {
                return Ok(());
            }
        }
    }
}
