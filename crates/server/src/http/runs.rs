//! Runs: looking at and changing them. Making them: `run_make`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Request, State},
    http::StatusCode,
};
use darkroom_api::{Code, Run, RunPage};
use darkroom_core::{
    RunId,
    run::{self as core, RunEvent, RunState, Stop},
    store::RunFilter,
};

use super::{Http, caller::Caller, cursor, failure::Failure, jobs, query::Query};

/// Runs of one page unless the client says how many.
const PAGE: u32 = 50;

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
    let key = query.take("idempotency_key");
    query.finish()?;
    if owner.as_ref().is_some_and(|owner| !caller.sees(owner)) {
        return Ok(Json(RunPage { runs: Vec::new(), next_cursor: None }));
    }
    // A key means one run for whoever has chosen it; others may have chosen the same.
    let own = key.is_some().then(|| caller.owner().clone());
    let filter = RunFilter { states, owner: owner.or(own).or_else(|| caller.only()), key };
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

/// Queues everything that has ended once more.
pub(super) async fn redo(state: State<Http>, caller: Caller, id: Path<String>) -> Result<Json<Run>, Failure> {
    change(state, caller, id, RunEvent::Redo).await
}

async fn change(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
    event: RunEvent,
) -> Result<Json<Run>, Failure> {
    let run = http.run_of(&caller, &id).await?.id;
    // A large run takes many steps; a client that goes away does not leave it half changed.
    let store = Arc::clone(&http.store);
    let changed = tokio::spawn(async move { store.change_run(run, event).await }).await;
    let changed = changed.map_err(|panic| Failure::caused(Code::Internal, panic))??;
    let run = changed.ok_or_else(|| Failure::plain(Code::RunNotFound))?;
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
