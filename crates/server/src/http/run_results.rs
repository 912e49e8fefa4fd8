//! What runs have given: all together, and live. Item by item: `run_rows`.

use std::{convert::Infallible, time::Duration};

use axum::{
    Json,
    extract::{Path, Request, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response, sse::Event},
};
use darkroom_api::{Code, Run, RunAggregate, RunAggregates};
use darkroom_core::{
    BlobId, RunId,
    run::{self as core, Value},
};
use futures_util::{Stream, stream};
use tokio::sync::OwnedSemaphorePermit;

use super::{Http, caller::Caller, events::live, failure::Failure, query::Query};
use crate::npy;

/// How often a run that is followed is looked at: its images move faster than anybody reads.
const LOOK: Duration = Duration::from_millis(500);

/// What the run has gathered so far, or one mean as `NumPy` reads it.
pub(super) async fn aggregate(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    let mut query = Query::of(request.uri())?;
    let (format, which) = (query.take("format"), query.parse::<usize>("which")?.unwrap_or(0));
    query.finish()?;
    let run = http.run_of(&caller, &id).await?.id;
    let gathered = http.store.aggregates(run).await?.ok_or_else(|| Failure::plain(Code::RunNotFound))?;
    match format.as_deref() {
        None | Some("json") => {
            let shown = |aggregate: core::Aggregate| {
                let digest = BlobId::of(&aggregate.bytes).to_string();
                RunAggregate::of(aggregate, digest)
            };
            let aggregates = gathered.into_iter().map(shown).collect();
            Ok(Json(RunAggregates { aggregates }).into_response())
        }
        Some("npy") => {
            let asked = gathered.into_iter().nth(which).map(|aggregate| aggregate.value);
            let Some(Value::Mean { mean, .. } | Value::MeanOfMeans { mean, .. }) = asked else {
                return Err(Failure::parameter("which", "names no aggregate that has a mean by now"));
            };
            let file =
                npy(&mean).ok_or_else(|| Failure::caused(Code::Internal, "a mean is too long for npy"))?;
            let mut response = file.into_response();
            let kind = HeaderValue::from_static("application/octet-stream");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            Ok(response)
        }
        Some(_) => Err(Failure::parameter("format", "is json or npy")),
    }
}

/// One vector as `NumPy` reads it; `None` for more numbers than it can count.
fn npy(values: &[f64]) -> Option<Vec<u8>> {
    let mut file = npy::header("<f8", &[values.len()], 0)?;
    file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    Some(file)
}

/// Follows a run as server-sent events until it ends.
pub(super) async fn follow(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let permit = http.stream_permit()?;
    let run = http.run_of(&caller, &id).await?;
    let following = Following { http, caller, run: run.id, last: None, next: Some(run), _permit: permit };
    Ok(live(events(following)))
}

struct Following {
    http: Http,
    caller: Caller,
    run: RunId,
    /// What was told last.
    last: Option<core::Run>,
    /// What was read but not told yet.
    next: Option<core::Run>,
    _permit: OwnedSemaphorePermit,
}

fn events(following: Following) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(Some(following), async |following| {
        let mut following = following?;
        let run = following.next_change().await?;
        let event = Event::default().event("run").json_data(Run::of(&run, following.http.now()));
        let going_on = !run.status.state.is_final();
        following.last = Some(run);
        Some((Ok(event.unwrap_or_default()), going_on.then_some(following)))
    })
}

impl Following {
    /// The run after its next change; `None` when it is gone, cannot be read, or the service stops.
    async fn next_change(&mut self) -> Option<core::Run> {
        if let Some(run) = self.next.take() {
            return Some(run);
        }
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.http.stop.cancelled() => return None,
            }
            let run = self.http.store.run(self.run).await.ok().flatten()?;
            if self.last.as_ref() != Some(&run) {
                return self.http.may_still_ask(&self.caller).await.then_some(run);
            }
        }
    }
}
