//! The one place where errors become answers.
//!
//! A handler returns a [`Failure`]; the envelope knows the request id and renders it as a problem. What is not for
//! the client stays in `cause` and is logged once, there.

use std::{collections::BTreeMap, io::ErrorKind, time::Duration};

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use darkroom_api::{Code, Problem, problem::PROBLEM_MEDIA_TYPE};
use darkroom_core::{
    job::{InvalidJob, InvalidName},
    store::{QueueFull, StoreError},
};
use darkroom_imaging::ImageError;

use crate::blobs::BlobError;

/// Seconds after which a client that was turned away may come back.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

/// Why a request is refused, in words for the client.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    code: Code,
    detail: String,
    cause: Option<String>,
    checks: Option<BTreeMap<String, String>>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Failure {
    pub(super) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), cause: None, checks: None, headers: Vec::new() }
    }

    /// The meaning of the code says it all.
    pub(super) fn plain(code: Code) -> Self {
        Self::new(code, code.meaning())
    }

    /// A fault whose details are for the log only.
    #[allow(clippy::needless_pass_by_value, reason = "errors arrive by value, and callers stay short")]
    pub(super) fn caused(code: Code, cause: impl ToString) -> Self {
        Self { cause: Some(cause.to_string()), ..Self::plain(code) }
    }

    pub(super) fn parameter(name: &str, what: impl std::fmt::Display) -> Self {
        Self::new(Code::InvalidParameter, format!("`{name}`: {what}"))
    }

    /// The same, of one of several images.
    pub(super) fn about(mut self, image: &str) -> Self {
        self.detail = format!("`{image}`: {}", self.detail);
        self
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Says what of the request it is about.
    pub(super) fn within(mut self, place: &str) -> Self {
        self.detail = format!("{place}: {}", self.detail);
        self
    }

    /// Keeps for the log what the client is not told.
    pub(super) fn because(self, cause: &impl ToString) -> Self {
        Self { cause: Some(cause.to_string()), ..self }
    }

    /// When the client may come back.
    pub(super) fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    pub(super) fn with_checks(mut self, checks: BTreeMap<String, String>) -> Self {
        self.checks = Some(checks);
        self
    }

    pub(super) fn code(&self) -> Code {
        self.code
    }

    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    pub(super) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The answer, once the request's id is known.
    pub(super) fn render(&self, request_id: &str) -> Response {
        let mut problem = Problem::new(self.code, self.detail.clone(), request_id);
        problem.checks = self.checks.as_ref().and_then(|checks| serde_json::to_value(checks).ok());
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        self.answer(status, PROBLEM_MEDIA_TYPE, body)
    }

    /// An answer in whatever form, with the headers that belong to the failure.
    pub(super) fn answer(&self, status: StatusCode, media_type: &'static str, body: Vec<u8>) -> Response {
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static(media_type));
        headers.insert("cache-control", HeaderValue::from_static("no-store"));
        if matches!(self.code.status(), 429 | 503) {
            headers.insert("retry-after", RETRY_AFTER);
        }
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        response
    }
}

impl IntoResponse for Failure {
    /// A mark for the envelope, which renders it.
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull => Self::plain(Code::DiskFull),
            StoreError::Running => Self::plain(Code::JobRunning),
            StoreError::Refused(_) => Self::plain(Code::JobSucceeded),
            StoreError::KeyTaken => Self::plain(Code::IdempotencyConflict),
            StoreError::PartOfRun => Self::plain(Code::JobOfRun),
            StoreError::RunRefused(refused) => Self::new(Code::RunState, sentence(&refused.to_string())),
            StoreError::Unavailable(cause) => Self::caused(Code::StoreUnavailable, cause),
            StoreError::InUse => Self::caused(Code::StoreUnavailable, "in use by another process"),
            StoreError::Internal(source) => Self::caused(Code::Internal, format!("store: {source}")),
            StoreError::SessionLost | StoreError::BatchTooLarge => Self::caused(Code::Internal, error),
        }
    }
}

impl From<BlobError> for Failure {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::TooLarge { cap } => {
                Self::new(Code::BodyTooLarge, format!("The image is larger than {cap} bytes."))
            }
            BlobError::DiskFull => Self::plain(Code::DiskFull),
            BlobError::Missing(_) => Self::plain(Code::ArtifactNotFound),
            BlobError::Changed(_) => Self::new(
                Code::ArtifactNotFound,
                "The file of this image was changed, and there is no copy of it as it was.",
            ),
            BlobError::Io(source) => Self::caused(Code::BlobsUnavailable, format!("blobs: {source}")),
        }
    }
}

impl From<ImageError> for Failure {
    fn from(error: ImageError) -> Self {
        let code = match &error {
            ImageError::NotAnImage => Code::NotAnImage,
            ImageError::Unsupported { .. } => Code::UnsupportedImage,
            ImageError::Corrupt { .. } => Code::DamagedImage,
            ImageError::Limit { .. } | ImageError::TimedOut(_) => Code::ImageLimit,
            // Decoders that read to the end of a cut file.
            ImageError::Io(source)
                if matches!(source.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidData) =>
            {
                return Self::new(Code::DamagedImage, "The file ends early or is damaged.");
            }
            ImageError::Io(source) => {
                return Self::caused(Code::BlobsUnavailable, format!("blobs: {source}"));
            }
            ImageError::Encode { .. } | ImageError::Cancelled => return Self::caused(Code::Internal, error),
        };
        Self::new(code, sentence(&error.to_string()))
    }
}

impl From<QueueFull> for Failure {
    fn from(full: QueueFull) -> Self {
        Self::new(Code::QueueFull, format!("{} jobs wait already.", full.max_waiting))
    }
}

impl From<InvalidJob> for Failure {
    fn from(error: InvalidJob) -> Self {
        Self::new(Code::InvalidJob, sentence(&error.to_string()))
    }
}

impl From<InvalidName> for Failure {
    fn from(error: InvalidName) -> Self {
        Self::new(Code::InvalidParameter, sentence(&error.to_string()))
    }
}

/// An error's words as a sentence.
pub(super) fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let Some(first) = chars.next() else { return String::new() };
    let end = if words.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), chars.as_str())
}
