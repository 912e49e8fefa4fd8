//! Runs in words.

use darkroom_api::{Run, RunPage};
use indicatif::{BinaryBytes, HumanCount};
use serde::Serialize;

use crate::bar::reasons;

/// A word of the API as it is on the wire.
fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// One line a run.
pub(super) fn table(page: &RunPage) -> String {
    let mut lines = vec![format!(
        "{:<38}{:<13}{:>11}{:>11}{:>9}  {}",
        "RUN", "STATE", "IMAGES", "DONE", "FAILED", "NAME"
    )];
    for run in &page.runs {
        lines.push(format!(
            "{:<38}{:<13}{:>11}{:>11}{:>9}  {}",
            run.id,
            word(&run.state),
            HumanCount(run.total).to_string(),
            HumanCount(run.counts.succeeded).to_string(),
            HumanCount(run.counts.failed).to_string(),
            run.name
        ));
    }
    lines.extend(page.next_cursor.iter().map(|cursor| format!("more: --cursor {cursor}")));
    lines.join("\n")
}

/// Everything about one run that people ask for.
pub(super) fn one(run: &Run) -> String {
    let operations: Vec<&str> = run.operations.iter().map(darkroom_core::Operation::name).collect();
    let more = if run.complete { "" } else { ", more are coming in" };
    let mut lines = vec![
        format!("run        {}", run.id),
        format!("name       {}", run.name),
        format!("state      {}", word(&run.state)),
    ];
    lines.extend(run.stop.iter().map(|stop| format!("why        {} ({})", stop.message, stop.kind)));
    lines.push(format!("operations {}", operations.join(", ")));
    lines.push(format!("made       {} by {}", run.created_at, run.owner));
    lines.extend(run.finished_at.iter().map(|at| format!("finished   {at}")));
    lines.push(format!("images     {} of {}{more}", HumanCount(run.total), BinaryBytes(run.bytes)));
    let counts = &run.counts;
    let states = [
        ("scheduled", counts.scheduled),
        ("queued", counts.queued),
        ("held", counts.held),
        ("running", counts.running),
        ("succeeded", counts.succeeded),
        ("failed", counts.failed),
        ("cancelled", counts.cancelled),
    ];
    for (state, count) in states.into_iter().filter(|(_, count)| *count > 0) {
        lines.push(format!("  {state:<9}{:>12}", HumanCount(count).to_string()));
    }
    if run.cached > 0 {
        lines.push(format!("remembered {} of {}", HumanCount(run.cached), HumanCount(run.total)));
    }
    lines.extend(run.damage.iter().map(|damage| format!("damage     {damage}")));
    if !run.failures.is_empty() {
        lines.push(format!("failures   {}", reasons(&run.failures)));
    }
    if !run.skipped.is_empty() {
        lines.push(format!("passed     {}", reasons(&run.skipped)));
    }
    lines.extend(run.rate.iter().map(|rate| format!("rate       {rate:.1} images a second")));
    lines.extend(run.time_left.iter().map(|left| format!("time left  {left:.0} s")));
    lines.join("\n")
}
