//! Known inputs against stored outputs: whether a model computes what it did when its manifest was written.

use darkroom_imaging::{Frame, Layout};

use crate::{
    InferenceError, Model,
    manifest::{Check, CheckInput},
    tensor::{Data, ElementType, Named, Tensor, TensorInfo},
};

/// A value that is not what the manifest says.
#[derive(Debug, Clone, PartialEq)]
pub struct Deviation {
    /// Which of the manifest's checks, from 0.
    pub check: usize,
    /// Which of the scores, or of the values of the first output.
    pub at: usize,
    /// What the manifest says.
    pub expected: f32,
    /// What came out; `None` where nothing did.
    pub got: Option<f32>,
}

impl Model {
    /// Runs all checks of the manifest and gives what deviates. Waits for the model; not for asynchronous code.
    pub fn check(&self) -> Result<Vec<Deviation>, InferenceError> {
        let mut deviations = Vec::new();
        for (number, check) in self.manifest().checks.iter().enumerate() {
            let values = self.values(check.input)?;
            deviations.extend(compare(number, check, &values));
        }
        Ok(deviations)
    }

    /// The scores for a check's input, or the values of the first output of a model without scores. What a manifest's
    /// `values` are taken from.
    pub fn values(&self, input: CheckInput) -> Result<Vec<f32>, InferenceError> {
        let manifest = self.manifest();
        let outputs = match (&manifest.image, &manifest.output) {
            (Some(_), Some(_)) => return self.predict_image(&frame(input))?.wait(),
            (Some(_), None) => self.infer_image(&frame(input))?.wait()?,
            (None, _) => {
                let signature = self.ready()?.wait()?;
                self.infer(tensors(&signature.inputs, input)?)?.wait()?
            }
        };
        let first = outputs.first().and_then(|(_, tensor)| tensor.to_f32());
        first.ok_or_else(|| {
            InferenceError::BadInput("the first output holds no numbers to compare".to_owned())
        })
    }
}

fn compare(number: usize, check: &Check, values: &[f32]) -> Vec<Deviation> {
    let pairs = check.at.iter().zip(&check.values);
    let deviation = |(at, expected): (&usize, &f32)| {
        let got = values.get(*at).copied();
        let right = got.is_some_and(|got| (got - expected).abs() <= check.tolerance);
        (!right).then_some(Deviation { check: number, at: *at, expected: *expected, got })
    };
    pairs.filter_map(deviation).collect()
}

/// The image that a check's input stands for.
pub fn frame(input: CheckInput) -> Frame {
    /// Width and height of the images, and of the stroke's.
    const SIZE: (u32, u32) = (320, 240);
    const STROKE: u32 = 64;
    let (width, height) = if input == CheckInput::Stroke { (STROKE, STROKE) } else { SIZE };
    let pixel = |x: u32, y: u32| match input {
        CheckInput::Gradient => {
            [x * 255 / (SIZE.0 - 1), y * 255 / (SIZE.1 - 1), (x + y) % 256].map(|v| v as u8)
        }
        CheckInput::Grey => [128; 3],
        CheckInput::Stroke if (29..35).contains(&x) && (10..54).contains(&y) => [0; 3],
        CheckInput::Stroke => [255; 3],
    };
    let pixels = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
    Frame { width, height, layout: Layout::Rgb, pixels }
}

/// The tensors that it stands for; free dimensions are 1.
fn tensors(inputs: &[TensorInfo], input: CheckInput) -> Result<Vec<Named>, InferenceError> {
    let tensor = |info: &TensorInfo| {
        let shape: Vec<usize> = info.shape.as_ref()?.iter().map(|side| side.unwrap_or(1)).collect();
        let mut tensor = Tensor::zeros(shape, info.element_type)?;
        if info.element_type == ElementType::F32 {
            let (shape, data) = tensor.into_parts();
            let count = data.len();
            let value = |i: usize| if input == CheckInput::Gradient { i as f32 / count as f32 } else { 0.5 };
            tensor = Tensor::new(shape, Data::F32((0..count).map(value).collect()))?;
        }
        Some((info.name.clone(), tensor))
    };
    let all: Option<Vec<Named>> = inputs.iter().map(tensor).collect();
    all.ok_or_else(|| InferenceError::BadInput("the model does not say the shape of its inputs".to_owned()))
}
