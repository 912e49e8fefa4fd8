//! What the server counts: now, and in the past.

use std::{num::NonZero, thread, time::Duration};

use axum::{
    Json,
    extract::{Request, State},
};
use darkroom_api::{History, HistoryPoint, Latency, RATE_MINUTES, Span, Stats, SystemStats};
use darkroom_core::{
    Latencies,
    store::{MINUTE, Period, StoreError},
};

use super::{Http, failure::Failure, query::Query};
use crate::host;

/// Counts, rates and what of the machine is used.
pub(super) async fn stats(State(http): State<Http>) -> Result<Json<Stats>, Failure> {
    Ok(Json(gathered(&http).await?))
}

/// What happened lately, step by step.
pub(super) async fn history(State(http): State<Http>, request: Request) -> Result<Json<History>, Failure> {
    let mut query = Query::of(request.uri())?;
    let span = query.parse::<Span>("span")?.unwrap_or(Span::Hour);
    query.finish()?;
    let (step_seconds, count) = span.steps();
    let step = Duration::from_secs(step_seconds.into());
    let until = http.now().floor(step) + step;
    let first = until - step * count as u32;
    let minutes = http.store.history(first, until).await?;
    let steps = Period::steps(&minutes, first, (step, count));
    Ok(Json(History { span, step_seconds, points: steps.iter().map(HistoryPoint::from).collect() }))
}

/// The answer to `/v1/stats`.
pub(super) async fn gathered(http: &Http) -> Result<Stats, StoreError> {
    let now = http.now();
    let until = now.floor(MINUTE) + MINUTE;
    let from = until - MINUTE * RATE_MINUTES as u32;
    let (counts, minutes, system) =
        tokio::join!(http.store.counts(), http.store.history(from, until), system(http));
    let mut latencies = Latencies::default();
    for minute in minutes? {
        latencies.merge(&minute.latencies);
    }
    Ok(Stats::at(now, &counts?, (Latency::from(&latencies), system)))
}

/// What of the machine is used. Files are asked, so it is done where it may block.
async fn system(http: &Http) -> SystemStats {
    let (blobs, models) = (http.blobs.clone(), http.predictor.models().clone());
    let started_at = http.started_at.into();
    let measured = tokio::task::spawn_blocking(move || {
        let room = blobs.room();
        let loaded = models
            .list()
            .into_iter()
            .filter_map(|listed| listed.model.ok())
            .filter(|model| model.is_loaded());
        SystemStats {
            disk_free_bytes: room.map(|room| room.free),
            disk_total_bytes: room.map(|room| room.total),
            blob_bytes: blobs.bytes(),
            memory_bytes: host::resident_memory(),
            model_bytes: Some(loaded.filter_map(|model| model.weight_bytes()).sum()),
            processors: thread::available_parallelism()
                .ok()
                .and_then(|count| NonZero::get(count).try_into().ok()),
            started_at,
        }
    });
    measured.await.unwrap_or(SystemStats {
        disk_free_bytes: None,
        disk_total_bytes: None,
        blob_bytes: None,
        memory_bytes: None,
        model_bytes: None,
        processors: None,
        started_at,
    })
}
