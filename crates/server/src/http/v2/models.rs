//! What the server says of a model. What a model takes and gives stands in its file, so asking loads it.

use std::sync::Arc;

use axum::{Json, extract::State};
use darkroom_api::v2;
use darkroom_inference::{ElementType, InferenceError, Model, Signature, TensorInfo, manifest::Layout};

use super::{Named, unanswered};
use crate::http::{Http, failure::Failure};

/// What runs every model, in Triton's words.
const PLATFORM: &str = "onnxruntime_onnx";

/// A model's tensors.
pub(in crate::http) async fn metadata(
    State(http): State<Http>,
    named: Named,
) -> Result<Json<v2::ModelMetadata>, Failure> {
    let model = meant(&http, &named)?;
    let signature = signature(&model).await?;
    let manifest = model.manifest();
    let versions = match &named.version {
        Some(version) => vec![version.clone()],
        None => versions(&http, &named.model),
    };
    let notes = |info: &TensorInfo| {
        manifest.image.as_ref().filter(|image| image.input == info.name)?;
        let max_images = http.config.max_infer_images as u64;
        Some(v2::InputNotes { encoded_images: ElementType::Bytes.name().to_owned(), max_images })
    };
    let input = |info| v2::TensorMetadata { parameters: notes(info), ..tensor(info) };
    Ok(Json(v2::ModelMetadata {
        name: manifest.name.clone(),
        versions,
        platform: PLATFORM.to_owned(),
        inputs: signature.inputs.iter().map(input).collect(),
        outputs: signature.outputs.iter().map(tensor).collect(),
        parameters: v2::ModelNotes {
            task: manifest.task.as_str().to_owned(),
            digest: model.digest().to_owned(),
            licence: manifest.licence.clone(),
            labels: model.labels().len() as u64,
        },
    }))
}

/// Whether a model can be asked.
pub(in crate::http) async fn ready(
    State(http): State<Http>,
    named: Named,
) -> Result<Json<v2::Ready>, Failure> {
    let model = meant(&http, &named)?;
    if !model.is_loaded() {
        model.ready().map_err(unanswered)?.await.map_err(unanswered)?;
    }
    Ok(Json(v2::Ready { name: Some(model.manifest().name.clone()), ready: true }))
}

/// A model's configuration.
pub(in crate::http) async fn config(
    State(http): State<Http>,
    named: Named,
) -> Result<Json<v2::ModelConfig>, Failure> {
    let model = meant(&http, &named)?;
    let signature = signature(&model).await?;
    let manifest = model.manifest();
    let batches = batches(&signature);
    let format = |info: &TensorInfo| {
        let image = manifest.image.as_ref().filter(|image| image.input == info.name);
        match image.map(|image| image.layout) {
            Some(Layout::Nchw) => "FORMAT_NCHW",
            Some(Layout::Nhwc) => "FORMAT_NHWC",
            None => "FORMAT_NONE",
        }
    };
    let input = |info: &TensorInfo| v2::ConfigInput {
        name: info.name.clone(),
        data_type: data_type(info.element_type),
        format: format(info).to_owned(),
        dims: dims(info, batches),
    };
    let output = |info: &TensorInfo| v2::ConfigOutput {
        name: info.name.clone(),
        data_type: data_type(info.element_type),
        dims: dims(info, batches),
    };
    Ok(Json(v2::ModelConfig {
        name: manifest.name.clone(),
        platform: PLATFORM.to_owned(),
        backend: "onnxruntime".to_owned(),
        max_batch_size: if batches == Batches::Yes { manifest.batch.most as u64 } else { 0 },
        input: signature.inputs.iter().map(input).collect(),
        output: signature.outputs.iter().map(output).collect(),
    }))
}

/// Whether the first dimension of every tensor is that of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Batches {
    Yes,
    No,
}

/// Whether the first dimension of every tensor of a model is free.
pub(super) fn batches(signature: &Signature) -> Batches {
    let free = signature.inputs.iter().chain(&signature.outputs).all(TensorInfo::takes_batches);
    if free { Batches::Yes } else { Batches::No }
}

/// The model that a path names.
pub(super) fn meant(http: &Http, named: &Named) -> Result<Arc<Model>, InferenceError> {
    http.predictor.models().get(&named.model, named.version.as_deref())
}

/// What a model takes and gives. Loads it if need be.
pub(super) async fn signature(model: &Model) -> Result<Arc<Signature>, Failure> {
    match model.signature() {
        Some(signature) => Ok(signature),
        None => model.ready().map_err(unanswered)?.await.map_err(unanswered),
    }
}

fn versions(http: &Http, name: &str) -> Vec<String> {
    let listed = http.predictor.models().list();
    listed.into_iter().filter(|listed| listed.name == name).map(|listed| listed.version).collect()
}

fn tensor(info: &TensorInfo) -> v2::TensorMetadata {
    v2::TensorMetadata {
        name: info.name.clone(),
        datatype: info.element_type.name().to_owned(),
        shape: dims(info, Batches::No),
        parameters: None,
    }
}

/// The dimensions, without the first if that is a batch's; -1 for those that are free.
fn dims(info: &TensorInfo, batches: Batches) -> Vec<i64> {
    let side = |side: &Option<usize>| side.map_or(-1, |side| side as i64);
    // Where not even the number of dimensions is known, there is one that may be any.
    let Some(shape) = &info.shape else { return vec![-1] };
    shape.iter().skip(usize::from(batches == Batches::Yes)).map(side).collect()
}

/// Triton's word for a type.
fn data_type(kind: ElementType) -> String {
    match kind {
        ElementType::Bytes => "TYPE_STRING".to_owned(),
        kind => format!("TYPE_{}", kind.name()),
    }
}
