//! The parameters of the faces operation.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ArtifactStem, InvalidPrediction, ModelRef, Threshold, words::Crops, words::Which};

/// Where the faces are, and what makes each of them recognisable. Without faces the result is an empty list, not a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Faces {
    /// The model that finds them; `None` takes the one that the server is set to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelRef>,
    /// The model that embeds them; `None` takes the one that the server is set to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embedder: Option<ModelRef>,
    /// Which of them.
    pub which: Which,
    /// Faces of which the detector is less sure are left out; 0.7 unless told.
    #[schema(default = 0.7)]
    pub min_score: Threshold,
    /// Faces whose box has a shorter side, in pixels of the upright image, are left out; 0 unless told.
    pub min_size: u32,
    /// How many faces at most, the surest.
    pub max: MostFaces,
    /// How finely the image is searched.
    pub side: SearchSide,
    /// Whether each face has its embedding: 128 numbers, or as many as the embedder gives, of length 1.
    pub embeddings: bool,
    /// Whether each face is kept as an image of 112 × 112 pixels, turned upright, and in which format.
    pub crops: Crops,
    /// The stem of the crops' names; `None` is `face`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<ArtifactStem>,
}

impl Default for Faces {
    fn default() -> Self {
        Self {
            model: None,
            embedder: None,
            which: Which::default(),
            min_score: Threshold::A_FACE,
            min_size: 0,
            max: MostFaces::default(),
            side: SearchSide::default(),
            embeddings: true,
            crops: Crops::default(),
            name: None,
        }
    }
}

/// How many faces, 1 to 1000; 100 unless told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "u16", into = "u16")]
#[schema(value_type = u16, minimum = 1, maximum = 1000)]
pub struct MostFaces(u16);

impl MostFaces {
    /// The number.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for MostFaces {
    fn default() -> Self {
        Self(100)
    }
}

impl TryFrom<u16> for MostFaces {
    type Error = InvalidPrediction;
    fn try_from(value: u16) -> Result<Self, InvalidPrediction> {
        if (1..=1_000).contains(&value) { Ok(Self(value)) } else { Err(InvalidPrediction::MostFaces) }
    }
}

impl From<MostFaces> for u16 {
    fn from(most: MostFaces) -> Self {
        most.0
    }
}

/// An image is searched in a copy with as many pixels as a square of this side, 160 to 4096; 1024 unless told. Faces of
/// about 12 pixels in that copy are found; twice the side takes four times as long. It is never enlarged to that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "u16", into = "u16")]
#[schema(value_type = u16, minimum = 160, maximum = 4096)]
pub struct SearchSide(u16);

impl SearchSide {
    /// The side in pixels.
    pub fn get(self) -> u32 {
        u32::from(self.0)
    }
}

impl Default for SearchSide {
    fn default() -> Self {
        Self(1_024)
    }
}

impl TryFrom<u16> for SearchSide {
    type Error = InvalidPrediction;
    fn try_from(value: u16) -> Result<Self, InvalidPrediction> {
        if (160..=4_096).contains(&value) { Ok(Self(value)) } else { Err(InvalidPrediction::SearchSide) }
    }
}

impl From<SearchSide> for u16 {
    fn from(side: SearchSide) -> Self {
        side.0
    }
}
