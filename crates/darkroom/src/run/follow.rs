//! Following runs of this process to their end: the bar, the rows and files of what has ended, the classic log.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::anyhow;
use darkroom_api::{Run as Shown, RunAggregate};
use darkroom_core::{
    BlobId, RunId,
    job::{Job, State},
    run::{Run, RunEvent, RunState, Stop, StopKind},
    store::{ItemPage, StoreError},
};
use darkroom_server::Parts;
use tokio::time::{MissedTickBehavior, interval};

use super::{
    export::Export,
    local::store,
    log::{Log, Logging},
    summary::Summary,
};
use crate::{
    bar::{Bar, Standing},
    halt::Halt,
    signals::Signals,
};

/// How often the runs are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How often results are written, and how long before the runs are looked at again.
const WRITING: Duration = Duration::from_millis(250);

/// Items that are read at a time.
const ITEMS: u32 = 256;

/// What came of it.
pub(super) struct Done {
    pub(super) summary: Summary,
    /// The mean of the first run, if it gathers one.
    pub(super) mean: Option<RunAggregate>,
}

/// One run, and how far its results are written.
pub(super) struct Going {
    pub(super) run: RunId,
    under: PathBuf,
    after: Option<u64>,
    /// Whether all that had ended was written the last time.
    is_caught_up: bool,
    /// Whether all there will ever be is written.
    is_written: bool,
}

impl Going {
    pub(super) fn new(run: RunId, under: PathBuf) -> Self {
        Self { run, under, after: None, is_caught_up: false, is_written: false }
    }
}

/// Why nobody follows any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The runs have ended, or were paused for the user.
    Reached,
    /// The user does not want to wait.
    Quit,
}

/// The runs of one call.
pub(super) struct Following<'a> {
    parts: &'a Parts,
    going: Vec<Going>,
    export: Option<Export>,
    bar: Bar,
    log: Logging,
    interrupted: bool,
}

impl<'a> Following<'a> {
    pub(super) fn new(parts: &'a Parts, going: Vec<Going>, export: Option<Export>, log: Log) -> Self {
        Self { parts, going, export, bar: Bar::start(), log: Logging::new(log), interrupted: false }
    }

    /// Follows until all is written, or until nothing is at work any more once the user has interrupted.
    pub(super) async fn follow(&mut self, signals: &mut Signals) -> Result<End, Halt> {
        let end = self.until_over(signals).await;
        self.bar.end();
        if end.is_err()
            && let Some(export) = self.export.take()
        {
            // Why it is over is said; the rows stay for the next call.
            let _ = export.close(true);
        }
        end
    }

    async fn until_over(&mut self, signals: &mut Signals) -> Result<End, Halt> {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut written = Instant::now();
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
            // Many at a time are written in fewer waits for the disk; what stops is written whole.
            let stops = runs.iter().all(|run| run.status.state.is_final())
                || runs.iter().any(|run| run.status.state == RunState::Paused);
            if written.elapsed() >= WRITING || stops || self.interrupted {
                self.write(&runs).await?;
                written = Instant::now();
            }
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
                Err(StoreError::RunRefused(_)) | Ok(_) => {}
                Err(error) => return Err(store(error)),
            }
        }
        Ok(())
    }

    /// Whether there is nothing more to wait for; what keeps a run from going on is an error.
    fn is_over(&self, runs: &[Run]) -> Result<bool, Halt> {
        let caught_up = self.going.iter().all(|going| going.is_caught_up);
        if self.interrupted {
            return Ok(caught_up && runs.iter().all(|run| run.tally.of(State::Running) == 0));
        }
        if let Some(run) = runs.iter().find(|run| run.status.state == RunState::Paused).filter(|_| caught_up)
        {
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
        let Some(export) = &mut self.export else {
            for (going, run) in self.going.iter_mut().zip(runs) {
                (going.is_caught_up, going.is_written) = (true, run.status.state.is_final());
            }
            return Ok(());
        };
        for (going, run) in self.going.iter_mut().zip(runs) {
            // What waits in a run whose source has failed never ends, and in one that is paused not now.
            let (is_final, rests) = (run.status.state.is_final(), run.tally.of(State::Running) == 0);
            let is_over = rests && (is_final || run.status.state == RunState::Paused);
            going.is_caught_up = going.is_written;
            while !going.is_written && began.elapsed() < WRITING {
                let page = ItemPage { limit: ITEMS, after: going.after, states: Vec::new() };
                let items = self.parts.store.items(going.run, page).await.map_err(store)?;
                let counts = |item: &&Job| is_over || item.status.state.is_final();
                let ended = items.iter().take_while(counts).count();
                for said in export.take(&items[..ended], &going.under).await? {
                    self.bar.note(&said);
                }
                going.after = items[..ended].last().map_or(going.after, |item| Some(item.seq));
                if ended < ITEMS as usize {
                    (going.is_caught_up, going.is_written) =
                        (true, ended == items.len() && is_over && is_final);
                    break;
                }
            }
        }
        Ok(())
    }

    fn print_log(&mut self, runs: &[Run], mean: Option<&RunAggregate>) -> Result<(), Halt> {
        match self.shown(runs).first() {
            Some(run) => self.log.print(run, mean, &self.bar),
            None => Ok(()),
        }
    }

    /// What it came to.
    pub(super) async fn done(mut self, out: Option<&Path>, is_quit: bool) -> Result<Done, Halt> {
        let runs = self.look().await?;
        let mean = match self.going.first() {
            Some(going) if !self.interrupted => self.mean(going.run).await?,
            _ => None,
        };
        self.print_log(&runs, mean.as_ref())?;
        let unwritten = match self.export.take() {
            Some(export) => export.close(self.interrupted)?,
            None => BTreeMap::new(),
        };
        let mut summary = Summary {
            interrupted: self.interrupted,
            is_quit,
            results: out.map(|out| out.join(super::rows::FILE)),
            ..Summary::default()
        };
        for run in self.shown(&runs) {
            summary.add(&run);
        }
        summary.take_back(unwritten);
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
        StopKind::SourceFailed => {
            "look at the address or file, and at its checksum; the same command begins anew"
        }
        StopKind::TooManyFailures | StopKind::Asked => "the same command begins anew",
    };
    Halt::environment(anyhow!(message).context(run.name.to_string()), advice)
}
