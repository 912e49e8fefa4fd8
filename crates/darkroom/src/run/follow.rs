//! Datasets of this machine, worked through as runs by this process.
//!
//! A run that was interrupted, by a signal or by a power cut, is found again by its source and its operation and goes
//! on where it was. One that has ended is done anew; what is unchanged is remembered, and the older run makes way.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::anyhow;
use darkroom_api::{Run as Shown, RunAggregate, average_face};
use darkroom_core::{
    BlobId, Operation, RunId,
    run::{NewRun, Run, RunEvent, RunName, RunState, Stop, StopKind},
    store::{ItemPage, MAX_PAGE, Page, RunFilter},
};
use darkroom_server::{Parts, runs::Drivers};
use tokio::time::{MissedTickBehavior, interval};

use super::{
    dataset::Dataset,
    export::Export,
    local::{Local, origin, store},
    summary::Summary,
};
use crate::{
    bar::{Bar, Standing},
    halt::Halt,
    settings::Settings,
    signals::Signals,
    terminal::say,
};

/// How often the runs are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How long results are written before the runs are looked at again.
const WRITING: Duration = Duration::from_millis(250);

/// Items that are read at a time.
const ITEMS: u32 = 64;

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

/// Whether the log of the classic service is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Log {
    Printed,
    Silent,
}

/// What becomes of runs that have ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// They stay, and with them what is remembered, for as long as the store keeps what has finished.
    Kept,
    /// Nothing of them stays.
    Forgotten,
}

/// What came of it.
pub(super) struct Done {
    pub(super) summary: Summary,
    /// The mean of the first run, if it gathers one.
    pub(super) mean: Option<RunAggregate>,
}

/// One run, and how far its results are written.
struct Going {
    run: RunId,
    under: PathBuf,
    after: Option<u64>,
    is_written: bool,
    remembered: u64,
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
        let mut going = Vec::with_capacity(self.datasets.len());
        for dataset in &self.datasets {
            going.push(self.take_up(parts, dataset).await?);
        }
        let export = match &self.out {
            Some(out) => Some(Export::into(parts, out, &self.operation)?),
            None => None,
        };
        let drivers = Drivers::of(parts, going.iter().map(|going| going.run));
        let bar = Bar::start();
        let mut following =
            Following { parts, going, export, bar, log: self.log, printed: 0, interrupted: false };
        let followed = following.to_the_end(signals).await;
        following.bar.end();
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
        let under = dataset.under.clone();
        Ok(Going { run: run.id, under, after: None, is_written: false, remembered: 0 })
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
            let filter = RunFilter { states: states.clone(), owner: None };
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
        for dataset in &self.datasets {
            let source = serde_json::to_value(&dataset.source).unwrap_or_default();
            for run in self.runs_of(parts, &source, states.clone()).await? {
                let is_new = summary.runs.contains(&run.id.to_string());
                if !is_new || self.after == After::Forgotten {
                    parts.store.delete_run(run.id).await.map_err(store)?;
                }
            }
        }
        if self.after == After::Kept {
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

/// Why nobody follows any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The runs have ended, or were paused for the user.
    Reached,
    /// The user does not want to wait.
    Quit,
}

struct Following<'a> {
    parts: &'a Parts,
    going: Vec<Going>,
    export: Option<Export>,
    bar: Bar,
    log: Log,
    /// Lines of the log that were printed.
    printed: usize,
    interrupted: bool,
}

impl Following<'_> {
    async fn to_the_end(&mut self, signals: &mut Signals) -> Result<End, Halt> {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = signals.next() => {
                    if std::mem::replace(&mut self.interrupted, true) {
                        return Ok(End::Quit);
                    }
                    self.bar.note("finishing what has begun; interrupt again to quit at once");
                    self.pause().await?;
                }
                _ = looks.tick() => {}
            }
            let runs = self.look().await?;
            self.write(&runs).await?;
            self.print_log(&runs, None)?;
            if self.is_over(&runs)? {
                return Ok(End::Reached);
            }
        }
    }

    async fn look(&self) -> Result<Vec<Run>, Halt> {
        let mut runs = Vec::with_capacity(self.going.len());
        for going in &self.going {
            let run = self.parts.store.run(going.run).await.map_err(store)?;
            runs.push(
                run.ok_or_else(|| {
                    Halt::environment(anyhow!("the run {} vanished", going.run), "call again")
                })?,
            );
        }
        self.bar.show(&Standing::of(&self.shown(&runs)));
        Ok(runs)
    }

    fn shown(&self, runs: &[Run]) -> Vec<Shown> {
        let now = self.parts.clock.now();
        runs.iter().map(|run| Shown::of(run, now)).collect()
    }

    async fn pause(&self) -> Result<(), Halt> {
        for going in &self.going {
            let event = RunEvent::Pause(Stop::asked("interrupted"));
            match self.parts.store.change_run(going.run, event).await {
                // One that has ended needs no pause.
                Err(darkroom_core::store::StoreError::RunRefused(_)) | Ok(_) => {}
                Err(error) => return Err(store(error)),
            }
        }
        Ok(())
    }

    /// Whether there is nothing more to wait for; what keeps a run from going on is an error.
    fn is_over(&self, runs: &[Run]) -> Result<bool, Halt> {
        if self.interrupted {
            return Ok(runs.iter().all(|run| run.tally.of(darkroom_core::job::State::Running) == 0));
        }
        if let Some(run) = runs.iter().find(|run| run.status.state == RunState::Paused) {
            return Err(stopped(run));
        }
        if !runs.iter().zip(&self.going).all(|(run, going)| run.status.state.is_final() && going.is_written) {
            return Ok(false);
        }
        match runs.iter().find(|run| run.status.state != RunState::Succeeded) {
            Some(run) => Err(stopped(run)),
            None => Ok(true),
        }
    }

    /// Writes what has ended, in the order of the sources, for as long as it is worth without a look at the runs.
    async fn write(&mut self, runs: &[Run]) -> Result<(), Halt> {
        let began = Instant::now();
        for (going, run) in self.going.iter_mut().zip(runs) {
            while !going.is_written && began.elapsed() < WRITING {
                let page = ItemPage { limit: ITEMS, after: going.after, states: Vec::new() };
                let items = self.parts.store.items(going.run, page).await.map_err(store)?;
                let ended = items.iter().take_while(|item| item.status.state.is_final()).count();
                for item in &items[..ended] {
                    going.after = Some(item.seq);
                    let cached = !item.results.is_empty() && item.results.iter().all(|result| result.cached);
                    going.remembered += u64::from(cached);
                    let Some(export) = &mut self.export else { continue };
                    if let Some(said) = export.take(item, &going.under).await? {
                        self.bar.note(&said);
                    }
                }
                if ended < ITEMS as usize {
                    going.is_written = ended == items.len() && run.status.state.is_final();
                    break;
                }
            }
        }
        Ok(())
    }

    fn print_log(&mut self, runs: &[Run], mean: Option<&RunAggregate>) -> Result<(), Halt> {
        let Some(run) = self.shown(runs).into_iter().next().filter(|_| self.log == Log::Printed) else {
            return Ok(());
        };
        // The last lines need the mean, which is asked for at the end.
        if run.state == darkroom_api::RunState::Succeeded && mean.is_none() {
            return Ok(());
        }
        let lines = average_face::log(&run, mean);
        for line in lines.iter().skip(self.printed) {
            self.bar.beside(|| say(&line.to_string()))?;
        }
        self.printed = lines.len();
        Ok(())
    }

    async fn done(mut self, out: Option<&Path>, is_quit: bool) -> Result<Done, Halt> {
        let runs = self.look().await?;
        let mean = match self.going.first() {
            Some(going) if !self.interrupted => self.mean(going.run).await?,
            _ => None,
        };
        self.print_log(&runs, mean.as_ref())?;
        if let Some(export) = self.export.take() {
            export.close(self.interrupted)?;
        }
        let mut summary = Summary {
            interrupted: self.interrupted,
            is_quit,
            results: out.map(|out| out.join(super::rows::FILE)),
            runs: self.going.iter().map(|going| going.run.to_string()).collect(),
            remembered: self.going.iter().map(|going| going.remembered).sum(),
            ..Summary::default()
        };
        for run in self.shown(&runs) {
            summary.succeeded += run.counts.succeeded;
            for (counts, more) in
                [(&mut summary.failures, run.failures), (&mut summary.passed_over, run.skipped)]
            {
                for (reason, count) in more {
                    *counts.entry(reason).or_default() += count;
                }
            }
        }
        Ok(Done { summary, mean })
    }

    async fn mean(&self, run: RunId) -> Result<Option<RunAggregate>, Halt> {
        let gathered = self.parts.store.aggregates(run).await.map_err(store)?.unwrap_or_default();
        Ok(gathered.into_iter().next().map(|aggregate| {
            let digest = BlobId::of(&aggregate.bytes).to_string();
            RunAggregate::of(aggregate, digest)
        }))
    }
}

/// Why a run does not go on, and what to do.
fn stopped(run: &Run) -> Halt {
    let (kind, message) = match &run.status.stop {
        Some(stop) => (stop.kind, stop.message.clone()),
        None => (StopKind::Asked, format!("the run was {}", run.status.state)),
    };
    let advice = match kind {
        StopKind::DiskFull => "make room on the disk; the same command goes on from here",
        StopKind::SourceUnavailable => "the same command goes on from here",
        StopKind::StorageUnavailable => {
            "`darkroom doctor` checks the data folder; the same command goes on from here"
        }
        StopKind::SourceFailed => "look at the source and its checksum",
        StopKind::TooManyFailures | StopKind::Asked => "the same command begins anew",
    };
    Halt::environment(anyhow!(message).context(run.name.to_string()), advice)
}
