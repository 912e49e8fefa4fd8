//! Images of this machine, worked on by a server: one loop that feeds it a bounded number at a time.
//!
//! What has a row that still holds is passed over, so that the same call made again goes on where it stopped.

use std::path::PathBuf;

use darkroom_core::Operation;
use tokio::task::JoinSet;

use super::{
    finished::Finished,
    progress::Progress,
    remote::Remote,
    rows::{Row, Rows},
    sources::{self, Found, Typed},
    summary::Summary,
};
use crate::{halt::Halt, signals::Signals};

/// Why a file is passed over.
const NOT_AN_IMAGE: &str = "not_an_image";

/// What is to be done.
pub(super) struct Feed {
    pub(super) sources: Vec<Typed>,
    pub(super) out: PathBuf,
    pub(super) operation: Operation,
    pub(super) remote: Remote,
}

impl Feed {
    /// Works through the sources until there are no more images or the user interrupts.
    pub(super) async fn through(self) -> Result<Summary, Halt> {
        let mut signals = Signals::take()?;
        let progress = Progress::start(sources::count_beside(&self.sources));
        let rows = Rows::open(&self.out, &self.operation)?;
        let mut feeding = Feeding { feed: self, rows, progress, summary: Summary::default() };
        let fed = feeding.feed(&mut signals).await;
        feeding.progress.end();
        fed?;
        let Feeding { rows, mut summary, feed, .. } = feeding;
        summary.results = Some(feed.out.join(super::rows::FILE));
        rows.close(summary.interrupted)?;
        Ok(summary)
    }
}

struct Feeding {
    feed: Feed,
    rows: Rows,
    progress: Progress,
    summary: Summary,
}

impl Feeding {
    async fn feed(&mut self, signals: &mut Signals) -> Result<(), Halt> {
        let mut found = sources::walk(&self.feed.sources);
        let mut working: JoinSet<Result<Finished, Halt>> = JoinSet::new();
        let remote = self.feed.remote.clone();
        let mut more = true;
        while !working.is_empty() || (more && !self.summary.interrupted) {
            let room = more && !self.summary.interrupted && working.len() < Remote::width();
            tokio::select! {
                // Nothing is lost by quitting: what has no row yet is done again.
                () = signals.next() => {
                    if std::mem::replace(&mut self.summary.interrupted, true) {
                        return Ok(());
                    }
                    self.progress.note("finishing what has begun; interrupt again to quit at once");
                }
                Some(done) = working.join_next() => {
                    let finished = done.map_err(|error| Halt::environment(error, "please report this"))??;
                    self.finished(&finished)?;
                }
                next = found.recv(), if room => match next {
                    Some(Found::Image(image)) if self.rows.hold(&image, &self.feed.out) => {
                        self.summary.succeeded += 1;
                        self.summary.remembered += 1;
                        self.progress.skipped();
                    }
                    Some(Found::Image(image)) => {
                        let (remote, operation) = (remote.clone(), self.feed.operation.clone());
                        let out = self.feed.out.clone();
                        working.spawn(async move { remote.process(image, operation, &out).await });
                    }
                    Some(Found::Ignored) => {
                        *self.summary.passed_over.entry(NOT_AN_IMAGE.to_owned()).or_default() += 1;
                        self.progress.skipped();
                    }
                    Some(Found::Unreadable(path, error)) => self.finished(&Finished::unreadable(path, &error))?,
                    None => more = false,
                },
            }
        }
        Ok(())
    }

    fn finished(&mut self, finished: &Finished) -> Result<(), Halt> {
        let row = Row::of(finished);
        match &finished.end {
            Ok(made) => {
                self.summary.succeeded += 1;
                self.summary.remembered += u64::from(made.cached);
            }
            Err(failed) => {
                *self.summary.failures.entry(failed.kind.clone()).or_default() += 1;
                self.progress.note(&format!("{}: {}", row.source, failed.message));
            }
        }
        self.progress.done();
        self.rows.add(&row)
    }
}
