//! The thumbnail service (Thumbify): an upload becomes exactly 100 × 100 in its own format.

use axum::{
    Json,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use darkroom_api::Code;
use darkroom_core::{
    Operation,
    job::{FileName, InvalidName, Job, NewJob, Origin, Shown, State as JobState},
    operation::{Filter, Frames, Mode, OutputFormat, Thumbnail},
    store::{JobFilter, MAX_PAGE, Page},
};
use serde_json::json;

use super::{File, Upload, file};
use crate::http::{
    Http,
    artifacts::{self, Download},
    caller::Caller,
    cursor,
    disposition::Disposition,
    failure::Failure,
    jobs,
    query::Query,
    submit,
};

/// The side of the square.
const SIDE: u32 = 100;

/// What every thumbnail's name begins with.
const PREFIX: &str = "thumb_";

/// Whether the service answers.
pub(in crate::http) async fn health() -> Json<&'static str> {
    Json("API Running")
}

/// Takes an upload.
pub(in crate::http) async fn upload(
    State(http): State<Http>,
    caller: Caller,
    request: Request,
) -> Result<Response, Failure> {
    let _permit = http.submission_permit().await?;
    let upload = match file(&http, &caller, request, accepts).await {
        Err(failure) if failure.code() == Code::MalformedBody => Upload::Absent,
        upload => upload?,
    };
    let file = match upload {
        Upload::Absent => return Ok(field_required()),
        Upload::Unnamed | Upload::Refused => return Ok(invalid_extension()),
        Upload::Taken(file) => file,
    };
    let id = submit::record(&http, job(&http, &caller, &file)?).await?;
    Ok(Json(json!({ "message": "File uploaded successfully", "job_id": id.to_string() })).into_response())
}

/// Where a job stands.
pub(in crate::http) async fn status(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let found = match id.parse() {
        Ok(id) => http.store.job(id).await?,
        Err(_) => None,
    };
    let own = origin()?;
    let Some(job) = found.filter(|job| job.origin == own && caller.sees(&job.owner)) else {
        return Ok((StatusCode::NOT_FOUND, Json(json!({ "detail": "Job not found" }))).into_response());
    };
    Ok(Json(json!({ "job_id": job.id.to_string(), "status": word(job.shown()) })).into_response())
}

/// Every job of this service, newest first. The next part is linked in the header (RFC 8288), because the body is
/// the list itself.
pub(in crate::http) async fn list(
    State(http): State<Http>,
    caller: Caller,
    request: Request,
) -> Result<Response, Failure> {
    let mut query = Query::of(request.uri())?;
    let page = jobs::page(&mut query, MAX_PAGE)?;
    query.finish()?;
    let filter = JobFilter { origin: Some(origin()?), owner: caller.only(), ..JobFilter::default() };
    let jobs = http.store.jobs(filter, page).await?;
    let listed: Vec<_> =
        jobs.iter().map(|job| json!({ "job_id": job.id.to_string(), "filename": name_of(job) })).collect();
    let mut response = Json(listed).into_response();
    if let Some(last) = jobs.last().filter(|_| jobs.len() == page.limit as usize) {
        let next = format!("</job/all?limit={}&cursor={}>; rel=\"next\"", page.limit, cursor::of(last.seq));
        if let Ok(next) = HeaderValue::try_from(next) {
            response.headers_mut().insert(header::LINK, next);
        }
    }
    Ok(response)
}

/// The thumbnail of the newest upload of a name. Names are looked up, they are never paths.
pub(in crate::http) async fn image(
    State(http): State<Http>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let plain = |sent: &str| FileName::clean(sent).filter(|clean| clean.as_str() == sent);
    let found = match name.strip_prefix(PREFIX).and_then(plain) {
        Some(uploaded) => newest(&http, &caller, &uploaded).await?,
        None => None,
    };
    let Some(artifact) = found.as_ref().and_then(|job| job.results.first()?.artifacts.first()) else {
        return Ok((StatusCode::NOT_FOUND, Json(json!({ "error": "File not found" }))).into_response());
    };
    let download = Download {
        blob: artifact.blob,
        input: None,
        media_type: artifact.media_type.clone(),
        file_name: name,
        disposition: Disposition::Inline,
        // The next upload of the same name changes what is here: whoever keeps it asks whether it is still the one.
        cache: HeaderValue::from_static("private, no-cache"),
    };
    artifacts::send(&http, download, &headers).await
}

/// The newest job of this name that has its thumbnail. While a newer upload is being worked on, or if it fails, the
/// one before is served, as the original did.
async fn newest(http: &Http, caller: &Caller, name: &FileName) -> Result<Option<Job>, Failure> {
    let newest = http.store.newest_by_alias(origin()?, name.to_string()).await?;
    match newest {
        Some(job) if job.status.state != JobState::Succeeded || !caller.sees(&job.owner) => {}
        other => return Ok(other),
    }
    let filter = JobFilter {
        origin: Some(origin()?),
        owner: caller.only(),
        states: vec![Shown::Succeeded],
        text: Some(name.to_string()),
        ..JobFilter::default()
    };
    let earlier = http.store.jobs(filter, Page { limit: MAX_PAGE, before: None }).await?;
    match earlier.into_iter().find(|job| job.alias.as_deref() == Some(name.as_str())) {
        Some(job) => Ok(http.store.job(job.id).await?),
        None => Ok(None),
    }
}

fn accepts(name: &FileName) -> bool {
    name.extension().is_some_and(|extension| ["png", "jpg", "jpeg", "gif"].contains(&extension.as_str()))
}

fn job(http: &Http, caller: &Caller, file: &File) -> Result<NewJob, Failure> {
    let thumbnail = Thumbnail {
        mode: Mode::Exact,
        filter: Filter::Nearest,
        format: OutputFormat::Source,
        // Pillow, which the original used, keeps the first frame of an animation when it resizes.
        frames: Frames::First,
        name: Some(format!("{PREFIX}{}", file.artifact_stem())),
        ..Thumbnail::fit(SIDE, SIDE)
    };
    let mut job = NewJob::new(http.now(), file.input(), vec![Operation::Thumbnail(thumbnail)])?;
    caller.claim(&mut job);
    job.origin = origin()?;
    job.alias = Some(file.name.to_string());
    Ok(job)
}

fn word(shown: Shown) -> &'static str {
    match shown {
        Shown::Scheduled | Shown::Queued | Shown::Held => "pending",
        Shown::Running => "processing",
        Shown::Succeeded => "succeeded",
        Shown::Failed | Shown::Cancelled => "failed",
    }
}

fn name_of(job: &Job) -> &str {
    job.input.name.as_ref().map_or("", FileName::as_str)
}

fn origin() -> Result<Origin, InvalidName> {
    "thumbnail".parse()
}

fn invalid_extension() -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "detail": "Invalid file extension" }))).into_response()
}

/// What `FastAPI` answers when a field is missing.
pub(super) fn field_required() -> Response {
    let fault = json!({ "loc": ["body", "file"], "msg": "field required", "type": "value_error.missing" });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "detail": [fault] }))).into_response()
}
