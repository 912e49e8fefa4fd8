//! Queues: what they hold, holding them, and how much of them runs.

use axum::{
    Json,
    extract::{Path, Request, State},
    http::StatusCode,
};
use darkroom_api::{Code, QueueLimit, QueueStats, Queues};
use darkroom_core::store::MaxRunning;

use super::{
    Http,
    body::Incoming,
    failure::{Failure, sentence},
    intake::{content_type, media_type, read_json_or},
};

/// Bytes of a limit.
const MAX_BODY: usize = 1 << 10;

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

/// Lets only so many jobs of a queue run at a time.
pub(super) async fn limit(
    State(http): State<Http>,
    Path(name): Path<String>,
    request: Request,
) -> Result<StatusCode, Failure> {
    let queue = super::query::parse("name", &name)?;
    let (head, body) = request.into_parts();
    if media_type(&content_type(&head.headers)) != "application/json" {
        return Err(Failure::new(Code::UnsupportedMediaType, "Send application/json."));
    }
    let mut body = Incoming::new(body, http.config.body_timeout);
    let asked: QueueLimit = read_json_or(&mut body, MAX_BODY, Code::InvalidLimit).await?;
    let wrong = |error| Failure::new(Code::InvalidLimit, sentence(&format!("`max_running`: {error}")));
    let max_running = asked.max_running.map(MaxRunning::try_from).transpose().map_err(wrong)?;
    http.store.limit(queue, max_running).await?;
    Ok(StatusCode::NO_CONTENT)
}
