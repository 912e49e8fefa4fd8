//! `darkroom run`: files and folders through an operation, results into a folder that mirrors them.
//!
//! One loop feeds a bounded number of images at a time to the place where the work is done (`place`), and writes a
//! row an image into `results.jsonl` (`rows`). What has a row that still holds is skipped, so that the same call
//! made again goes on where it stopped.

mod asked;
mod embedded;
mod place;
mod progress;
mod remote;
mod rows;
mod sources;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use darkroom_core::Operation;
use serde_json::json;
use tokio::task::JoinSet;

pub(crate) use asked::RunCommand;

use crate::{
    halt::Halt,
    serve::runtime,
    settings::Settings,
    signals::Signals,
    terminal::{say, tell},
};
use place::{Finished, Place};
use progress::Progress;
use rows::{Row, Rows};
use sources::{Found, Source};

/// Some images failed.
const SOME_FAILED: u8 = 1;

/// What a shell expects of a process that was interrupted.
const INTERRUPTED: u8 = 130;

/// Works through the sources. Exit code 1 if images failed, 130 if interrupted before the end.
pub(crate) fn run(command: RunCommand, settings: Settings, json: bool) -> Result<ExitCode, Halt> {
    darkroom_server::telemetry::install(&quiet(&settings));
    let (operation, args) = command.split()?;
    let sources = sources::parse(&args.sources).map_err(Halt::Usage)?;
    let out = args.out.clone();
    make_folder(&out)?;
    let runtime = runtime()?;
    let code = runtime.block_on(async move {
        let place = Place::choose(args.server.as_deref(), &settings).await?;
        let work =
            Work { rows: Rows::open(&out, &operation)?, sources, out, operation, place: Arc::new(place) };
        work.through(json).await
    });
    runtime.shutdown_background();
    code
}

/// Warnings would tear the progress bar and are in the rows anyway.
fn quiet(settings: &Settings) -> darkroom_server::telemetry::Config {
    let mut config = settings.service.log.clone();
    if config.filter == "info" {
        "error".clone_into(&mut config.filter);
    }
    config
}

fn make_folder(out: &Path) -> Result<(), Halt> {
    fs::create_dir_all(out).map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("cannot make {}", out.display()));
        Halt::environment(error, "name a folder that can be written to with --out")
    })
}

struct Work {
    sources: Vec<Source>,
    out: PathBuf,
    operation: Operation,
    place: Arc<Place>,
    rows: Rows,
}

/// What has happened so far.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    succeeded: u64,
    failed: u64,
    skipped: u64,
    ignored: u64,
    /// Among those that succeeded.
    cached: u64,
}

impl Work {
    async fn through(mut self, json: bool) -> Result<ExitCode, Halt> {
        let began = Instant::now();
        let mut signals = Signals::take()?;
        let progress = Progress::start(sources::count_beside(&self.sources));
        let mut tally = Tally::default();
        let fed = self.feed(&mut signals, &progress, &mut tally).await;
        progress.end();
        let interrupted = fed?;
        self.place.leave().await;
        self.rows.close(interrupted)?;
        report(tally, began, &self.out, Ending { interrupted, json })
    }

    /// Feeds images until there are no more or the user interrupts; whether they did.
    async fn feed(
        &mut self,
        signals: &mut Signals,
        progress: &Progress,
        tally: &mut Tally,
    ) -> Result<bool, Halt> {
        let mut found = sources::walk(&self.sources);
        let mut working: JoinSet<Result<Finished, Halt>> = JoinSet::new();
        let (mut interrupted, mut more) = (false, true);
        while !working.is_empty() || (more && !interrupted) {
            let room = more && !interrupted && working.len() < self.place.width();
            tokio::select! {
                // Nothing is lost by quitting: what has no row yet is done again.
                () = signals.next() => {
                    if std::mem::replace(&mut interrupted, true) {
                        return Ok(true);
                    }
                    progress.note("finishing what has begun; interrupt again to quit at once");
                }
                Some(done) = working.join_next() => {
                    let finished = done.map_err(|error| Halt::environment(error, "please report this"))??;
                    self.finished(&finished, progress, tally)?;
                }
                next = found.recv(), if room => match next {
                    Some(Found::Image(image)) if self.rows.hold(&image, &self.out) => {
                        tally.skipped += 1;
                        progress.skipped();
                    }
                    Some(Found::Image(image)) => {
                        let (place, operation, out) = (Arc::clone(&self.place), self.operation.clone(), self.out.clone());
                        working.spawn(async move { place.process(image, operation, &out).await });
                    }
                    Some(Found::Ignored) => {
                        tally.ignored += 1;
                        progress.skipped();
                    }
                    Some(Found::Unreadable(path, error)) => {
                        self.finished(&Finished::unreadable(path, &error), progress, tally)?;
                    }
                    None => more = false,
                },
            }
        }
        Ok(interrupted)
    }

    fn finished(&mut self, finished: &Finished, progress: &Progress, tally: &mut Tally) -> Result<(), Halt> {
        let row = Row::of(finished);
        match &row.failure {
            None => {
                tally.succeeded += 1;
                tally.cached += u64::from(finished.end.as_ref().is_ok_and(|made| made.cached));
            }
            Some(failure) => {
                tally.failed += 1;
                progress.note(&format!("{}: {}", row.source, failure.message));
            }
        }
        progress.done();
        self.rows.add(&row)
    }
}

#[derive(Debug, Clone, Copy)]
struct Ending {
    interrupted: bool,
    json: bool,
}

fn report(tally: Tally, began: Instant, out: &Path, ending: Ending) -> Result<ExitCode, Halt> {
    let seconds = began.elapsed().as_secs_f64();
    let rate = tally.succeeded as f64 / seconds.max(1e-9);
    let results = out.join(rows::FILE);
    if ending.json {
        say(&json!({
            "succeeded": tally.succeeded, "failed": tally.failed, "skipped": tally.skipped,
            "ignored": tally.ignored, "cached": tally.cached, "interrupted": ending.interrupted,
            "seconds": seconds, "results": results,
        })
        .to_string())?;
    } else {
        say(&format!(
            "{} images in {seconds:.1} s ({rate:.1}/s), results in {}",
            tally.succeeded,
            results.display()
        ))?;
        let notes = [
            (tally.failed, "failed; their rows say why"),
            (tally.skipped, "skipped: done before, and unchanged since"),
            (tally.ignored, "other files left alone"),
            (tally.cached, "from the cache: an earlier job has given the same"),
        ];
        for (count, what) in notes.into_iter().filter(|(count, _)| *count > 0) {
            tell(&format!("{count} {what}"));
        }
    }
    if ending.interrupted {
        tell("interrupted: the same command goes on from here");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if tally.succeeded + tally.failed + tally.skipped == 0 {
        return Err(Halt::Usage("there is no image in the given sources".to_owned()));
    }
    Ok(if tally.failed > 0 { ExitCode::from(SOME_FAILED) } else { ExitCode::SUCCESS })
}
