//! What the server says of itself.

use axum::{Json, extract::State};
use darkroom_api::v2;
use darkroom_inference::Listed;

use crate::http::{Http, failure::Failure, health};

/// The extensions of the protocol that are spoken here.
const EXTENSIONS: [&str; 4] =
    ["binary_tensor_data", "classification", "model_configuration", "model_repository(index)"];

/// Name, version, extensions.
pub(in crate::http) async fn metadata() -> Json<v2::ServerMetadata> {
    Json(v2::ServerMetadata {
        name: "darkroom".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        extensions: EXTENSIONS.map(str::to_owned).into(),
    })
}

/// Whether the process answers.
pub(in crate::http) async fn live() -> Json<v2::Live> {
    Json(v2::Live { live: true })
}

/// Whether everything is there.
pub(in crate::http) async fn ready(State(http): State<Http>) -> Result<Json<v2::Ready>, Failure> {
    let Json(said) = health::ready(State(http)).await?;
    Ok(Json(v2::Ready { name: None, ready: said.ready }))
}

/// Every model at every version.
pub(in crate::http) async fn index(State(http): State<Http>) -> Json<Vec<v2::ModelIndex>> {
    Json(http.predictor.models().list().iter().map(entry).collect())
}

fn entry(listed: &Listed) -> v2::ModelIndex {
    let failure = match &listed.model {
        Ok(model) => model.failure(),
        Err(error) => Some(error.clone()),
    };
    let reason = failure.as_ref().map(crate::predict::told).unwrap_or_default();
    let state = if failure.is_some() { "UNAVAILABLE" } else { "READY" };
    v2::ModelIndex {
        name: listed.name.clone(),
        version: listed.version.clone(),
        state: state.to_owned(),
        reason,
    }
}
