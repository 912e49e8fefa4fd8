//! One attempt: what is remembered → pixels (see `draw`) → answers of models → artifacts → settlement.

use std::time::Instant;

use darkroom_core::{
    Operation,
    job::{Artifact, Caching, Job, OperationResult, Outcome, Timings},
    store::{Leased, Settled, Settlement},
};
use serde_json::{Value, json};
use tracing::Instrument;

use super::{
    Workshop,
    beside::{Known, beside},
    draw::{Drawn, draw},
    failure::Broken,
    places::Place,
    recall::recall,
    stop::{Reason, StopSign},
    work::{Content, Product, Work, products},
};
use crate::{
    blobs::{BlobError, Blobs, Pin, Stored, blocking},
    failpoint,
};

/// How an attempt ended, for the statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// With results.
    Succeeded,
    /// With an error.
    Failed,
    /// Given back, cancelled or lost.
    Otherwise,
    /// The store did not take the outcome.
    Unrecorded,
}

/// Results, and what keeps their blobs until the row that names them is recorded.
struct Made {
    results: Vec<OperationResult>,
    pins: Vec<Pin>,
    known: Known,
}

/// Executes a claimed job and settles it. It leaves its place once its image is worked through.
pub(super) async fn execute(shop: &Workshop, leased: Leased, sign: &StopSign, place: Place) -> Ended {
    let span = tracing::info_span!("attempt", job_id = %leased.job.id, attempt = leased.lease.token);
    attempt(shop, leased, sign, place).instrument(span).await
}

async fn attempt(shop: &Workshop, leased: Leased, sign: &StopSign, place: Place) -> Ended {
    let Leased { lease, job, .. } = leased;
    let began = Instant::now();
    let mut timings = Timings::default();
    let made = make(shop, &job, (sign, place), &mut timings).await;
    if sign.reason() == Some(Reason::Lost) {
        return Ended::Otherwise;
    }
    let (outcome, known, pins) = match made {
        Ok(made) => (Outcome::Succeeded(made.results), made.known, made.pins),
        Err(broken) => (failed(shop, &job, broken, sign), Known::default(), Vec::new()),
    };
    let ended = count(shop, &outcome, &timings);
    failpoint::reached("worker.before_settle");
    let beside = beside(shop, &job, &outcome, known, began.elapsed());
    let settled = shop.settler.settle(Settlement { lease, outcome, timings, beside }).await;
    drop(pins);
    match settled {
        Some(Settled::Accepted) => ended,
        Some(Settled::Stale) => {
            tracing::warn!("the outcome came too late: the lease is not ours any more");
            Ended::Otherwise
        }
        None => Ended::Unrecorded,
    }
}

/// The way from the input to durable artifacts.
async fn make(
    shop: &Workshop,
    job: &Job,
    (sign, place): (&StopSign, Place),
    timings: &mut Timings,
) -> Result<Made, Broken> {
    failpoint::reached_for("worker.execute", job.input.name.as_ref().map_or("", |name| name.as_str()));
    let work = Work::of(&job.operations, &shop.predictor)?;

    let began = Instant::now();
    let remembers = shop.remembers && job.caching == Caching::Used;
    let keys = if remembers { work.keys(job) } else { Vec::new() };
    let mut recalled = if remembers { recall(shop, job, &keys).await } else { Vec::new() };
    timings.read_us = micros(began);
    let work = work.without(&recalled);
    let done = if work.is_empty() { Vec::new() } else { do_work(shop, job, work, (sign, timings)).await? };
    drop(place);
    if job.item.is_some() {
        shop.gathering.join().await;
    }
    let mut done = done.into_iter();
    recalled.resize_with(job.operations.len(), || None);
    let products = recalled.into_iter().filter_map(|known| known.or_else(|| done.next())).collect();

    let began = Instant::now();
    let mut made = keep(&shop.blobs, &job.operations, products).await?;
    timings.write_us += micros(began);
    made.known.keys = keys;
    Ok(made)
}

/// Looks at the image and does what nobody remembers.
async fn do_work(
    shop: &Workshop,
    job: &Job,
    work: Work,
    (sign, timings): (&StopSign, &mut Timings),
) -> Result<Vec<Product>, Broken> {
    let Drawn { steps, times, held } = draw(shop, job, work, sign).await?;
    let answered = async { products(steps?).await };
    let products = tokio::select! {
        biased;
        () = sign.stopped() => Err(Broken::Stopped),
        products = answered => products,
    };
    drop(held);
    // Work that failed or was stopped has taken its time, too. Files are written while models are at it.
    let ended = Instant::now();
    let since = |began: Instant| (ended - began).saturating_sub(times.wrote).as_micros() as u64;
    timings.read_us += times.read.as_micros() as u64;
    timings.wait_us = times.waited.as_micros() as u64;
    timings.work_us = since(times.started);
    timings.write_us = times.wrote.as_micros() as u64;
    timings.infer_us = times.pace.asked.map_or(0, since);
    timings.decode_us = times.pace.spent.decode.as_micros() as u64;
    timings.encode_us = times.pace.spent.encode.as_micros() as u64;
    products
}

/// Makes all artifacts durable at once, and with them those of other jobs.
async fn keep(blobs: &Blobs, operations: &[Operation], products: Vec<Product>) -> Result<Made, Broken> {
    let (mut names, mut contents) = (Vec::new(), Vec::new());
    let mut results = Vec::with_capacity(products.len());
    let mut known = Known::default();
    for (operation, product) in operations.iter().zip(products) {
        let Product { mut document, files, model, cached } = product;
        known.models.push(model);
        let mut artifacts = Vec::with_capacity(files.len());
        for file in files {
            let name = unused_name(&file.stem, file.extension, &names);
            let bytes = file.content.bytes();
            if let Some(Value::Object(told)) = document.pointer_mut(&file.place) {
                told.insert("artifact".to_owned(), json!(name));
                told.insert("bytes".to_owned(), json!(bytes));
            }
            contents.push(file.content);
            names.push(name.clone());
            artifacts.push((name, file.media_type, bytes));
        }
        results.push((operation.name().to_owned(), document, artifacts, cached));
    }
    let mut stored = store_all(blobs, contents).await?.into_iter();
    let (count, pins) = (results.len(), Vec::with_capacity(names.len()));
    let mut made = Made { results: Vec::with_capacity(count), pins, known };
    for (operation, document, artifacts, cached) in results {
        let artifacts = artifacts.into_iter().zip(&mut stored).map(|((name, media_type, bytes), stored)| {
            made.pins.push(stored.pin);
            Artifact { name, blob: stored.id, bytes, media_type: media_type.to_owned() }
        });
        let artifacts = artifacts.collect();
        made.results.push(OperationResult { operation, document, artifacts, cached });
    }
    Ok(made)
}

/// Blobs of all contents, in their order.
async fn store_all(blobs: &Blobs, mut contents: Vec<Content>) -> Result<Vec<Stored>, BlobError> {
    if contents.iter().any(|content| matches!(content, Content::Bytes(_))) {
        let blobs = blobs.clone();
        contents =
            blocking(move || contents.into_iter().map(|content| content.written(&blobs)).collect()).await?;
    }
    let (mut written, mut stored) = (Vec::new(), Vec::with_capacity(contents.len()));
    for content in contents {
        match content {
            Content::Written(content) => {
                written.push(content);
                stored.push(None);
            }
            Content::Stored(content) => stored.push(Some(content)),
            Content::Bytes(_) => {}
        }
    }
    let mut written = blobs.make_durable(written).await?.into_iter();
    Ok(stored.into_iter().filter_map(|known| known.or_else(|| written.next())).collect())
}

/// `thumbnail.jpg`, or `thumbnail-2.jpg` if that name is taken within the job.
fn unused_name(stem: &str, extension: &str, taken: &[String]) -> String {
    let numbered = |number: usize| match number {
        // The resize service calls its results so, without an extension.
        1 if stem.ends_with(".thumbnail") => stem.to_owned(),
        1 => format!("{stem}.{extension}"),
        _ => format!("{stem}-{number}.{extension}"),
    };
    // Among one more name than are taken, one is free.
    (1..=taken.len() + 1).map(numbered).find(|name| !taken.contains(name)).unwrap_or_else(|| numbered(1))
}

/// The outcome of an attempt without results.
fn failed(shop: &Workshop, job: &Job, broken: Broken, sign: &StopSign) -> Outcome {
    match broken {
        Broken::Stopped if sign.reason() == Some(Reason::Cancelled) => Outcome::Cancelled,
        Broken::Stopped => Outcome::Interrupted,
        Broken::Permanent(failure) => Outcome::FailedPermanently(failure),
        Broken::Transient(failure) => {
            let delay = shop.retry.delay(job.status.used, &mut rand::rng());
            Outcome::FailedTransiently(failure, delay)
        }
    }
}

fn count(shop: &Workshop, outcome: &Outcome, timings: &Timings) -> Ended {
    let (end, failure, ended) = match outcome {
        Outcome::Succeeded(_) => ("succeeded", None, Ended::Succeeded),
        Outcome::FailedPermanently(failure) => ("failed", Some(failure), Ended::Failed),
        Outcome::FailedTransiently(failure, _) => ("failed_transiently", Some(failure), Ended::Failed),
        Outcome::Interrupted => ("interrupted", None, Ended::Otherwise),
        Outcome::Cancelled => ("cancelled", None, Ended::Otherwise),
    };
    if let Some(failure) = failure {
        tracing::info!(kind = failure.kind.as_str(), reason = failure.message, "attempt failed");
    }
    shop.metrics.attempt_ended(end, failure.map(|failure| failure.kind), timings);
    ended
}

fn micros(since: Instant) -> u64 {
    since.elapsed().as_micros() as u64
}

#[cfg(test)]
mod tests {
    use super::unused_name;

    #[test]
    fn artifact_names_are_unique_within_a_job() {
        let mut taken = Vec::new();
        for _ in 0..3 {
            taken.push(unused_name("thumbnail", "jpg", &taken));
        }
        assert_eq!(taken, ["thumbnail.jpg", "thumbnail-2.jpg", "thumbnail-3.jpg"]);
        assert_eq!(unused_name("thumbnail", "png", &taken), "thumbnail.png");
    }
}
