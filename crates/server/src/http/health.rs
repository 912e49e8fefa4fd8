//! What the server says about itself.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use darkroom_api::{Code, Index, Operations, Readiness, Version, Worker, Workers, openapi};

use super::{Http, failure::Failure};
use crate::blobs::BlobError;

/// How long a dependency may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// Bytes that a writer does not hold in memory.
const PROBE: usize = 1 << 20;

/// Whether the process answers.
pub(super) async fn live() -> &'static str {
    "ok"
}

/// Whether everything is there.
pub(super) async fn ready(State(http): State<Http>) -> Result<Json<Readiness>, Failure> {
    let store = async { http.store.ping().await.map_err(|error| error.to_string()) };
    let blobs = async { write_and_forget(&http).await.map_err(|error| error.to_string()) };
    let workers = async {
        let live = http.store.workers().await.map_err(|error| error.to_string())?;
        if live.is_empty() { Err("no worker is alive".to_owned()) } else { Ok(()) }
    };
    let (store, blobs, workers) = tokio::join!(check(store), check(blobs), check(workers));
    let stopping = http.stop.is_cancelled().then(|| ("service".to_owned(), "is stopping".to_owned()));
    let named = [("store", store), ("blobs", blobs), ("workers", workers)];
    let checks: BTreeMap<String, String> =
        named.into_iter().map(|(name, state)| (name.to_owned(), state)).chain(stopping).collect();
    if checks.values().all(|state| state == "ok") {
        return Ok(Json(Readiness { ready: true, checks }));
    }
    Err(Failure::plain(Code::NotReady).with_checks(checks))
}

/// Writes enough to reach the disk. What is not finished is removed at once.
async fn write_and_forget(http: &Http) -> Result<(), BlobError> {
    http.blobs.writer(u64::MAX).write(&vec![0; PROBE]).await
}

/// `ok`, or what is missing.
async fn check(dependency: impl Future<Output = Result<(), String>>) -> String {
    match tokio::time::timeout(PATIENCE, dependency).await {
        Ok(Ok(())) => "ok".to_owned(),
        Ok(Err(missing)) => missing,
        Err(_) => "does not answer".to_owned(),
    }
}

/// Prometheus text. When the store does not answer, its gauges keep their last value.
pub(super) async fn metrics(State(http): State<Http>) -> Response {
    if let Ok(Ok(counts)) = tokio::time::timeout(PATIENCE, http.store.counts()).await {
        http.metrics.take_counts(&counts, http.now());
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], http.metrics.render())
        .into_response()
}

/// What is running.
pub(super) async fn version() -> Json<Version> {
    Json(Version { name: "darkroom".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() })
}

/// Who works.
pub(super) async fn workers(State(http): State<Http>) -> Result<Json<Workers>, Failure> {
    let (now, workers) = (http.now(), http.store.workers().await?);
    Ok(Json(Workers { workers: workers.iter().map(|worker| Worker::at(now, worker)).collect() }))
}

/// What can be done to an image.
pub(super) async fn operations() -> Json<Operations> {
    Json(openapi::operations())
}

/// Where to go from here.
pub(super) async fn index() -> Json<Index> {
    let links = [
        ("submit", "/v1/jobs"),
        ("operations", "/v1/operations"),
        ("stats", "/v1/stats"),
        ("docs", "/docs"),
        ("openapi", "/openapi.json"),
        ("problems", "/docs/problems"),
    ];
    Json(Index {
        name: "darkroom".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        links: links.into_iter().map(|(name, path)| (name.to_owned(), path.to_owned())).collect(),
    })
}
