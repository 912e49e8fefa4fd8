//! What came of a call, for people and for machines.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, time::Duration};

use darkroom_api::Run;
use serde_json::{Value, json};

use crate::{
    bar::reasons,
    halt::Halt,
    terminal::{say, tell},
};

/// Some images failed, or are missing because an archive is not whole.
const SOME_FAILED: u8 = 1;

/// What a shell expects of a process that was interrupted.
pub(super) const INTERRUPTED: u8 = 130;

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Images with a result.
    pub(super) succeeded: u64,
    /// Those of them that needed no work: an earlier call has given the same.
    pub(super) remembered: u64,
    /// Why images failed.
    pub(super) failures: BTreeMap<String, u64>,
    /// Images that were worked through and whose results are not where they were to go; they count as failed.
    pub(super) unwritten: u64,
    /// What was no image, by reason.
    pub(super) passed_over: BTreeMap<String, u64>,
    /// What is wrong with archives that are not whole.
    pub(super) damage: Vec<String>,
    /// Whether the user has interrupted it before the end.
    pub(super) interrupted: bool,
    /// Whether they do not even want to wait for what has begun.
    pub(super) is_quit: bool,
    /// Where the rows are, if they were asked for.
    pub(super) results: Option<PathBuf>,
    /// The runs that it was done by.
    pub(super) runs: Vec<String>,
}

impl Summary {
    /// Says it, after this time; `more` is what else there is for machines. Gives the exit code.
    pub(super) fn report(&self, took: Duration, json: Option<Value>) -> Result<ExitCode, Halt> {
        match json {
            Some(more) => say(&self.as_json(took, more).to_string())?,
            None => self.tell(took)?,
        };
        let failed: u64 = self.failures.values().sum();
        if self.interrupted {
            tell("interrupted: the same command goes on from here");
            return Ok(ExitCode::from(INTERRUPTED));
        }
        let is_whole = self.damage.is_empty();
        if self.succeeded + failed == 0 && is_whole {
            return Err(Halt::Usage(self.nothing()));
        }
        Ok(if failed > 0 || !is_whole { ExitCode::from(SOME_FAILED) } else { ExitCode::SUCCESS })
    }

    /// Adds what became of a run.
    pub(super) fn add(&mut self, run: &Run) {
        self.succeeded += run.counts.succeeded;
        self.remembered += run.cached;
        for (counts, more) in [(&mut self.failures, &run.failures), (&mut self.passed_over, &run.skipped)] {
            for (reason, count) in more {
                *counts.entry(reason.clone()).or_default() += count;
            }
        }
        self.damage.extend(run.damage.clone());
        self.runs.push(run.id.clone());
    }

    /// Has images count as failed whose results could not be written, by reason.
    pub(super) fn take_back(&mut self, unwritten: BTreeMap<String, u64>) {
        for (reason, count) in unwritten {
            self.unwritten += count;
            self.succeeded = self.succeeded.saturating_sub(count);
            self.remembered = self.remembered.min(self.succeeded);
            *self.failures.entry(reason).or_default() += count;
        }
    }

    /// That there is no image, and what was there instead.
    fn nothing(&self) -> String {
        let count: u64 = self.passed_over.values().sum();
        let nothing = "there is no image in the given sources";
        if count == 0 {
            return nothing.to_owned();
        }
        format!("{nothing}: {count} passed over ({})", reasons(&self.passed_over))
    }

    fn as_json(&self, took: Duration, more: Value) -> Value {
        let mut document = json!({
            "succeeded": self.succeeded, "remembered": self.remembered,
            "failed": self.failures.values().sum::<u64>(), "failures": self.failures,
            "passed_over": self.passed_over, "damage": self.damage, "interrupted": self.interrupted,
            "seconds": took.as_secs_f64(), "results": self.results, "runs": self.runs,
        });
        if let (Value::Object(document), Value::Object(more)) = (&mut document, more) {
            document.extend(more);
        }
        document
    }

    fn tell(&self, took: Duration) -> Result<ExitCode, Halt> {
        let seconds = took.as_secs_f64();
        let rate = self.succeeded as f64 / seconds.max(1e-9);
        let place = self.results.as_ref().map(|results| format!(", results in {}", results.display()));
        say(&format!(
            "{} images in {seconds:.1} s ({rate:.1}/s){}",
            self.succeeded,
            place.unwrap_or_default()
        ))?;
        if self.remembered > 0 {
            say(&format!("{} of {} were remembered", self.remembered, self.succeeded))?;
        }
        if !self.failures.is_empty() {
            let failed: u64 = self.failures.values().sum();
            let why = if self.results.is_some() { "; their rows say why" } else { "" };
            tell(&format!("{failed} failed ({}){why}", reasons(&self.failures)));
        }
        if !self.passed_over.is_empty() {
            let count: u64 = self.passed_over.values().sum();
            tell(&format!("{count} passed over ({})", reasons(&self.passed_over)));
        }
        for damage in &self.damage {
            tell(&format!("warning: {damage}; images may be missing or damaged"));
        }
        Ok(ExitCode::SUCCESS)
    }
}
