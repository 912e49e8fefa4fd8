//! From the outputs of a model to a body: JSON, with binary tensors behind it where that is wanted.

use std::borrow::Cow;

use darkroom_api::v2::{InferOutput, InferResponse, OutputSize};
use darkroom_inference::{Data, Model, Named, Signature, Tensor};
use serde_json::value::{RawValue, to_raw_value};

use super::{
    bad, classes,
    models::batches,
    question::{Form, Wanted, WantedOutput},
};
use crate::http::failure::Failure;

/// Bytes that a value takes in JSON at most, as far as numbers go.
const JSON_VALUE: usize = 24;

/// A body, and how much of it is JSON if binary data follows.
pub(super) struct Written {
    pub(super) body: Vec<u8>,
    pub(super) json_length: Option<usize>,
}

/// What an answer is written by.
pub(super) struct Writer<'a> {
    pub(super) model: &'a Model,
    pub(super) signature: &'a Signature,
    /// Bytes of the answer at most.
    pub(super) most: usize,
}

impl Writer<'_> {
    /// Refuses what cannot be answered before anything is run for it.
    pub(super) fn check(&self, wanted: &Wanted) -> Result<(), Failure> {
        for output in &wanted.outputs {
            let known = self.signature.outputs.iter().find(|info| info.name == output.name);
            let info = known.ok_or_else(|| bad(&format!("there is no output `{}`", output.name)))?;
            if output.classes.is_some() && !classes::can_rank(info.element_type) {
                let (name, kind) = (&output.name, info.element_type.name());
                return Err(bad(&format!("output `{name}` is {kind}, which is not to be classified")));
            }
        }
        Ok(())
    }

    /// The answer.
    pub(super) fn write(
        &self,
        id: Option<String>,
        wanted: &Wanted,
        outputs: Vec<Named>,
    ) -> Result<Written, Failure> {
        let chosen = self.chosen(wanted, outputs)?;
        let cost: usize = chosen.iter().map(|(_, tensor, form)| cost(tensor.data(), *form)).sum();
        if cost > self.most {
            let most = self.most;
            return Err(bad(&format!("the answer would be larger than {most} bytes; ask for less at once")));
        }
        let mut binary = Vec::new();
        let mut answered = Vec::with_capacity(chosen.len());
        for (name, tensor, form) in &chosen {
            answered.push(written(name, tensor, *form, &mut binary)?);
        }
        let manifest = self.model.manifest();
        let response = InferResponse {
            model_name: manifest.name.clone(),
            model_version: manifest.version.clone(),
            id,
            outputs: answered,
        };
        let mut body = serde_json::to_vec(&response).map_err(unwritable)?;
        let has_binary = chosen.iter().any(|(_, _, form)| *form == Form::Binary);
        let json_length = has_binary.then_some(body.len());
        body.append(&mut binary);
        Ok(Written { body, json_length })
    }

    /// The outputs that are wanted, in the order in which they are.
    fn chosen(
        &self,
        wanted: &Wanted,
        mut outputs: Vec<Named>,
    ) -> Result<Vec<(String, Tensor, Form)>, Failure> {
        if wanted.outputs.is_empty() {
            return Ok(outputs.into_iter().map(|(name, tensor)| (name, tensor, wanted.form)).collect());
        }
        let mut chosen = Vec::with_capacity(wanted.outputs.len());
        for WantedOutput { name, form, classes } in &wanted.outputs {
            let at = outputs.iter().position(|(known, _)| known == name);
            let at = at.ok_or_else(|| bad(&format!("there is no output `{name}`")))?;
            let (name, tensor) = outputs.swap_remove(at);
            let tensor = match classes {
                None => tensor,
                Some(count) => self.classified(&name, &tensor, *count)?,
            };
            chosen.push((name, tensor, form.unwrap_or(wanted.form)));
        }
        Ok(chosen)
    }

    /// Only the output of the scores has the manifest's labels.
    fn classified(&self, name: &str, tensor: &Tensor, count: usize) -> Result<Tensor, Failure> {
        let scores = self.model.manifest().output.as_ref().is_some_and(|output| output.name == name);
        let labels: &[String] = if scores { self.model.labels() } else { &[] };
        classes::classify(tensor, count, labels, batches(self.signature))
            .ok_or_else(|| bad(&format!("output `{name}` cannot be classified")))
    }
}

fn written(name: &str, tensor: &Tensor, form: Form, binary: &mut Vec<u8>) -> Result<InferOutput, Failure> {
    let mut output = InferOutput {
        name: name.to_owned(),
        datatype: tensor.element_type().name().to_owned(),
        shape: tensor.shape().iter().map(|side| *side as u64).collect(),
        parameters: None,
        data: None,
    };
    match form {
        Form::Json => output.data = Some(json(tensor.data())?),
        Form::Binary => {
            let bytes = tensor.data().to_bytes();
            output.parameters = Some(OutputSize { binary_data_size: bytes.len() as u64 });
            binary.extend_from_slice(&bytes);
        }
    }
    Ok(output)
}

/// The values as a flat array. What JSON has no number for is null.
fn json(data: &Data) -> Result<Box<RawValue>, Failure> {
    match data {
        Data::Bool(values) => to_raw_value(values),
        Data::U8(values) => to_raw_value(values),
        Data::U16(values) => to_raw_value(values),
        Data::U32(values) => to_raw_value(values),
        Data::U64(values) => to_raw_value(values),
        Data::I8(values) => to_raw_value(values),
        Data::I16(values) => to_raw_value(values),
        Data::I32(values) => to_raw_value(values),
        Data::I64(values) => to_raw_value(values),
        Data::F16(values) => to_raw_value(&values.iter().map(|value| value.to_f32()).collect::<Vec<_>>()),
        Data::F32(values) => to_raw_value(values),
        Data::F64(values) => to_raw_value(values),
        Data::Bytes(values) => {
            let texts: Vec<Cow<'_, str>> =
                values.iter().map(|value| String::from_utf8_lossy(value)).collect();
            to_raw_value(&texts)
        }
    }
    .map_err(unwritable)
}

/// What an output takes at most.
fn cost(data: &Data, form: Form) -> usize {
    match (data, form, data.element_type().width()) {
        // Every byte may have to be escaped.
        (Data::Bytes(values), Form::Json, _) => values.iter().map(|value| value.len() * 6 + 3).sum(),
        (Data::Bytes(values), Form::Binary, _) => values.iter().map(|value| value.len() + 4).sum(),
        (_, Form::Binary, width) => data.len() * width.unwrap_or(1),
        (_, Form::Json, _) => data.len() * JSON_VALUE,
    }
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
fn unwritable(error: serde_json::Error) -> Failure {
    Failure::caused(darkroom_api::Code::Internal, error)
}
