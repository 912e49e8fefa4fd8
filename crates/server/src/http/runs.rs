//! Runs: making, looking at and changing them.

use axum::{
    Json,
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use darkroom_api::{Code, Run, RunPage, RunRequest};
use darkroom_core::{
    RunId,
    run::{self as core, HighWater, InvalidRun, NewRun, RunEvent, RunName, RunState, Stop},
    store::RunFilter,
};
use darkroom_inference::InferenceError;

use super::{
    Http,
    body::Incoming,
    caller::Caller,
    cursor,
    failure::{Failure, sentence},
    intake::{content_type, media_type},
    jobs,
    query::{self, Query},
};
use crate::sources::{Source, SourceError};

/// Runs of one page unless the client says how many.
const PAGE: u32 = 50;

/// Bytes of a request to make a run: a list of addresses may be long.
const MAX_BODY: usize = 16 << 20;

/// Makes a run.
pub(super) async fn make(
    State(http): State<Http>,
    caller: Caller,
    request: Request,
) -> Result<Response, Failure> {
    http.quotas.charge_bytes(&caller, 0, http.now())?;
    let new = read(&http, &caller, request).await?;
    let run = http.store.create_run(new).await?;
    let shown = Run::of(&run, http.now());
    let mut response = (StatusCode::CREATED, Json(shown)).into_response();
    if let Ok(place) = HeaderValue::try_from(format!("/v1/runs/{}", run.id)) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

async fn read(http: &Http, caller: &Caller, request: Request) -> Result<NewRun, Failure> {
    let (head, body) = request.into_parts();
    if media_type(&content_type(&head.headers)) != "application/json" {
        return Err(Failure::new(Code::UnsupportedMediaType, "Send application/json."));
    }
    let bytes = Incoming::new(body, http.config.body_timeout).read(MAX_BODY).await?;
    let request: RunRequest = serde_json::from_slice(&bytes).map_err(|error| {
        let code = if error.is_data() { Code::InvalidRun } else { Code::MalformedBody };
        Failure::new(code, sentence(&error.to_string()))
    })?;
    // What was asked for is kept in the words of whoever reads it; both spell sources alike.
    let source = serde_json::to_value(&request.source).unwrap_or_default();
    let known: Source = serde_json::from_value(source.clone())
        .map_err(|error| Failure::new(Code::InvalidRun, sentence(&format!("source: {error}"))))?;
    http.sources.check(&known)?;
    for operation in &request.operations {
        if let Some(Err(unknown @ InferenceError::UnknownModel(_))) = http.predictor.models_of(operation) {
            return Err(unknown.into());
        }
    }
    let name = request.name.as_deref().and_then(RunName::clean);
    let name = name.or_else(|| RunName::clean("run")).ok_or_else(|| Failure::plain(Code::InvalidRun))?;
    let mut new = NewRun::new(http.now(), name, source, request.operations)?;
    if let Some(aggregates) = request.aggregates {
        new = new.gathering(aggregates)?;
    }
    new.owner = caller.owner().clone();
    new.on_error = request.on_error;
    if let Some(mark) = request.high_water {
        new.high_water = HighWater::try_from(mark)?;
    }
    if let Some(queue) = request.queue {
        new.queue = query::parse("queue", &queue)?;
    }
    Ok(new)
}

/// Runs that match, newest first.
pub(super) async fn list(
    State(http): State<Http>,
    caller: Caller,
    request: Request,
) -> Result<Json<RunPage>, Failure> {
    let mut query = Query::of(request.uri())?;
    let page = jobs::page(&mut query, PAGE)?;
    let states: Vec<RunState> = query.words("state")?;
    let owner = query.parse("owner")?;
    query.finish()?;
    if owner.as_ref().is_some_and(|owner| !caller.sees(owner)) {
        return Ok(Json(RunPage { runs: Vec::new(), next_cursor: None }));
    }
    let filter = RunFilter { states, owner: owner.or_else(|| caller.only()) };
    let runs = http.store.runs(filter, page).await?;
    let next_cursor =
        runs.last().filter(|_| runs.len() == page.limit as usize).map(|last| cursor::of(last.seq));
    let now = http.now();
    Ok(Json(RunPage { runs: runs.iter().map(|run| Run::of(run, now)).collect(), next_cursor }))
}

/// One run.
pub(super) async fn show(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Run>, Failure> {
    Ok(Json(Run::of(&http.run_of(&caller, &id).await?, http.now())))
}

/// Holds its images; running ones finish.
pub(super) async fn pause(
    state: State<Http>,
    caller: Caller,
    id: Path<String>,
) -> Result<Json<Run>, Failure> {
    let stop = Stop::asked(format!("paused by {}", caller.owner()));
    change(state, caller, id, RunEvent::Pause(stop)).await
}

/// Goes on.
pub(super) async fn resume(
    state: State<Http>,
    caller: Caller,
    id: Path<String>,
) -> Result<Json<Run>, Failure> {
    change(state, caller, id, RunEvent::Resume).await
}

/// Ends it.
pub(super) async fn cancel(
    state: State<Http>,
    caller: Caller,
    id: Path<String>,
) -> Result<Json<Run>, Failure> {
    let stop = Stop::asked(format!("cancelled by {}", caller.owner()));
    change(state, caller, id, RunEvent::Cancel(stop)).await
}

/// Queues what has failed once more.
pub(super) async fn retry_failed(
    state: State<Http>,
    caller: Caller,
    id: Path<String>,
) -> Result<Json<Run>, Failure> {
    change(state, caller, id, RunEvent::Retry).await
}

async fn change(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
    event: RunEvent,
) -> Result<Json<Run>, Failure> {
    let run = http.run_of(&caller, &id).await?.id;
    let run = http.store.change_run(run, event).await?.ok_or_else(|| Failure::plain(Code::RunNotFound))?;
    Ok(Json(Run::of(&run, http.now())))
}

/// Deletes it; its images go with the next sweeps.
pub(super) async fn delete(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let run = http.run_of(&caller, &id).await?.id;
    if http.store.delete_run(run).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Failure::plain(Code::RunNotFound))
    }
}

impl Http {
    /// The caller's run of this id, which comes from a path. Those of others do not exist.
    pub(super) async fn run_of(&self, caller: &Caller, id: &str) -> Result<core::Run, Failure> {
        let unknown = || Failure::plain(Code::RunNotFound);
        let id: RunId = id.parse().map_err(|_| unknown())?;
        self.store.run(id).await?.filter(|run| caller.sees(&run.owner)).ok_or_else(unknown)
    }
}

impl From<InvalidRun> for Failure {
    fn from(error: InvalidRun) -> Self {
        Self::new(Code::InvalidRun, sentence(&error.to_string()))
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Io(error) => Self::caused(Code::Internal, format!("source: {error}")),
            error => Self::new(Code::SourceRefused, sentence(&error.to_string())),
        }
    }
}
