//! The Open Inference Protocol, version 2, as `KServe` and Triton speak it: models are asked in tensors, at once, by
//! their name.
//!
//! One question takes this way: [`body`] reads it within its bounds; [`question`] takes it apart; [`run`] hands its
//! parts to the model's batcher, the same that serves everybody else; [`answer`] puts the outputs into the form that
//! was asked for. Every failure under `/v2` has the form of [`refused`].

pub(super) mod infer;
pub(super) mod models;
pub(super) mod server;

mod answer;
mod body;
mod classes;
mod compression;
mod json;
mod question;
mod run;
mod values;

use axum::{
    extract::{FromRequestParts, Path},
    http::{StatusCode, request::Parts},
    response::Response,
};
use darkroom_api::{Code, v2};
use darkroom_inference::InferenceError;
use serde::Deserialize;

use super::failure::{Failure, sentence};

/// Whether a path belongs to the protocol.
pub(super) fn is_here(path: &str) -> bool {
    path.strip_prefix(v2::ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A failure as the protocol says it: `{"error": "…"}`.
pub(super) fn refused(failure: &Failure, _request_id: &str) -> Response {
    let status = StatusCode::from_u16(v2::status(failure.code()));
    let body = serde_json::to_vec(&v2::Refused { error: failure.detail().to_owned() });
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    failure.answer(status, "application/json", body.unwrap_or_default())
}

/// The model that a path names.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Named {
    model: String,
    #[serde(default)]
    version: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let path = Path::<Self>::from_request_parts(parts, state).await;
        path.map(|Path(named)| named)
            .map_err(|_| Failure::new(Code::InvalidParameter, "The path is not UTF-8."))
    }
}

/// What is wrong with a question.
fn bad(what: &str) -> Failure {
    Failure::new(Code::InvalidJob, sentence(what))
}

/// Why a model did not answer. That it failed on what it was given need not be anybody's fault, and does not pass by
/// waiting; what the engine says of it is for the log.
fn unanswered(error: InferenceError) -> Failure {
    match &error {
        InferenceError::Failed { model, .. } => {
            let words = format!("Model `{model}` failed on this input; the server's log says why.");
            Failure::new(Code::Internal, words).because(&error)
        }
        _ => error.into(),
    }
}

/// Work that would hold up other requests, on a thread of its own.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|panic| Failure::caused(Code::Internal, panic))?
}
