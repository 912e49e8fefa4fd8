//! Known inputs with parts of their results: the same model gives the same numbers on any machine, up to rounding.

use std::fmt;

use darkroom_imaging::{Frame, Layout};

use crate::{
    Data, ElementType, InferenceError, Model, Named, Tensor, TensorInfo,
    manifest::{Check, CheckInput},
};

/// Width and height of the images of [`CheckInput`].
const SIZE: [u32; 2] = [320, 240];

/// Values of one input that is made up.
const MOST_VALUES: usize = 16 << 20;

/// A value that is not what it must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Its position in the scores, or in the first output of a model without `[output]`.
    pub at: usize,
    /// What the manifest says.
    pub expected: f32,
    /// What came out; nothing if the output is shorter.
    pub found: Option<f32>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, expected, found } = self;
        match found {
            Some(found) => write!(f, "value {at} is {found}, not {expected} as the manifest says"),
            None => write!(f, "there is no value {at}; the manifest says {expected}"),
        }
    }
}

/// Runs the model on the input of a check, and gives every value that is off by more than its tolerance. Loads the
/// model if need be, and blocks until it has answered: not for asynchronous code.
pub fn run(model: &Model, check: &Check) -> Result<Vec<Difference>, InferenceError> {
    let found = values(model, check.input)?;
    let differences = check.at.iter().zip(&check.values).map(|(&at, &expected)| Difference {
        at,
        expected,
        found: found.get(at).copied(),
    });
    let off = |difference: &Difference| {
        difference.found.is_none_or(|found| {
            let distance = (found - difference.expected).abs();
            // Not `>`: a value that is no number is never right.
            !matches!(
                distance.partial_cmp(&check.tolerance),
                Some(std::cmp::Ordering::Less | std::cmp::Ordering::Equal)
            )
        })
    };
    Ok(differences.filter(off).collect())
}

/// The scores for an input, or the first output of a model that has none.
fn values(model: &Model, input: CheckInput) -> Result<Vec<f32>, InferenceError> {
    let manifest = model.manifest();
    if manifest.image.is_some() && manifest.output.is_some() {
        return model.predict_image(&frame(input))?.wait();
    }
    let outputs = if manifest.image.is_some() {
        model.infer_image(&frame(input))?.wait()?
    } else {
        let inputs = tensors(model, input)?;
        model.infer(inputs)?.wait()?
    };
    let output = match &manifest.output {
        Some(output) => outputs.into_iter().find(|(name, _)| *name == output.name),
        None => outputs.into_iter().next(),
    };
    match output.as_ref().map(|(_, tensor)| tensor.data()) {
        Some(Data::F32(values)) => Ok(values.clone()),
        _ => Err(InferenceError::Failed {
            model: model.id().to_owned(),
            detail: "its first output holds no 32-bit floats, which a check needs".to_owned(),
        }),
    }
}

/// The image of a check.
fn frame(input: CheckInput) -> Frame {
    let [width, height] = SIZE;
    let pixel = |x: u32, y: u32| match input {
        CheckInput::Gradient => {
            [255 * x / (width - 1), 255 * y / (height - 1), (x + y) % 256].map(|v| v as u8)
        }
        CheckInput::Grey => [128; 3],
    };
    let pixels = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
    Frame { width, height, layout: Layout::Rgb, pixels }
}

/// The tensors of a check for a model that takes no images; free dimensions are 1.
fn tensors(model: &Model, input: CheckInput) -> Result<Vec<Named>, InferenceError> {
    let signature = model.ready()?.wait()?;
    let failed = |detail: String| InferenceError::Failed { model: model.id().to_owned(), detail };
    let one = |info: &TensorInfo| {
        let no_floats =
            || failed(format!("input `{}` takes no 32-bit floats, which a check needs", info.name));
        if info.element_type != ElementType::F32 {
            return Err(no_floats());
        }
        let shape: Vec<usize> =
            info.shape.as_deref().unwrap_or_default().iter().map(|side| side.unwrap_or(1)).collect();
        let count = shape.iter().try_fold(1_usize, |product, &side| product.checked_mul(side));
        let count = count.filter(|&count| count <= MOST_VALUES);
        let count = count.ok_or_else(|| failed(format!("input `{}` is too large for a check", info.name)))?;
        let value = |at: usize| match input {
            CheckInput::Gradient => at as f32 / count as f32,
            CheckInput::Grey => 0.5,
        };
        let tensor = Tensor::new(shape, Data::F32((0..count).map(value).collect()));
        Ok((info.name.clone(), tensor.ok_or_else(no_floats)?))
    };
    signature.inputs.iter().map(one).collect()
}
