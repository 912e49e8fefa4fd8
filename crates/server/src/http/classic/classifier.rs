//! The classifier (`random_classifier_project`): a photo of a signed-in user becomes the name of what is in it.

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use darkroom_api::{Code, Time};
use darkroom_core::{
    Operation,
    job::{Caching, FileName},
    operation::{Classify, Top},
    prediction::Surface,
};
use serde_json::json;

use super::thumbnail::field_required;
use crate::http::{
    Http,
    body::Incoming,
    caller::Caller,
    dashboard,
    failure::Failure,
    intake::{MAX_JSON, content_type, length},
    look::{Look, look},
    multipart::Multipart,
};

/// What every refusal of a picture begins with.
const WRONG: &str =
    "something went wrong, please check the extension or the validity of the image. More details: ";

/// Programs are greeted as ever; browsers get the dashboard.
pub(in crate::http) async fn root(State(http): State<Http>, headers: HeaderMap) -> Result<Response, Failure> {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/html") {
        return dashboard::page(&http, &headers);
    }
    let greeting = Json(json!({ "message": "Da warudo" }));
    Ok(([(header::VARY, "Accept")], greeting).into_response())
}

/// Names what is in the picture.
pub(in crate::http) async fn predict(
    State(http): State<Http>,
    caller: Caller,
    request: Request,
) -> Result<Response, Failure> {
    let username = caller.signed_in()?.user.name.to_string();
    let _room = http.json_permit(length(request.headers()).unwrap_or(MAX_JSON).min(MAX_JSON))?;
    let Some((name, image)) = upload(&http, request).await? else { return Ok(field_required()) };
    let asked = Look {
        surface: Surface::Predict,
        owner: caller.owner(),
        file_name: Some(name.clone()),
        operation: Operation::Classify(Classify { top: Top::ONE, ..Classify::default() }),
        caching: Caching::Used,
    };
    let said = match look(&http, asked, Ok(image)).await {
        Ok(said) => said,
        Err(failure) if failure.code().status() < 500 => return Ok(not_acceptable(&failure)),
        Err(failure) => return Err(failure),
    };
    let best = &said["labels"][0];
    let percent = (best["score"].as_f64().unwrap_or_default() * 100.0).round() as u64;
    Ok(Json(json!({
        "username": username,
        "filename": name.as_str(),
        "extension": name.extension(),
        "date": Time(http.now()).local(),
        "class_id": best["class_id"],
        "category_name": best["label"],
        "score": percent,
        "success": true,
    }))
    .into_response())
}

/// The field `file`: its name and content.
async fn upload(http: &Http, request: Request) -> Result<Option<(FileName, Vec<u8>)>, Failure> {
    let (head, body) = request.into_parts();
    let body = Incoming::new(body, http.config.body_timeout);
    let Ok(mut parts) = Multipart::new(&content_type(&head.headers), body) else { return Ok(None) };
    while let Some(part) = parts.next_part().await? {
        let ("file", Some(sent)) = (part.name.as_str(), part.file_name) else { continue };
        let Some(name) = FileName::clean(&sent) else { return Ok(None) };
        let mut image = Vec::new();
        while let Some(chunk) = parts.chunk().await? {
            if image.len() + chunk.len() > MAX_JSON {
                let what = format!("The picture is larger than {MAX_JSON} bytes; submit it as a job.");
                return Err(Failure::new(Code::BodyTooLarge, what));
            }
            image.extend_from_slice(&chunk);
        }
        // The rest is read so that the client can finish before it is answered.
        while parts.next_part().await?.is_some() {}
        return Ok(Some((name, image)));
    }
    Ok(None)
}

fn not_acceptable(failure: &Failure) -> Response {
    let detail = format!("{WRONG}{}", failure.detail());
    (StatusCode::NOT_ACCEPTABLE, Json(json!({ "detail": detail }))).into_response()
}
