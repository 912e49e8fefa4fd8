//! Queues: what they hold, and holding them.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use darkroom_api::{QueueStats, Queues};

use super::{Http, failure::Failure};

/// Every queue.
pub(super) async fn list(State(http): State<Http>) -> Result<Json<Queues>, Failure> {
    let counts = http.store.counts().await?;
    Ok(Json(Queues { queues: counts.queues.iter().map(QueueStats::from).collect() }))
}

/// Holds a queue.
pub(super) async fn pause(State(http): State<Http>, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    http.store.pause(super::query::parse("name", &name)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets a queue go on.
pub(super) async fn resume(
    State(http): State<Http>,
    Path(name): Path<String>,
) -> Result<StatusCode, Failure> {
    http.store.resume(super::query::parse("name", &name)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
