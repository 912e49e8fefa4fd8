//! The report of a run: gathered from the store, with some of its images made small.
//!
//! Whatever the run, few things are read: its own row, its aggregates, the first failures, and a bounded number of
//! images from all over it.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Response},
};
use darkroom_core::{
    Operation,
    job::{Input, Job, OperationResult, State as JobState},
    operation::{OutputFormat, Thumbnail},
    run::{Aggregate, Run, Value},
    store::ItemPage,
};
use darkroom_imaging::Guard;
use serde_json::Value as Json;
use tokio::time::Instant;

use super::{Http, caller::Caller, disposition::Disposition, failure::Failure};
use crate::results::{Report, Sample, Slice, report_policy};

/// Images that are shown.
const SAMPLES: u64 = 24;

/// The longer side of an image that is shown, in pixels.
const SIDE: u32 = 180;

/// After so long no more images are made small.
const SAMPLING: Duration = Duration::from_secs(10);

/// Failures that are listed.
const FAILURES: u32 = 100;

/// Points of the pace.
const POINTS: u32 = 200;

/// The page.
pub(super) async fn show(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let _permit = http.stream_permit()?;
    let run = http.run_of(&caller, &id).await?;
    let name = format!("{}.report.html", run.name);
    let page = gather(&http, run).await?.html();
    let mut response = Html(page).into_response();
    let headers = response.headers_mut();
    // Framed by nobody else, and without rights: what is in it came from strangers.
    let policy = format!("{}; frame-ancestors 'self'; sandbox", report_policy());
    let policy = HeaderValue::try_from(policy)
        .map_err(|error| Failure::caused(darkroom_api::Code::Internal, error))?;
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_DISPOSITION, Disposition::Inline.header(&name));
    Ok(response)
}

async fn gather(http: &Http, run: Run) -> Result<Report, Failure> {
    let aggregates = http.store.aggregates(run.id).await?.unwrap_or_default();
    let begun = run.started_at.unwrap_or(run.created_at);
    let pace = http.store.pace(run.id, POINTS).await?;
    let pace = pace.into_iter().map(|(at, count)| (at.since(begun).as_secs_f64(), count)).collect();
    let first = ItemPage { limit: FAILURES, after: None, states: vec![JobState::Failed] };
    let failed = http.store.items(run.id, first).await?;
    let tally = &run.tally;
    let slices = |counts: Vec<(&str, u64)>| -> Vec<Slice> {
        counts.into_iter().map(|(label, count)| Slice { label: label.to_owned(), count }).collect()
    };
    Ok(Report {
        title: run.name.to_string(),
        source: source(&run.source),
        operations: run.operations.iter().map(operation).collect(),
        notes: notes(&run),
        succeeded: tally.of(JobState::Succeeded),
        failed: tally.failed(),
        cancelled: tally.of(JobState::Cancelled),
        open: tally.open(),
        bytes: tally.bytes,
        seconds: run.worked(http.now()).as_secs_f64(),
        failures: slices(tally.failures.iter().map(|(kind, count)| (kind.as_str(), *count)).collect()),
        passed: slices(tally.skipped.iter().map(|(reason, count)| (reason.as_str(), *count)).collect()),
        classes: aggregates.iter().filter_map(classes).collect(),
        mean: aggregates.iter().find_map(mean),
        pace,
        samples: samples(http, &run).await?,
        failed_items: failed.iter().filter_map(failure).collect(),
        facts: facts(&run),
    })
}

/// Where the images come from, in a line.
fn source(source: &Json) -> String {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    match source["kind"].as_str() {
        Some("folder") => text(&source["path"]),
        Some("urls") => format!("{} addresses", source["urls"].as_array().map_or(0, Vec::len)),
        Some("prefix") => format!("stored images {}…", text(&source["prefix"])),
        Some("archive") => match &source["at"] {
            at if at.get("blob").is_some() => format!("uploaded archive, SHA-256 {}", text(&at["blob"])),
            at => text(at.get("url").or_else(|| at.get("file")).unwrap_or(&Json::Null)),
        },
        _ => String::new(),
    }
}

fn operation(operation: &Operation) -> String {
    let written = serde_json::to_value(operation).unwrap_or_default();
    match written["model"].as_str() {
        Some(model) => format!("{} ({model})", operation.name()),
        None => operation.name().to_owned(),
    }
}

fn notes(run: &Run) -> Vec<String> {
    let damage = run.damage.iter().map(|damage| format!("The archive is not whole: {damage}."));
    let stop =
        run.status.stop.iter().map(|stop| format!("This run is {}: {}.", run.status.state, stop.message));
    let growing = run.status.source == darkroom_core::run::SourceState::Growing;
    let more = growing.then(|| "More images may come: the source has not been read to its end.".to_owned());
    damage.chain(stop).chain(more).collect()
}

fn facts(run: &Run) -> Vec<(String, String)> {
    let time = |at: darkroom_core::Timestamp| darkroom_api::Time::from(at).to_string();
    let fact = |name: &str, fact: String| (name.to_owned(), fact);
    let mut facts = vec![
        fact("Run", run.id.to_string()),
        fact("State", run.status.state.to_string()),
        fact("Owner", run.owner.to_string()),
        fact("Made", time(run.created_at)),
    ];
    facts.extend(run.started_at.map(|at| fact("Begun", time(at))));
    facts.extend(run.finished_at.map(|at| fact("Ended", time(at))));
    facts.push(fact("Remembered", format!("{} images needed no work", run.tally.cached)));
    facts.push(fact("Version", env!("CARGO_PKG_VERSION").to_owned()));
    facts
}

fn classes(aggregate: &Aggregate) -> Option<(String, Vec<Slice>)> {
    let Value::Counts { counts, .. } = &aggregate.value else { return None };
    let slices = counts.iter().map(|(label, count)| Slice { label: label.clone(), count: *count });
    Some((format!("{} of each image", aggregate.spec.pointer), slices.collect()))
}

fn mean(aggregate: &Aggregate) -> Option<(u64, Vec<f64>)> {
    match &aggregate.value {
        Value::Mean { mean, .. } => Some((aggregate.counted, mean.clone())),
        _ => None,
    }
}

fn failure(job: &Job) -> Option<(String, String, String)> {
    let failure = job.failure.as_ref()?;
    Some((job.item.as_ref()?.key.to_string(), failure.kind.as_str().to_owned(), failure.message.clone()))
}

/// Images from all over the run, made small, each with what was found.
async fn samples(http: &Http, run: &Run) -> Result<Vec<Sample>, Failure> {
    let until = Instant::now() + SAMPLING;
    let mut samples = Vec::new();
    for job in spread(http, run).await? {
        let Some(key) = job.item.as_ref().map(|item| item.key.to_string()) else { continue };
        let small = tokio::time::timeout_at(until, small(http, job.input.clone())).await;
        match small {
            Ok(Some(image)) => samples.push(Sample { path: key, caption: caption(&job.results), image }),
            Ok(None) => {}
            Err(_) => break,
        }
    }
    Ok(samples)
}

/// Items with results, about as far from each other as there are items between. The numbers of the items of a run
/// ascend, so that what lies behind the first one and a part of their count is a later item of it.
async fn spread(http: &Http, run: &Run) -> Result<Vec<Job>, Failure> {
    let (mut found, mut first): (Vec<Job>, Option<u64>) = (Vec::new(), None);
    for number in 0..SAMPLES {
        let ahead = first.map(|first| first + number * run.tally.total() / SAMPLES);
        let after = found.last().map(|last| last.seq).max(ahead.map(|seq| seq - 1));
        let page = ItemPage { limit: 1, after, states: vec![JobState::Succeeded] };
        let Some(job) = http.store.items(run.id, page).await?.pop() else { break };
        first.get_or_insert(job.seq);
        found.push(job);
    }
    Ok(found)
}

/// The image as a small JPEG; `None` if it cannot be made.
async fn small(http: &Http, input: Input) -> Option<Vec<u8>> {
    let permit = http.pixel_permit().await.ok()?;
    let blobs = http.blobs.clone();
    let limits = http.limits.clone();
    let work = move || {
        // Kept to the end of the work, also when nobody waits for it any more.
        let _permit = permit;
        let guard = Guard::new(limits.decode_time, Arc::default());
        let thumbnail = Thumbnail { format: OutputFormat::Jpeg, ..Thumbnail::fit(SIDE, SIDE) };
        let held = blobs.input(&input).ok()?;
        darkroom_imaging::render(&held.source, &[thumbnail], &limits, &guard).ok()?.pop()
    };
    tokio::task::spawn_blocking(work).await.ok()?.map(|rendition| rendition.bytes)
}

/// What was found on an image, in a few words.
fn caption(results: &[OperationResult]) -> String {
    let words: Vec<String> = results.iter().filter_map(found).collect();
    words.join(" \u{b7} ")
}

fn found(result: &OperationResult) -> Option<String> {
    let document = &result.document;
    let percent =
        |score: &Json| score.as_f64().map(|score| format!(" {:.0} %", score * 100.0)).unwrap_or_default();
    match result.operation.as_str() {
        "classify" => {
            let first = &document["labels"][0];
            Some(format!("{}{}", first["label"].as_str()?, percent(&first["score"])))
        }
        "digit" => Some(format!("{}{}", document["digit"], percent(&document["score"]))),
        "faces" => match document["count"].as_u64()? {
            1 => Some("1 face".to_owned()),
            count => Some(format!("{count} faces")),
        },
        "thumbnail" => Some(format!("{} \u{d7} {}", document["width"], document["height"])),
        _ => None,
    }
}
