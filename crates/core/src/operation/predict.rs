//! The parameters of the operations that ask a model.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{thumbnail::is_artifact_name, words::TensorFormat};

/// What is in the picture: the most likely labels, the likeliest first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Classify {
    /// The model; `None` takes the one that the server is set to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelRef>,
    /// How many labels at most.
    pub top: Top,
    /// Labels with a smaller score are left out.
    pub threshold: Threshold,
}

/// Which digit is written in the picture, dark on light or light on dark, of any size.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Digit {
    /// The model; `None` takes the one that the server is set to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelRef>,
}

/// The output tensors of any installed model, fed with the picture as its manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnyModel {
    /// The model.
    pub model: ModelRef,
    /// How tensors are written.
    #[serde(default)]
    pub tensors: TensorFormat,
    /// The stem of the artifacts' names, for `npy`; `None` takes the model's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<ArtifactStem>,
}

/// A model by name, or by name and version: `resnet50` or `resnet50@2`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[a-z0-9][a-z0-9._-]{0,63}(@[a-zA-Z0-9][a-zA-Z0-9._-]{0,31})?$", example = "resnet50")]
pub struct ModelRef(String);

impl ModelRef {
    /// The model's name.
    pub fn name(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }

    /// The version, if a certain one is meant.
    pub fn version(&self) -> Option<&str> {
        self.0.split_once('@').map(|(_, version)| version)
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ModelRef {
    type Err = InvalidPrediction;
    fn from_str(text: &str) -> Result<Self, InvalidPrediction> {
        let (name, version) = match text.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (text, None),
        };
        let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let sound =
            is_word(name, 64, lower) && version.is_none_or(|v| is_word(v, 32, |c| c.is_ascii_alphanumeric()));
        if !sound {
            return Err(InvalidPrediction::Model);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Letters that `first` knows, and after the first of them dots, dashes and underscores.
fn is_word(text: &str, most: usize, first: impl Fn(char) -> bool) -> bool {
    (1..=most).contains(&text.len())
        && text.starts_with(&first)
        && text.chars().all(|c| first(c) || matches!(c, '.' | '_' | '-'))
}

impl TryFrom<String> for ModelRef {
    type Error = InvalidPrediction;
    fn try_from(text: String) -> Result<Self, InvalidPrediction> {
        text.parse()
    }
}

impl From<ModelRef> for String {
    fn from(model: ModelRef) -> Self {
        model.0
    }
}

/// How many labels, 1 to 1000; 5 unless told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "u16", into = "u16")]
#[schema(value_type = u16, minimum = 1, maximum = 1000)]
pub struct Top(u16);

impl Top {
    /// The best label only.
    pub const ONE: Self = Self(1);

    /// The number.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for Top {
    fn default() -> Self {
        Self(5)
    }
}

impl TryFrom<u16> for Top {
    type Error = InvalidPrediction;
    fn try_from(value: u16) -> Result<Self, InvalidPrediction> {
        if (1..=1_000).contains(&value) { Ok(Self(value)) } else { Err(InvalidPrediction::Top) }
    }
}

impl From<Top> for u16 {
    fn from(top: Top) -> Self {
        top.0
    }
}

/// The least score, 0 to 1; 0 unless told.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "f32", into = "f32")]
#[schema(value_type = f32, minimum = 0.0, maximum = 1.0)]
pub struct Threshold(f32);

impl Threshold {
    /// From here on a detector is taken to have seen a face.
    pub(super) const A_FACE: Self = Self(0.7);

    /// The score.
    pub fn get(self) -> f32 {
        self.0
    }
}

impl TryFrom<f32> for Threshold {
    type Error = InvalidPrediction;
    fn try_from(value: f32) -> Result<Self, InvalidPrediction> {
        if (0.0..=1.0).contains(&value) { Ok(Self(value)) } else { Err(InvalidPrediction::Threshold) }
    }
}

impl From<Threshold> for f32 {
    fn from(threshold: Threshold) -> Self {
        threshold.0
    }
}

/// What an artifact's name begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, min_length = 1, max_length = 100)]
pub struct ArtifactStem(String);

impl ArtifactStem {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ArtifactStem {
    type Error = InvalidPrediction;
    fn try_from(text: String) -> Result<Self, InvalidPrediction> {
        if is_artifact_name(&text) { Ok(Self(text)) } else { Err(InvalidPrediction::Name) }
    }
}

impl From<ArtifactStem> for String {
    fn from(stem: ArtifactStem) -> Self {
        stem.0
    }
}

/// Why parameters do not describe a question to a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPrediction {
    /// Not a name, or a name and a version.
    #[error(
        "a model is written name or name@version: lower-case letters, digits, '.', '_' and '-', at most 64 and 32 of them"
    )]
    Model,
    /// Not 1 to 1000.
    #[error("top is 1 to 1000")]
    Top,
    /// Not 0 to 1.
    #[error("threshold is 0 to 1")]
    Threshold,
    /// Not 1 to 1000.
    #[error("max is 1 to 1000")]
    MostFaces,
    /// Not 160 to 4096.
    #[error("side is 160 to 4096")]
    SearchSide,
    /// Unusable as an artifact name.
    #[error("name is 1 to 100 letters, digits, spaces, '-', '_' or '.', and does not start with '.'")]
    Name,
}
