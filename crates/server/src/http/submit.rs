//! `POST /v1/jobs`: image in, job out.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use darkroom_api::{Code, Job, openapi};
use darkroom_core::{
    JobId,
    job::{Caching, Idempotency, Input, NewJob},
    store::Submitted,
};
use darkroom_inference::InferenceError;
use sha2::{Digest, Sha256};

use super::{
    Http,
    caller::Caller,
    failure::Failure,
    intake::{self, Fields, Image, Taken},
    query::Query,
    wait,
};

/// The longest time ahead that a job may be scheduled.
pub(super) const MAX_DELAY: Duration = Duration::from_hours(24 * 365);

/// Submits one job.
pub(super) async fn submit(
    State(http): State<Http>,
    caller: Caller,
    request: Request,
) -> Result<Response, Failure> {
    let mut query = Query::of(request.uri())?;
    let time = wait::wanted(&http, &mut query, request.headers())?;
    let key = idempotency_key(request.headers())?;
    // Whoever may not wait is told before there is a job.
    let _waiting = time.map(|_| http.stream_permit()).transpose()?;
    http.quotas.charge_bytes(&caller, 0, http.now())?;
    let permit = http.submission_permit().await?;

    let draft = intake::read(&http, &caller, request, query).await?;
    let fingerprint = draft.fingerprint();
    let taken = draft.image.take_in(&http, &caller).await?;
    let mut job = assemble(&http, draft.fields, &taken)?;
    caller.claim(&mut job);
    job.idempotency = key.map(|key| Idempotency { key, fingerprint });
    let id = record(&http, job).await?;
    // The row is recorded: from here on it keeps the blob, and the next client may come in.
    drop((taken, permit));
    answer(&http, id, time).await
}

/// Records a job; for a repeated key the first one's.
pub(super) async fn record(http: &Http, job: NewJob) -> Result<JobId, Failure> {
    let submitted = http.store.submit(vec![job]).await?;
    match submitted.into_iter().next() {
        Some(Submitted::Created(id) | Submitted::Existing(id)) => Ok(id),
        Some(Submitted::Conflict(_)) => Err(Failure::plain(Code::IdempotencyConflict)),
        Some(Submitted::Rejected(full)) => Err(full.into()),
        Some(Submitted::TooManyOpen) => Err(http.quotas.too_many_open()),
        None => Err(Failure::caused(Code::Internal, "the store gave no answer")),
    }
}

fn assemble(http: &Http, fields: Fields, taken: &Taken) -> Result<NewJob, Failure> {
    let operations = fields.operations.ok_or_else(no_operations)?;
    for operation in &operations {
        // What is installed but broken is the job's failure: it may be mended before its turn comes.
        if let Some(Err(unknown @ InferenceError::UnknownModel(_))) = http.predictor.models_of(operation) {
            return Err(unknown.into());
        }
    }
    let now = http.now();
    let input = Input {
        blob: taken.blob,
        bytes: taken.bytes,
        media_type: taken.media_type.to_owned(),
        name: fields.name.or_else(|| taken.name.clone()),
        place: None,
    };
    let mut job = NewJob::new(now, input, operations)?;
    job.queue = fields.queue.unwrap_or_default();
    job.priority = fields.priority.unwrap_or_default();
    if fields.cache == Some(false) {
        job.caching = Caching::Refused;
    }
    job.run_at = fields.run_at.or_else(|| fields.delay.map(|delay| now + delay));
    Ok(job)
}

fn no_operations() -> Failure {
    let known = openapi::operations().operations.into_iter().map(|operation| operation.name);
    let known = known.collect::<Vec<_>>().join(", ");
    Failure::new(
        Code::InvalidJob,
        format!("`operations`: there is nothing to do; known operations are {known}."),
    )
}

async fn answer(http: &Http, id: JobId, time: Option<Duration>) -> Result<Response, Failure> {
    let job = match time {
        Some(time) => wait::ended(http, id, time).await?,
        None => http.store.job(id).await?.ok_or_else(|| Failure::plain(Code::JobNotFound))?,
    };
    let status = if job.status.state.is_final() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut response = (status, axum::Json(Job::from(&job))).into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, text(format!("/v1/jobs/{id}")));
    if let Some(time) = time {
        headers.insert("preference-applied", text(format!("wait={}", time.as_secs())));
    }
    Ok(response)
}

fn text(value: String) -> HeaderValue {
    HeaderValue::try_from(value).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// 1 to 255 visible characters, as the draft of the header field allows and a database can index.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let visible = |text: &&str| (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    match value.to_str().ok().filter(visible) {
        Some(key) => Ok(Some(key.to_owned())),
        None => Err(Failure::parameter("Idempotency-Key", "is 1 to 255 visible ASCII characters")),
    }
}

impl intake::Draft {
    /// The digest of everything that the client has sent: content, operations, and how it is to be queued. A delay
    /// counts as it was written, because the instant that it means differs with each submission.
    fn fingerprint(&self) -> [u8; 32] {
        let image = match &self.image {
            Image::Stored(stored) => format!("blob:{}", stored.id),
            Image::Url(url) => format!("url:{url}"),
        };
        let fields = &self.fields;
        let queue = fields.queue.as_ref().map(ToString::to_string);
        let name = fields.name.as_ref().map(ToString::to_string);
        let times = (fields.delay.map(|delay| delay.as_millis() as u64), fields.run_at);
        let sent = (image, &fields.operations, queue, fields.priority, times, name);
        let mut sent = serde_json::to_vec(&sent).unwrap_or_default();
        // Only where it is said: what was submitted before there was a cache is still the same.
        sent.extend(fields.cache.map(u8::from));
        Sha256::digest(sent).into()
    }
}
