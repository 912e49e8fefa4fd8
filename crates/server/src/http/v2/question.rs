//! From a body to a question: named tensors or encoded images, and how the answer is wanted.

use darkroom_api::{
    Code,
    v2::{InferRequest, OutputParameters, TensorInput},
};
use darkroom_inference::{Data, ElementType, Model, Named, Tensor};

use super::{
    bad,
    values::{about, kind, no_shared_memory, shape, values},
};
use crate::http::{
    failure::{Failure, sentence},
    intake::{MAX_JSON, decode_base64},
};

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

impl Inputs {
    /// The image, if there is exactly one.
    pub(super) fn only_image(&self) -> Option<&[u8]> {
        match self {
            Self::Images(files) if files.len() == 1 => files.first().map(Vec::as_slice),
            _ => None,
        }
    }
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
            (ElementType::Bytes, [rows] | [rows, 1]) | (ElementType::U8, [rows, _]) => *rows,
            (ElementType::U8, [_]) => 1,
            (ElementType::Bytes, _) => {
                return Err(about(input, "has encoded images, whose shape is [n] or [n, 1]"));
            }
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
