//! What an operator says of a model: `manifest.toml` beside the weights.
//!
//! Dropping a folder with an ONNX file and a manifest into the model folder is all that it takes to serve a model.

mod fields;
mod read;
mod validate;

use serde::{Deserialize, Serialize};

pub use read::Description;
pub(crate) use read::is_name;

use crate::Mistake;

/// The file of that name in a model's folder.
pub const FILE_NAME: &str = "manifest.toml";

/// A model, as its manifest describes it. Made by [`Manifest::parse`], which lets nothing wrong through.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Manifest {
    /// What requests call it: a-z, 0-9, `.`, `_` and `-`; the folder has the same name.
    pub name: String,
    /// Its version, of the same letters; the folder inside has the same name. 10 is above 9.
    pub version: String,
    /// What it is for.
    pub task: Task,
    /// The model file, in the same folder.
    pub file: String,
    /// SHA-256 of that file, in hexadecimal.
    pub sha256: String,
    /// The licence of the weights.
    pub licence: String,
    /// Where they come from.
    pub source: String,
    /// The file with one label a line, in the same folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<String>,
    /// Whether it runs in a process of its own, which may crash without harm; true unless said otherwise.
    pub isolated: bool,
    /// How an image becomes the input; without it the model takes tensors only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageInput>,
    /// Which output holds the scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<ScoreOutput>,
    /// How many inputs one run may take.
    pub batch: Batch,
    /// Known inputs with their outputs.
    #[serde(rename = "check", skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// A label for an image.
    Classify,
    /// A handwritten digit.
    Digit,
    /// Tensors in, tensors out.
    Tensors,
}

impl Task {
    /// The word in a manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Classify => "classify",
            Self::Digit => "digit",
            Self::Tensors => "tensors",
        }
    }
}

/// How an image becomes a tensor of the shape `[1, channels, height, width]` or `[1, height, width, channels]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImageInput {
    /// The model's input.
    pub input: String,
    /// The order of its dimensions.
    pub layout: Layout,
    /// The channels and their order.
    pub colour: Colour,
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// How the image is brought to that size.
    pub resize: Resize,
    /// What the shorter side becomes before the centre is cut out, for [`Resize::Shorter`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resize_to: Option<u32>,
    /// How pixels are weighed.
    pub filter: Filter,
    /// The level (0 to 255) beside the image, for [`Resize::Fit`].
    pub pad: u8,
    /// Subtracted from the values (0 to 255), a number a channel in the order of `colour`.
    pub mean: Vec<f32>,
    /// Divides what is left.
    pub std: Vec<f32>,
}

/// The order of the dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Batch, channels, rows, columns.
    Nchw,
    /// Batch, rows, columns, channels.
    Nhwc,
}

/// The channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Colour {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// One channel, weighed as ITU-R BT.601 does.
    Grey,
}

impl Colour {
    /// How many there are.
    pub fn channels(self) -> usize {
        if self == Self::Grey { 1 } else { 3 }
    }
}

/// How an image of any size becomes one of the model's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// The shorter side becomes `resize_to`, then the centre is cut out.
    Shorter,
    /// Stretched.
    Exact,
    /// The whole image, centred, with `pad` beside it.
    Fit,
    /// A digit, brought to the size and centre of mass that the digits of MNIST have.
    Digit,
}

/// How pixels are weighed, as Pillow does it: when reducing, over all pixels that a result covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Filter {
    Nearest,
    Bilinear,
    Bicubic,
    Lanczos3,
}

/// Where the scores are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScoreOutput {
    /// The model's output, of the shape `[1, classes]` (dimensions of 1 may follow).
    pub name: String,
    /// What its numbers are.
    pub kind: ScoreKind,
}

/// What the numbers of an output are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreKind {
    /// Any numbers; softmax is applied.
    Logits,
    /// Between 0 and 1, with the sum 1.
    Probabilities,
}

/// How many inputs one run may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Batch {
    /// At most so many; 1 where the model's first dimension is fixed.
    pub most: usize,
}

/// A known input with parts of its output: `darkroom models check` compares them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// What goes in.
    pub input: CheckInput,
    /// Positions in the (flattened) scores, or in the first output of a model without `[output]`.
    pub at: Vec<usize>,
    /// The values there.
    pub values: Vec<f32>,
    /// How far the values may be off.
    pub tolerance: f32,
}

/// Inputs that need no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckInput {
    /// Image of 320 × 240: red `255 x / 319`, green `255 y / 239`, blue `(x + y) mod 256`, rounded down. For a model
    /// without `[image]`: value i of n of an `FP32` input is `i / n`, other inputs are 0.
    Gradient,
    /// Every value is 128 (of an image of the same size) or 0.5.
    Grey,
    /// Image of 64 × 64: a black stroke (columns 29 to 34, rows 10 to 53) on white; for digits. Tensors as for `grey`.
    Stroke,
}

impl ImageInput {
    /// The shape of the tensor of one image.
    pub fn shape(&self) -> Vec<usize> {
        let [width, height] = self.size.map(|side| side as usize);
        let channels = self.colour.channels();
        match self.layout {
            Layout::Nchw => vec![1, channels, height, width],
            Layout::Nhwc => vec![1, height, width, channels],
        }
    }
}

impl Manifest {
    /// Reads a manifest; all mistakes are listed together.
    pub fn parse(text: &str) -> Result<Self, Vec<Mistake>> {
        let table = text.parse::<toml::Table>().map_err(|error| {
            vec![Mistake::new(FILE_NAME, format!("is not TOML: {}", error.to_string().trim()))]
        })?;
        validate::manifest(table)
    }

    /// The manifest as text, as [`Self::parse`] takes it.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }

    /// `name/version`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.name, self.version)
    }
}
