//! `GET /v1/models`: what models there are.

use axum::{Json, extract::State};
use darkroom_api::{Latency, ModelInfo, ModelState, ModelTensor, ModelsList};
use darkroom_inference::{Listed, Model};

use super::Http;
use crate::predict::Counted;

/// Every model, by name and version.
pub(super) async fn list(State(http): State<Http>) -> Json<ModelsList> {
    Json(ModelsList {
        models: http.predictor.models().list().iter().map(|listed| counted(&http, info(listed))).collect(),
    })
}

/// With what is known of its use.
fn counted(http: &Http, info: ModelInfo) -> ModelInfo {
    let Counted { asked, failed, measured, latency } = http.predictor.tally().of(&info.name, &info.version);
    let [p50_ms, p95_ms, p99_ms] = [0, 1, 2].map(|place| latency.map(|us| us[place] as f64 / 1e3));
    let latency = Latency { count: measured, p50_ms, p95_ms, p99_ms };
    ModelInfo { requests: asked, failures: failed, latency, ..info }
}

fn info(listed: &Listed) -> ModelInfo {
    let (name, version) = (listed.name.clone(), listed.version.clone());
    match &listed.model {
        Ok(model) => described(name, version, model),
        Err(error) => ModelInfo {
            name,
            version,
            state: ModelState::Broken,
            failure: Some(error.to_string()),
            ..ModelInfo::default()
        },
    }
}

fn described(name: String, version: String, model: &Model) -> ModelInfo {
    let manifest = model.manifest();
    let failure = model.failure();
    let state = match &failure {
        Some(_) => ModelState::Broken,
        None if model.is_loaded() => ModelState::Loaded,
        None => ModelState::Unloaded,
    };
    let image = manifest.image.as_ref().map(|image| ModelTensor {
        name: image.input.clone(),
        shape: image.shape().into_iter().map(|side| side as u64).collect(),
    });
    ModelInfo {
        name,
        version,
        state,
        task: serde_json::to_value(manifest.task).ok().and_then(|word| word.as_str().map(str::to_owned)),
        digest: Some(model.digest().to_owned()),
        licence: Some(manifest.licence.clone()),
        source: Some(manifest.source.clone()).filter(|source| !source.is_empty()),
        image,
        labels: model.labels().len() as u64,
        waiting: model.waiting() as u64,
        failure: failure.map(|failure| failure.to_string()),
        memory_bytes: model.weight_bytes().filter(|_| state == ModelState::Loaded),
        ..ModelInfo::default()
    }
}
