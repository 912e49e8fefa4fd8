//! `POST …/infer`: a question to a model.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use darkroom_api::{Code, v2::JSON_LENGTH};
use darkroom_inference::Model;

use super::{
    Named,
    answer::{Writer, Written},
    body,
    compression::Compression,
    models::{meant, signature},
    off_thread,
    question::Reader,
    run::run,
    unanswered,
};
use crate::http::{Http, caller::Caller, failure::Failure};

/// Asks the model that the path names.
pub(in crate::http) async fn infer(
    State(http): State<Http>,
    caller: Caller,
    named: Named,
    request: Request,
) -> Result<Response, Failure> {
    let began = Instant::now();
    let model = meant(&http, &named).map_err(unanswered)?;
    let answered = ask(&http, &caller, &model, request).await;
    ended(&Asked { model: &model, caller: &caller, took: began.elapsed() }, answered.as_ref().err());
    answered
}

/// A question that has been answered, or not.
struct Asked<'a> {
    model: &'a Model,
    caller: &'a Caller,
    took: Duration,
}

/// Every question to a model that there is comes by here when it has ended, well or not.
fn ended(asked: &Asked<'_>, failure: Option<&Failure>) {
    let outcome = failure.map_or("ok", |failure| failure.code().as_str());
    let (model, owner, took) = (asked.model.id(), asked.caller.owner().to_string(), asked.took);
    tracing::debug!(model, owner, outcome, ?took, "a model was asked");
}

async fn ask(
    http: &Http,
    caller: &Caller,
    model: &Arc<Model>,
    request: Request,
) -> Result<Response, Failure> {
    let (head, sent) = request.into_parts();
    let json_length = json_length(&head.headers)?;
    let compression = Compression::accepted(&head.headers);
    http.quotas.charge_bytes(caller, 0, http.now())?;
    let sent = body::read(http, &head.headers, sent).await?;
    http.quotas.charge_bytes(caller, sent.len() as u64, http.now())?;
    let _turn = http.look_permit().await?;
    let signature = signature(model).await?;

    let (asked, max_images) = (Arc::clone(model), http.config.max_infer_images);
    let question = off_thread(move || {
        let body = sent.inflated()?;
        Reader { model: &asked, max_images }.read(&body.bytes, json_length)
    })
    .await?;
    let most = usize::try_from(http.config.max_infer_answer.bytes()).unwrap_or(usize::MAX);
    Writer { model, signature: &signature, most }.check(&question.wanted)?;
    let outputs = run(model, &signature, &http.limits, question.inputs).await?;

    let model = Arc::clone(model);
    off_thread(move || {
        let writer = Writer { model: &model, signature: &signature, most };
        packed(writer.write(question.id, &question.wanted, outputs)?, compression)
    })
    .await
}

/// How much of the body is JSON, if the client says.
fn json_length(headers: &HeaderMap) -> Result<Option<usize>, Failure> {
    let Some(value) = headers.get(JSON_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|value| value.trim().parse().ok());
    let wrong = || Failure::parameter("Inference-Header-Content-Length", "is a number of bytes");
    length.ok_or_else(wrong).map(Some)
}

/// The answer with its headers. The length of the JSON is that before compression.
fn packed(written: Written, compression: Option<Compression>) -> Result<Response, Failure> {
    let Written { body, json_length } = written;
    let body = match compression {
        None => body,
        Some(known) => known.compress(&body).map_err(|error| Failure::caused(Code::Internal, error))?,
    };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    let kind = if json_length.is_some() { "application/octet-stream" } else { "application/json" };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(length) = json_length {
        headers.insert(HeaderName::from_static(JSON_LENGTH), HeaderValue::from(length));
    }
    if let Some(known) = compression {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(known.name()));
    }
    Ok(response)
}
