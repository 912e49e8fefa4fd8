//! A job as server-sent events, until it ends.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use darkroom_core::job::Job;
use futures_util::{Stream, stream};
use tokio::sync::OwnedSemaphorePermit;

use super::{Http, caller::Caller, failure::Failure, notices::Waiter};

/// Proxies close connections that say nothing; a comment is said this often.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Follows one job.
pub(super) async fn follow(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let permit = http.stream_permit()?;
    // The waiter comes first, the look second: no change falls in between.
    let waiter = http.notices.waiter(super::state::job_id(&id)?);
    let job = http.job_of(&caller, &id).await?;
    let seen = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    // A browser comes back after every end of a stream, until it is told 204 (HTML, 9.2).
    if job.status.state.is_final() && seen == Some(event_id(&job).as_str()) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let following = Following { http, caller, waiter, last: None, next: Some(job), _permit: permit };
    Ok(live(events(following)))
}

/// Events as an answer that no cache keeps and no proxy closes.
pub(super) fn live(events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

struct Following {
    http: Http,
    caller: Caller,
    waiter: Waiter,
    /// The id of the last event.
    last: Option<String>,
    /// What was read but not told yet.
    next: Option<Job>,
    _permit: OwnedSemaphorePermit,
}

fn events(following: Following) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(Some(following), async |following| {
        let mut following = following?;
        let job = following.next_change().await?;
        let id = event_id(&job);
        let event = Event::default().event("job").id(&id);
        let event = event.json_data(darkroom_api::Job::from(&job)).unwrap_or_default();
        following.last = Some(id);
        let going_on = (!job.status.state.is_final()).then_some(following);
        Some((Ok(event), going_on))
    })
}

impl Following {
    /// The job after its next change; `None` when it is gone, cannot be read, or the service stops. The client then
    /// comes back and finds out.
    async fn next_change(&mut self) -> Option<Job> {
        if let Some(job) = self.next.take() {
            return Some(job);
        }
        loop {
            tokio::select! {
                () = self.waiter.changed() => {}
                () = self.http.stop.cancelled() => return None,
            }
            let job = self.http.store.job(self.waiter.job()).await.ok().flatten()?;
            if self.last.as_deref() != Some(event_id(&job).as_str()) {
                return self.http.may_still_ask(&self.caller).await.then_some(job);
            }
        }
    }
}

/// Names a stage of a job's life: the same id is the same news.
fn event_id(job: &Job) -> String {
    let cancelling = if job.status.cancel_requested { "-cancelling" } else { "" };
    format!("{}-{}-{}{cancelling}", job.status.lease_seq, job.status.used, job.shown())
}
