//! `POST …/infer`: a question to a model.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use darkroom_api::{Code, v2::JSON_LENGTH};
use darkroom_core::{
    BlobId,
    prediction::{Answer, AskedModel, Best, NewPrediction, Surface},
};
use darkroom_inference::{Model, Tensor, manifest::Task};

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
use crate::{
    http::{Http, caller::Caller, failure::Failure},
    predict::{self, Question, Took},
};

/// Asks the model that the path names. Whatever comes of it is in the inference log.
pub(in crate::http) async fn infer(
    State(http): State<Http>,
    caller: Caller,
    named: Named,
    request: Request,
) -> Result<Response, Failure> {
    let began = Instant::now();
    let mut way = Way::default();
    let answered = match meant(&http, &named) {
        Ok(model) => ask(&http, &caller, (&model, request), &mut way).await,
        Err(error) => Err(unanswered(error)),
    };
    way.took.whole = began.elapsed();
    http.journal.note(entry(&http, &caller, &named, (way, answered.as_ref().err()))).await;
    answered
}

/// What is known of a question on its way.
#[derive(Default)]
struct Way {
    model: Option<AskedModel>,
    /// The one image, if there is one.
    input: Option<BlobId>,
    best: Option<Best>,
    took: Took,
}

/// The one place where questions of the protocol become entries of the inference log.
fn entry(
    http: &Http,
    caller: &Caller,
    named: &Named,
    (way, failure): (Way, Option<&Failure>),
) -> NewPrediction {
    let unknown = || AskedModel { name: named.model.clone(), version: named.version.clone(), digest: None };
    let question = Question {
        surface: Surface::Infer,
        operation: "infer",
        owner: caller.owner().clone(),
        job: None,
        file_name: None,
        input: way.input,
        model: Some(way.model.unwrap_or_else(unknown)),
    };
    let answer = match failure {
        None => Answer::Given(way.best),
        Some(failure) => Answer::failed(failure.code().as_str(), failure.detail()),
    };
    question.entry(http.now(), way.took, answer)
}

async fn ask(
    http: &Http,
    caller: &Caller,
    (model, request): (&Arc<Model>, Request),
    way: &mut Way,
) -> Result<Response, Failure> {
    way.model = Some(predict::found(model));
    let (head, sent) = request.into_parts();
    let json_length = json_length(&head.headers)?;
    let compression = Compression::accepted(&head.headers);
    http.quotas.charge_bytes(caller, 0, http.now())?;
    let sent = body::read(http, &head.headers, sent).await?;
    http.quotas.charge_bytes(caller, sent.len() as u64, http.now())?;
    let _turn = http.look_permit().await?;
    let signature = signature(model).await?;

    let (asked, max_images) = (Arc::clone(model), http.config.max_infer_images);
    let (question, input) = off_thread(move || {
        let body = sent.inflated()?;
        let question = Reader { model: &asked, max_images }.read(&body.bytes, json_length)?;
        let input = question.inputs.only_image().map(BlobId::of);
        Ok((question, input))
    })
    .await?;
    way.input = input;
    let most = usize::try_from(http.config.max_infer_answer.bytes()).unwrap_or(usize::MAX);
    Writer { model, signature: &signature, most }.check(&question.wanted)?;
    let asked = Instant::now();
    let outputs = run(model, &signature, &http.limits, question.inputs).await?;
    way.took.model = Some(asked.elapsed());

    let model = Arc::clone(model);
    let (response, best) = off_thread(move || {
        let best = likeliest(&model, &outputs);
        let writer = Writer { model: &model, signature: &signature, most };
        Ok((packed(writer.write(question.id, &question.wanted, outputs)?, compression)?, best))
    })
    .await?;
    way.best = best;
    Ok(response)
}

/// The likeliest label, where the answer is about one image.
fn likeliest(model: &Model, outputs: &[(String, Tensor)]) -> Option<Best> {
    let scores = model.manifest().output.as_ref()?;
    let (_, tensor) = outputs.iter().find(|(name, _)| *name == scores.name)?;
    if tensor.rows() != Some(1) {
        return None;
    }
    let probabilities = darkroom_inference::scores::probabilities(outputs, scores).ok()?;
    let best = model.top(&probabilities, 1, 0.0).pop()?;
    let label = best.label.or_else(|| (model.manifest().task == Task::Digit).then(|| best.class.to_string()));
    Some(Best { class: u32::try_from(best.class).ok()?, label, score: best.score })
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
