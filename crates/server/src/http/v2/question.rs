//! From a body to a question: named tensors or encoded images, and how the answer is wanted.

use darkroom_api::{
    Code,
    v2::{InferRequest, InputParameters, OutputParameters, TensorInput},
};
use darkroom_inference::{Data, ElementType, Model, Named, Tensor};

use super::{bad, json};
use crate::http::{
    failure::{Failure, sentence},
    intake::{MAX_JSON, decode_base64},
};

/// Dimensions of a tensor.
const MAX_DIMENSIONS: usize = 32;
/// Byte strings in one tensor.
const MAX_STRINGS: usize = 1 << 20;

/// A question.
#[derive(Debug)]
pub(super) struct Question {
    /// Comes back in the answer.
    pub(super) id: Option<String>,
    pub(super) inputs: Inputs,
    pub(super) wanted: Wanted,
}

/// What goes into the model.
#[derive(Debug)]
pub(super) enum Inputs {
    Tensors(Vec<Named>),
    /// Encoded images, at least one.
    Images(Vec<Vec<u8>>),
}

/// How the answer is wanted.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// The outputs, in this order; none is all of them.
    pub(super) outputs: Vec<WantedOutput>,
    /// What outputs are that do not say.
    pub(super) form: Form,
}

/// How one output is wanted.
#[derive(Debug)]
pub(super) struct WantedOutput {
    pub(super) name: String,
    pub(super) form: Option<Form>,
    /// So many of the largest values of each row, instead of all.
    pub(super) classes: Option<usize>,
}

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Form {
    #[default]
    Json,
    Binary,
}

/// What a question is read by.
pub(super) struct Reader<'a> {
    pub(super) model: &'a Model,
    pub(super) max_images: usize,
}

impl Reader<'_> {
    /// Takes a body apart. `json_length` is how much of it is JSON; `None` is all of it, 0 is an image as it is.
    pub(super) fn read(&self, body: &[u8], json_length: Option<usize>) -> Result<Question, Failure> {
        if json_length == Some(0) {
            return self.bare_image(body);
        }
        let split = json_length.unwrap_or(body.len());
        let (text, mut binary) = body.split_at_checked(split).ok_or_else(|| {
            bad(&format!("the JSON is said to have {split} bytes, but the body has {}", body.len()))
        })?;
        let request = parse(text)?;
        if request.parameters.as_ref().is_some_and(|given| given.sequence_id.is_some()) {
            return Err(bad("sequences are not supported; leave `sequence_id` out"));
        }
        let default = request.parameters.as_ref().and_then(|given| given.binary_data_output);
        let wanted = Wanted { outputs: outputs(&request)?, form: form(default).unwrap_or_default() };
        let inputs = self.inputs(&request.inputs, &mut binary)?;
        if !binary.is_empty() {
            return Err(bad(&format!("{} bytes of binary data belong to no input", binary.len())));
        }
        Ok(Question { id: request.id, inputs, wanted })
    }

    /// A body that is nothing but one image.
    fn bare_image(&self, body: &[u8]) -> Result<Question, Failure> {
        if self.model.manifest().image.is_none() {
            let id = self.model.id();
            let words = format!("model `{id}` takes no images, so its inputs need JSON that names them");
            return Err(bad(&words));
        }
        let inputs = Inputs::Images(there(vec![body.to_vec()])?);
        Ok(Question { id: None, inputs, wanted: Wanted::default() })
    }

    fn inputs(&self, all: &[TensorInput<'_>], binary: &mut &[u8]) -> Result<Inputs, Failure> {
        if all.is_empty() {
            return Err(bad("there are no inputs"));
        }
        let mut tensors = Vec::with_capacity(all.len());
        for input in all {
            let shape = shape(input)?;
            let kind = kind(input)?;
            if let Some(rows) = self.images_in(input, kind, &shape)? {
                let [_] = all else { return Err(bad("an image is a model's only input")) };
                return Ok(Inputs::Images(images(input, kind, (rows, &shape), binary)?));
            }
            let data = values(input, kind, &shape, binary)?;
            let tensor = Tensor::new(shape, data);
            let tensor = tensor.ok_or_else(|| about(input, "has another number of values than its shape"))?;
            tensors.push((input.name.clone(), tensor));
        }
        Ok(Inputs::Tensors(tensors))
    }

    /// How many encoded images an input holds; `None` if it is a tensor as it stands.
    ///
    /// Byte strings are images for a model that takes images. So are bytes without the dimensions of pixels, one image
    /// a row, as clients of Triton's DALI send them.
    fn images_in(
        &self,
        input: &TensorInput<'_>,
        kind: ElementType,
        shape: &[usize],
    ) -> Result<Option<usize>, Failure> {
        let image = self.model.manifest().image.as_ref();
        let Some(_) = image.filter(|image| image.input == input.name) else { return Ok(None) };
        let rows = match (kind, shape) {
            (ElementType::Bytes, [rows] | [rows, 1]) => *rows,
            (ElementType::Bytes, _) => {
                return Err(about(input, "has encoded images, whose shape is [n] or [n, 1]"));
            }
            (ElementType::U8, [_]) => 1,
            (ElementType::U8, [rows, _]) => *rows,
            _ => return Ok(None),
        };
        match rows {
            0 => Err(about(input, "has no image")),
            rows if rows > self.max_images => {
                let words = format!("has {rows} images; {} may be in one request", self.max_images);
                Err(about(input, &words))
            }
            rows => Ok(Some(rows)),
        }
    }
}

fn parse(text: &[u8]) -> Result<InferRequest<'_>, Failure> {
    if text.len() > MAX_JSON {
        let words = format!("The JSON is larger than {MAX_JSON} bytes; send tensors as binary data.");
        return Err(Failure::new(Code::BodyTooLarge, words));
    }
    if text.trim_ascii().is_empty() {
        return Err(bad("the body is empty"));
    }
    // A list would be taken as the fields in their order.
    if text.trim_ascii_start().starts_with(b"[") {
        return Err(bad("send a JSON object"));
    }
    serde_json::from_slice(text).map_err(|error| {
        let code = if error.is_data() { Code::InvalidJob } else { Code::MalformedBody };
        Failure::new(code, sentence(&error.to_string()))
    })
}

fn outputs(request: &InferRequest<'_>) -> Result<Vec<WantedOutput>, Failure> {
    let mut all: Vec<WantedOutput> = Vec::new();
    for output in request.outputs.iter().flatten() {
        let default = OutputParameters::default();
        let given = output.parameters.as_ref().unwrap_or(&default);
        if given.shared_memory_region.is_some() {
            return Err(no_shared_memory(&output.name));
        }
        if all.iter().any(|known| known.name == output.name) {
            return Err(bad(&format!("output `{}` is asked for twice", output.name)));
        }
        let classes = given.classification.map(|count| {
            usize::try_from(count).ok().filter(|count| *count > 0).ok_or_else(|| {
                bad(&format!("output `{}`: `classification` is at least 1, not {count}", output.name))
            })
        });
        all.push(WantedOutput {
            name: output.name.clone(),
            form: form(given.binary_data),
            classes: classes.transpose()?,
        });
    }
    Ok(all)
}

fn form(binary: Option<bool>) -> Option<Form> {
    binary.map(|binary| if binary { Form::Binary } else { Form::Json })
}

fn kind(input: &TensorInput<'_>) -> Result<ElementType, Failure> {
    ElementType::named(&input.datatype).ok_or_else(|| {
        about(input, &format!("has the datatype `{}`, which is not supported", input.datatype))
    })
}

fn shape(input: &TensorInput<'_>) -> Result<Vec<usize>, Failure> {
    if input.shape.len() > MAX_DIMENSIONS {
        return Err(about(input, &format!("has more than {MAX_DIMENSIONS} dimensions")));
    }
    let sides: Option<Vec<usize>> = input.shape.iter().map(|side| usize::try_from(*side).ok()).collect();
    sides.ok_or_else(|| about(input, &format!("cannot have the shape {:?}", input.shape)))
}

/// The values of an input, wherever they are.
fn values(
    input: &TensorInput<'_>,
    kind: ElementType,
    shape: &[usize],
    binary: &mut &[u8],
) -> Result<Data, Failure> {
    let count = shape.iter().try_fold(1usize, |product, side| product.checked_mul(*side));
    let count = count.ok_or_else(|| about(input, "has a shape with more values than can be counted"))?;
    let default = InputParameters::default();
    let given = input.parameters.as_ref().unwrap_or(&default);
    if given.shared_memory_region.is_some() {
        return Err(no_shared_memory(&input.name));
    }
    match (given.binary_data_size, input.data) {
        (Some(_), Some(_)) => Err(about(input, "has `data` and binary data; one of them is enough")),
        (None, None) => Err(about(input, "has neither `data` nor binary data")),
        (None, Some(data)) => json::values(data.get(), kind, count).map_err(|what| about(input, &what)),
        (Some(size), None) => {
            let piece = taken(binary, size).ok_or_else(|| {
                about(input, &format!("says {size} bytes of binary data, but {} are left", binary.len()))
            })?;
            from_bytes(piece, kind, count).map_err(|what| about(input, &what))
        }
    }
}

/// The first `size` bytes, which are taken off.
fn taken<'a>(binary: &mut &'a [u8], size: u64) -> Option<&'a [u8]> {
    let (piece, rest) = binary.split_at_checked(usize::try_from(size).ok()?)?;
    *binary = rest;
    Some(piece)
}

/// Counts first, so that nothing is made of bytes that do not fit.
fn from_bytes(bytes: &[u8], kind: ElementType, count: usize) -> Result<Data, String> {
    if let Some(width) = kind.width()
        && count.checked_mul(width) != Some(bytes.len())
    {
        return Err(format!(
            "has {} bytes of binary data, which are not its shape's {count} values",
            bytes.len()
        ));
    }
    // Each string has four bytes for its length.
    if kind == ElementType::Bytes && (count > MAX_STRINGS || bytes.len() / 4 < count) {
        return Err(format!("has no {count} byte strings in {} bytes", bytes.len()));
    }
    if kind == ElementType::Bytes && strings(bytes) > count {
        return Err(format!("has more than the {count} byte strings of its shape"));
    }
    let data = Data::from_bytes(kind, bytes).map_err(|what| format!("has bad binary data: {what}"))?;
    match data.len() {
        is if is == count => Ok(data),
        is => Err(format!("has {is} values, its shape has {count}")),
    }
}

/// How many byte strings there are, as far as the lengths are right.
fn strings(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let Some((_, rest)) = rest.split_at_checked(u32::from_le_bytes(*length) as usize) else { break };
        (bytes, count) = (rest, count + 1);
    }
    count
}

/// The encoded images of an input, whose number is known.
fn images(
    input: &TensorInput<'_>,
    kind: ElementType,
    (rows, shape): (usize, &[usize]),
    binary: &mut &[u8],
) -> Result<Vec<Vec<u8>>, Failure> {
    match values(input, kind, shape, binary)? {
        Data::Bytes(texts) if input.data.is_some() => {
            let decoded = texts.into_iter().map(|text| base64(input, text)).collect::<Result<_, _>>();
            there(decoded?)
        }
        Data::Bytes(images) => there(images),
        Data::U8(all) if all.len() >= rows => {
            there(all.chunks_exact(all.len() / rows).map(<[u8]>::to_vec).collect())
        }
        _ => Err(about(input, "has no image")),
    }
}

fn base64(input: &TensorInput<'_>, text: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let text = String::from_utf8(text).map_err(|_| about(input, "has an image that is not base64"))?;
    decode_base64(text).map_err(|_| about(input, "has an image that is not base64"))
}

/// The images, none of which is empty.
fn there(images: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, Failure> {
    match images.iter().position(Vec::is_empty) {
        Some(at) => Err(bad(&format!("image {at} is empty"))),
        None => Ok(images),
    }
}

fn about(input: &TensorInput<'_>, what: &str) -> Failure {
    bad(&format!("input `{}` {what}", input.name))
}

fn no_shared_memory(name: &str) -> Failure {
    bad(&format!("`{name}` is said to be in shared memory, which is not supported"))
}
