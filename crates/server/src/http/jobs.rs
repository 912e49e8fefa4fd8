//! Looking at jobs and changing them.

use axum::{
    Json,
    extract::{Path, Request, State},
    http::StatusCode,
};
use darkroom_api::{Code, Job, JobPage, JobSummary, Time, job::JobOrder};
use darkroom_core::{
    JobId,
    job::{FailureKind, Shown},
    store::{JobFilter, MAX_PAGE, Page},
};

use super::{Http, caller::Caller, cursor, failure::Failure, query::Query, state::job_id};

/// Jobs of one page unless the client says how many.
const PAGE: u32 = 50;

/// One job, whole.
pub(super) async fn show(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Job>, Failure> {
    Ok(Json(Job::from(&http.job_of(&caller, &id).await?)))
}

/// Jobs that match.
pub(super) async fn list(
    State(http): State<Http>,
    caller: Caller,
    request: Request,
) -> Result<Json<JobPage>, Failure> {
    let mut query = Query::of(request.uri())?;
    let page = page(&mut query, PAGE)?;
    let mut filter = filter(&mut query)?;
    query.finish()?;
    if filter.owner.as_ref().is_some_and(|owner| !caller.sees(owner)) {
        return Ok(Json(JobPage { jobs: Vec::new(), next_cursor: None }));
    }
    filter.owner = filter.owner.or_else(|| caller.only());
    // A full page may be the last one; then the next is empty, which costs less than counting.
    let jobs = http.store.jobs(filter, page).await?;
    let next_cursor =
        jobs.last().filter(|_| jobs.len() == page.limit as usize).map(|last| cursor::of(last.seq));
    Ok(Json(JobPage { jobs: jobs.iter().map(JobSummary::from).collect(), next_cursor }))
}

/// Cancels.
pub(super) async fn cancel(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Job>, Failure> {
    found(http.store.cancel(own(&http, &caller, &id).await?).await?)
}

/// Queues again.
pub(super) async fn retry(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Job>, Failure> {
    found(http.store.retry(own(&http, &caller, &id).await?).await?)
}

/// Deletes the job, then the blobs that only it referred to.
pub(super) async fn delete(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let id = own(&http, &caller, &id).await?;
    let orphans = http.store.delete(id).await?.ok_or_else(|| Failure::plain(Code::JobNotFound))?;
    http.collect(orphans).await;
    Ok(StatusCode::NO_CONTENT)
}

/// The id of a job that is the caller's to change. Owners never change, so it stays theirs.
async fn own(http: &Http, caller: &Caller, id: &str) -> Result<JobId, Failure> {
    if caller.sees_all() {
        return job_id(id);
    }
    Ok(http.job_of(caller, id).await?.id)
}

fn found(job: Option<darkroom_core::job::Job>) -> Result<Json<Job>, Failure> {
    job.map(|job| Json(Job::from(&job))).ok_or_else(|| Failure::plain(Code::JobNotFound))
}

/// Which part of a listing is wanted.
pub(super) fn page(query: &mut Query, default: u32) -> Result<Page, Failure> {
    let limit = query.parse("limit")?.unwrap_or(default);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Failure::parameter("limit", format_args!("is 1 to {MAX_PAGE}")));
    }
    let before = query.take("cursor").map(|text| cursor::read(&text)).transpose()?;
    Ok(Page { limit, before })
}

fn filter(query: &mut Query) -> Result<JobFilter, Failure> {
    Ok(JobFilter {
        states: query.words::<Shown>("state")?,
        operation: query.take("op"),
        owner: query.parse("owner")?,
        origin: query.parse("origin")?,
        queue: query.parse("queue")?,
        run: query.parse("run")?,
        since: query.parse::<Time>("since")?.map(|time| time.0),
        until: query.parse::<Time>("until")?.map(|time| time.0),
        text: query.take("q").filter(|text| !text.is_empty()),
        failures: query.words::<FailureKind>("failure")?,
        order: query.parse::<JobOrder>("order")?.unwrap_or_default().into(),
    })
}
