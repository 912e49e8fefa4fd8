//! A question to a model as the inference log tells of it.

use std::time::Duration;

use darkroom_core::{
    BlobId, JobId, Timestamp,
    job::{FileName, Owner},
    prediction::{Answer, AskedModel, Best, NewPrediction, Surface},
};
use darkroom_inference::Model;
use serde_json::Value;

/// What is known of a question before it is answered.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// Where it is asked.
    pub(crate) surface: Surface,
    /// What is asked: an operation's name, or `infer`.
    pub(crate) operation: &'static str,
    /// Who asks.
    pub(crate) owner: Owner,
    /// The job that asks.
    pub(crate) job: Option<JobId>,
    /// What the image is called.
    pub(crate) file_name: Option<FileName>,
    /// The content address of what is asked about.
    pub(crate) input: Option<BlobId>,
    /// Who is asked.
    pub(crate) model: Option<AskedModel>,
}

/// How long it took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Took {
    /// From the question to the answer.
    pub(crate) whole: Duration,
    /// From asking the model to its answer.
    pub(crate) model: Option<Duration>,
}

impl Question {
    /// The entry of the answer that was given at `at`.
    pub(crate) fn entry(self, at: Timestamp, took: Took, answer: Answer) -> NewPrediction {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        NewPrediction {
            at,
            surface: self.surface,
            operation: self.operation.to_owned(),
            model: self.model,
            owner: self.owner,
            job: self.job,
            file_name: self.file_name,
            input: self.input,
            answer,
            took_us: micros(took.whole),
            model_us: took.model.map(micros),
            cached: false,
        }
    }
}

/// A model that was found.
pub(crate) fn found(model: &Model) -> AskedModel {
    let manifest = model.manifest();
    AskedModel {
        name: manifest.name.clone(),
        version: Some(manifest.version.clone()),
        digest: Some(model.digest().to_owned()),
    }
}

/// The model that a result names.
pub(crate) fn named_in(document: &Value) -> Option<AskedModel> {
    let text = |field: &str| document.get(field).and_then(Value::as_str).map(str::to_owned);
    Some(AskedModel { name: text("model")?, version: text("version"), digest: text("digest") })
}

/// The likeliest label of a result: the first of its labels, or its digit.
pub(crate) fn best(document: &Value) -> Option<Best> {
    let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
    let score = |value: &Value| value.get("score").and_then(Value::as_f64).unwrap_or_default() as f32;
    if let Some(digit) = document.get("digit").and_then(number) {
        return Some(Best { class: digit, label: Some(digit.to_string()), score: score(document) });
    }
    let first = document.get("labels")?.get(0)?;
    let label = first.get("label").and_then(Value::as_str).map(str::to_owned);
    Some(Best { class: first.get("class_id").and_then(number)?, label, score: score(first) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_likeliest_label_is_found_in_every_kind_of_result() {
        let labels =
            json!({ "labels": [{ "class_id": 3, "label": "cat", "score": 0.5 }, { "class_id": 1 }] });
        assert_eq!(best(&labels), Some(Best { class: 3, label: Some("cat".to_owned()), score: 0.5 }));
        let digit = json!({ "digit": 7, "score": 0.25, "scores": [] });
        assert_eq!(best(&digit), Some(Best { class: 7, label: Some("7".to_owned()), score: 0.25 }));
        for none in [json!({ "labels": [] }), json!({ "outputs": [] }), json!(null), json!({ "digit": -1 })] {
            assert_eq!(best(&none), None, "{none}");
        }
    }
}
