//! The resize service (Cogent): an upload is brought inside 500 × 500 as JPEG.

use std::sync::atomic::{AtomicI64, Ordering};

use axum::{
    Json,
    extract::{Path, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use darkroom_api::Code;
use darkroom_core::{
    Operation, Timestamp,
    job::{FileName, Idempotency, InvalidName, Job, NewJob, Origin, Shown},
    operation::Thumbnail,
    store::Submitted,
};
use serde::Serialize;

use super::{File, Upload, file};
use crate::http::{Http, caller::Caller, failure::Failure};

/// The side of the box.
const SIDE: u32 = 500;

const EMPTY: &str = "Empty file received";

/// How many ids are tried before a submission is given up. The first one is taken only if another server on the same
/// store has drawn it in the same microsecond.
const TRIES: usize = 8;

/// Every answer of this service.
#[derive(Serialize)]
struct Answer {
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Whether the service answers.
pub(in crate::http) async fn heartbeat() -> Response {
    answer(StatusCode::OK, "beating")
}

/// Takes an upload.
pub(in crate::http) async fn upload(
    State(http): State<Http>,
    caller: Caller,
    request: Request,
) -> Result<Response, Failure> {
    let _permit = http.submission_permit().await?;
    let upload = match file(&http, &caller, request, accepts).await {
        Ok(upload) => upload,
        // What is no form has no field; what the server cannot take in is its own fault or the client's, as elsewhere.
        Err(failure) if failure.code() == Code::MalformedBody => Upload::Absent,
        Err(failure) => return not_queued(failure),
    };
    let file = match upload {
        Upload::Absent => return Ok(answer(StatusCode::BAD_REQUEST, "file key not found in request")),
        Upload::Unnamed => return Ok(answer(StatusCode::BAD_REQUEST, EMPTY)),
        Upload::Taken(file) if file.stored.bytes == 0 => {
            let id = file.stored.id;
            drop(file);
            http.collect(vec![id]).await;
            return Ok(answer(StatusCode::BAD_REQUEST, EMPTY));
        }
        Upload::Refused => {
            let words = "Files other than jpg,jpeg and png are not allowed";
            return Ok(answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, words));
        }
        Upload::Taken(file) => file,
    };
    match submit(&http, &caller, &file).await {
        Ok(id) => Ok(with_id(StatusCode::OK, "File Uploaded successfully !!", id, None)),
        Err(failure) => not_queued(failure),
    }
}

/// Where an upload stands.
pub(in crate::http) async fn status(
    State(http): State<Http>,
    caller: Caller,
    Path(file_id): Path<String>,
) -> Result<Response, Failure> {
    let found = if is_file_id(&file_id) {
        http.store.newest_by_alias(origin()?, file_id.clone()).await?
    } else {
        None
    };
    let Some(job) = found.filter(|job| caller.sees(&job.owner)) else {
        return Ok(with_id(StatusCode::BAD_REQUEST, "ID NOT FOUND !!", file_id, None));
    };
    let (words, reason) = stage(&job);
    Ok(with_id(StatusCode::OK, words, file_id, reason))
}

fn accepts(name: &FileName) -> bool {
    name.extension().is_some_and(|extension| ["png", "jpg", "jpeg"].contains(&extension.as_str()))
}

/// The service's own word for everything that keeps a file from being queued; only a client's fault is told as such.
fn not_queued(failure: Failure) -> Result<Response, Failure> {
    let own_fault = failure.code() == Code::QueueFull || failure.code().status() >= 500;
    if !own_fault || failure.code() == Code::Overloaded {
        return Err(failure);
    }
    tracing::error!(code = %failure.code(), cause = failure.cause(), "a file was not queued");
    Ok(answer(StatusCode::INTERNAL_SERVER_ERROR, "Couldn't insert into Queue"))
}

async fn submit(http: &Http, caller: &Caller, file: &File) -> Result<String, Failure> {
    let name = format!("{}.thumbnail", file.artifact_stem());
    let operation = Thumbnail { name: Some(name), ..Thumbnail::fit(SIDE, SIDE) };
    for _ in 0..TRIES {
        let file_id = fresh_file_id(http.now());
        let mut job = NewJob::new(http.now(), file.input(), vec![Operation::Thumbnail(operation.clone())])?;
        caller.claim(&mut job);
        job.origin = origin()?;
        job.alias = Some(file_id.clone());
        // The store refuses the same key with another fingerprint: no two uploads ever share an id.
        job.idempotency = Some(Idempotency { key: format!("resize:{file_id}"), fingerprint: rand::random() });
        match http.store.submit(vec![job]).await?.into_iter().next() {
            Some(Submitted::Created(_)) => return Ok(file_id),
            Some(Submitted::Rejected(full)) => return Err(full.into()),
            Some(Submitted::TooManyOpen) => return Err(http.quotas.too_many_open()),
            _ => {}
        }
    }
    Err(Failure::caused(Code::Internal, "every file id was taken"))
}

/// `YYYYMMDDhhmmssffffff` in UTC: the time in microseconds, pushed forward where this process has used it already.
fn fresh_file_id(now: Timestamp) -> String {
    static LAST: AtomicI64 = AtomicI64::new(0);
    let wanted = now.as_millis() * 1_000;
    let next = |last: i64| wanted.max(last + 1);
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
    written(next(last.unwrap_or_default()))
}

/// Microseconds since 1970 as 20 digits.
fn written(us: i64) -> String {
    let second = Timestamp::from_millis(us.div_euclid(1_000_000) * 1_000);
    let digits: String =
        darkroom_api::Time(second).to_string().chars().filter(char::is_ascii_digit).collect();
    // The digits of the milliseconds, all 0, make way for those of the microseconds.
    format!("{}{:06}", digits.get(..14).unwrap_or_default(), us.rem_euclid(1_000_000))
}

fn is_file_id(text: &str) -> bool {
    text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn stage(job: &Job) -> (&'static str, Option<String>) {
    match job.shown() {
        Shown::Scheduled | Shown::Queued | Shown::Held => ("STAGING STAGE", None),
        Shown::Running => ("PROCESSING STAGE", None),
        Shown::Succeeded => ("COMPLETION STAGE", None),
        Shown::Cancelled => ("FAILED STAGE", Some("cancelled".to_owned())),
        Shown::Failed => {
            let reason = job.failure.as_ref().map(|failure| failure.message.clone());
            ("FAILED STAGE", Some(reason.unwrap_or_else(|| "unknown".to_owned())))
        }
    }
}

fn origin() -> Result<Origin, InvalidName> {
    "resize".parse()
}

fn answer(status: StatusCode, result: &'static str) -> Response {
    (status, Json(Answer { result, file_id: None, reason: None })).into_response()
}

fn with_id(status: StatusCode, result: &'static str, file_id: String, reason: Option<String>) -> Response {
    (status, Json(Answer { result, file_id: Some(file_id), reason })).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_ids_are_the_time_and_never_twice_the_same() {
        assert_eq!(written(1_700_000_000_123_456), "20231114221320123456");
        let now = Timestamp::from_millis(4_000_000_000_000);
        let mut ids: Vec<String> = (0..2_000).map(|_| fresh_file_id(now)).collect();
        ids.dedup();
        assert_eq!(ids.len(), 2_000);
        assert!(ids.iter().all(|id| is_file_id(id)));
        assert!(ids.is_sorted());
    }
}
