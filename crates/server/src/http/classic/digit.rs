//! The digit service (Instill): a picture of a handwritten digit as base64 becomes the digit.

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use darkroom_api::Code;
use darkroom_core::{Operation, job::Caching, operation::Digit, prediction::Surface};
use serde_json::{Value, json};

use crate::http::{
    Http,
    body::Incoming,
    caller::Caller,
    failure::Failure,
    intake::{MAX_JSON, decode_base64},
    look::{Look, look},
};

/// Reads the digit in the picture.
pub(in crate::http) async fn predict(State(http): State<Http>, caller: Caller, request: Request) -> Response {
    match read(&http, &caller, request).await {
        Ok(said) => said.into_response(),
        Err(failure) => refused(failure),
    }
}

async fn read(http: &Http, caller: &Caller, request: Request) -> Result<Response, Failure> {
    let body = Incoming::new(request.into_body(), http.config.body_timeout).read(MAX_JSON).await?;
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return Ok(invalid(&["body"], "JSON decode error", "value_error.jsondecode"));
    };
    let text = match body.get("base64") {
        Some(Value::String(text)) => text.clone(),
        Some(_) => return Ok(invalid(&["body", "base64"], "str type expected", "type_error.str")),
        None => return Ok(invalid(&["body", "base64"], "field required", "value_error.missing")),
    };
    let empty = || Failure::new(Code::MissingImage, "The image is empty.");
    let image = decode_base64(text).and_then(|image| if image.is_empty() { Err(empty()) } else { Ok(image) });
    let asked = Look {
        surface: Surface::Digit,
        owner: caller.owner(),
        file_name: None,
        operation: Operation::Digit(Digit::default()),
        // The model is as quick as a look into the cache.
        caching: Caching::Refused,
    };
    let said = look(http, asked, image).await?;
    let (digit, score, scores) = (&said["digit"], &said["score"], &said["scores"]);
    Ok(Json(json!({ "pred": digit, "digit": digit, "score": score, "scores": scores })).into_response())
}

/// The same status as everywhere; a fault of the request in the words of this service.
fn refused(failure: Failure) -> Response {
    let status = match (failure.code(), failure.code().status()) {
        (_, 408 | 500..) => return failure.into_response(),
        (Code::BodyTooLarge, _) => StatusCode::PAYLOAD_TOO_LARGE,
        (Code::ImageLimit, _) => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::BAD_REQUEST,
    };
    (status, Json(json!({ "detail": failure.detail() }))).into_response()
}

/// What `FastAPI` answers to a body that does not fit.
fn invalid(place: &[&str], message: &str, kind: &str) -> Response {
    let fault = json!({ "loc": place, "msg": message, "type": kind });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "detail": [fault] }))).into_response()
}
