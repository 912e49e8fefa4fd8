//! What a model said, as a document and as files.

use darkroom_core::operation::{AnyModel, TensorFormat};
use darkroom_inference::{Data, ElementType, InferenceError, Model, Named, Tensor};
use serde_json::{Value, json};

use crate::npy;

/// Values of all outputs that a document holds at most; more belong into files (`"tensors": "npy"`).
const MAX_JSON_VALUES: usize = 100_000;

/// An answer.
#[derive(Debug)]
pub(crate) struct Said {
    /// The result as the API shows it.
    pub(crate) document: Value,
    /// Files that are to become artifacts.
    pub(crate) files: Vec<File>,
}

/// An artifact that has no name yet.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) stem: String,
    pub(crate) extension: &'static str,
    pub(crate) media_type: &'static str,
    pub(crate) bytes: Vec<u8>,
    /// The object of the document that tells its name and size, as a JSON pointer.
    pub(crate) place: String,
}

/// The likeliest labels.
pub(super) fn labels(model: &Model, scores: &[f32], top: usize, threshold: f32) -> Said {
    let labels: Vec<Value> = model
        .top(scores, top, threshold)
        .into_iter()
        .map(|found| json!({ "class_id": found.class, "label": found.label, "score": found.score }))
        .collect();
    said(model, json!({ "labels": labels }))
}

/// The digit, and how likely each of the ten is.
pub(super) fn digit(model: &Model, scores: &[f32]) -> Result<Said, InferenceError> {
    if scores.len() != 10 {
        let detail = format!("it has {} classes, not the ten digits", scores.len());
        return Err(InferenceError::BadModel { model: model.id().to_owned(), detail });
    }
    let best = model.top(scores, 1, 0.0);
    let (digit, score) = best.first().map_or((0, 0.0), |best| (best.class, best.score));
    Ok(said(model, json!({ "digit": digit, "score": score, "scores": scores })))
}

/// The output tensors, in the document or as files.
pub(super) fn tensors(
    model: &Model,
    outputs: &[Named],
    form: TensorFormat,
    stem: Option<String>,
) -> Result<Said, InferenceError> {
    let described = |(name, tensor): &Named| json!({ "name": name, "datatype": tensor.element_type().name(), "shape": tensor.shape() });
    match form {
        TensorFormat::Json => {
            let count: usize = outputs.iter().map(|(_, tensor)| tensor.data().len()).sum();
            if count > MAX_JSON_VALUES {
                let what =
                    format!("{count} output values are too many for JSON; ask for \"tensors\": \"npy\"");
                return Err(InferenceError::BadInput(what));
            }
            let with_values = |output: &Named| {
                let mut document = described(output);
                document["data"] = values(output.1.data());
                document
            };
            let outputs: Vec<Value> = outputs.iter().map(with_values).collect();
            Ok(said(model, json!({ "outputs": outputs })))
        }
        TensorFormat::Npy => {
            let stem = stem.unwrap_or_else(|| model.manifest().name.clone());
            let file = |(number, (name, tensor)): (usize, &Named)| {
                Ok(File {
                    stem: file_stem(&stem, name),
                    extension: "npy",
                    media_type: "application/octet-stream",
                    bytes: npy(tensor)?,
                    place: format!("/outputs/{number}"),
                })
            };
            let files = outputs.iter().enumerate().map(file).collect::<Result<_, InferenceError>>()?;
            let outputs: Vec<Value> = outputs.iter().map(described).collect();
            Ok(Said { files, ..said(model, json!({ "outputs": outputs })) })
        }
    }
}

/// What the file of an output tensor is called in a job that asks so, for a document of [`TensorFormat::Npy`].
pub(crate) fn tensor_stem(asked: &AnyModel, document: &Value, number: usize) -> Option<String> {
    let model = || document.get("model").and_then(Value::as_str);
    let stem = asked.name.as_ref().map(darkroom_core::operation::ArtifactStem::as_str).or_else(model)?;
    Some(file_stem(stem, document.pointer(&format!("/outputs/{number}/name"))?.as_str()?))
}

fn file_stem(stem: &str, tensor: &str) -> String {
    format!("{stem}-{}", plain(tensor))
}

/// A document with the model that said it.
pub(super) fn said(model: &Model, mut document: Value) -> Said {
    let manifest = model.manifest();
    document["model"] = json!(manifest.name);
    document["version"] = json!(manifest.version);
    document["digest"] = json!(model.digest());
    Said { document, files: Vec::new() }
}

/// A tensor's name as part of a file's.
fn plain(name: &str) -> String {
    name.chars().take(60).map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

fn values(data: &Data) -> Value {
    match data {
        Data::Bool(values) => json!(values),
        Data::U8(values) => json!(values),
        Data::U16(values) => json!(values),
        Data::U32(values) => json!(values),
        Data::U64(values) => json!(values),
        Data::I8(values) => json!(values),
        Data::I16(values) => json!(values),
        Data::I32(values) => json!(values),
        Data::I64(values) => json!(values),
        Data::F16(values) => json!(values.iter().map(|value| value.to_f32()).collect::<Vec<_>>()),
        Data::F32(values) => json!(values),
        Data::F64(values) => json!(values),
        Data::Bytes(values) => json!(values.iter().map(|v| String::from_utf8_lossy(v)).collect::<Vec<_>>()),
    }
}

/// As `NumPy` writes it.
fn npy(tensor: &Tensor) -> Result<Vec<u8>, InferenceError> {
    let refused = |why: &str| InferenceError::BadInput(why.to_owned());
    let kind = match tensor.element_type() {
        ElementType::Bool => "|b1",
        ElementType::U8 => "|u1",
        ElementType::I8 => "|i1",
        ElementType::U16 => "<u2",
        ElementType::U32 => "<u4",
        ElementType::U64 => "<u8",
        ElementType::I16 => "<i2",
        ElementType::I32 => "<i4",
        ElementType::I64 => "<i8",
        ElementType::F16 => "<f2",
        ElementType::F32 => "<f4",
        ElementType::F64 => "<f8",
        ElementType::Bytes => return Err(refused("strings cannot be written as npy")),
    };
    let header = npy::header(kind, tensor.shape(), 0);
    let mut file = header.ok_or_else(|| refused("the shape is too long for npy"))?;
    file.extend(tensor.data().to_bytes());
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_is_written_as_numpy_writes_it() {
        let tensor = Tensor::new([2, 1], Data::F32(vec![1.0, -2.0])).unwrap();
        let file = npy(&tensor).unwrap();
        assert_eq!(&file[..10], b"\x93NUMPY\x01\x00\x76\x00");
        assert!(file[10..].starts_with(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }"));
        assert_eq!((file[127], file.len()), (b'\n', 136));
        assert_eq!(file[128..], [0, 0, 128, 63, 0, 0, 0, 192]);
    }

    #[test]
    fn a_tensor_without_dimensions_has_an_empty_shape() {
        let file = npy(&Tensor::new([], Data::I64(vec![7])).unwrap()).unwrap();
        assert!(file[10..].starts_with(b"{'descr': '<i8', 'fortran_order': False, 'shape': (), }"));
    }
}
