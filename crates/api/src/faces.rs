//! Comparing the faces of two images.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::ImageSource;

/// The JSON body of `POST /v1/faces/compare`. Of each image, the largest face counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareRequest {
    /// One image.
    pub first: ImageSource,
    /// The other image.
    pub second: ImageSource,
    /// From which cosine on the verdict is `same`; 0.363 unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -1.0, maximum = 1.0)]
    pub threshold: Option<f32>,
}

/// Whether two images show one person.
///
/// At SFace's usual threshold of 0.363, measured on the 400 photographs of 40 people of the AT&T faces (grey, at 23 × 28
/// pixels), 0.6 % of the pairs of different people are called the same, and 1.8 % of the pairs of one person are not. At
/// 0.421 it is 0.1 % and 3.2 %. Other cameras, ages and peoples have other rates: measure on your own photographs before
/// anything depends on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// Whether the cosine reaches the threshold.
    pub same: bool,
    /// The cosine of the angle between the two embeddings: 1 for the same photograph, about 0 for strangers.
    #[schema(minimum = -1.0, maximum = 1.0)]
    pub cosine: f32,
    /// The threshold that counted.
    pub threshold: f32,
    /// The face in the first image.
    pub first: ComparedFace,
    /// The face in the second image.
    pub second: ComparedFace,
    /// What embedded the faces: its name, version and digest.
    #[schema(value_type = Object)]
    pub embedder: Value,
}

/// One of the two faces.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ComparedFace {
    /// Where it is.
    #[serde(rename = "box")]
    pub area: FaceBox,
    /// How sure the detector is of it, from 0 to 1.
    pub score: f32,
}

/// A rectangle in pixels of the upright image, cut off at its borders.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FaceBox {
    /// Its left side.
    pub x: f32,
    /// Its upper side.
    pub y: f32,
    /// From left to right.
    pub width: f32,
    /// From top to bottom.
    pub height: f32,
}
