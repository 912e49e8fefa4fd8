//! The parameters of the thumbnail operation. Whatever deserializes is valid: there is no second check.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    values::{Background, Dpr, Quality},
    words::{Filter, Frames, Gravity, Light, Metadata, Mode, OutputFormat, Reduce},
};

/// A smaller (or reshaped) copy of an image.
///
/// `width` and `height` are in CSS pixels and multiplied by `dpr`. Give both, or for `fit` only one of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "Fields", into = "Fields")]
#[schema(as = Thumbnail)]
pub struct Thumbnail {
    /// Box width; `None` leaves the width free (`fit` only).
    pub width: Option<u32>,
    /// Box height; `None` leaves the height free (`fit` only).
    pub height: Option<u32>,
    /// How the image is brought into the box.
    pub mode: Mode,
    /// What stays in view when `fill` crops, and where `pad` puts the image.
    pub gravity: Gravity,
    /// Whether an image smaller than the box grows. `fit` and `pad` only; `fill` and `exact` always reach the box.
    pub enlarge: bool,
    /// The resampling filter of the last step.
    pub filter: Filter,
    /// How much detail a decoder may drop before that step.
    pub reduce: Reduce,
    /// In which light pixels are averaged.
    pub light: Light,
    /// The format of the result.
    pub format: OutputFormat,
    /// Encoder quality; `None` takes the format's default.
    pub quality: Option<Quality>,
    /// The colour under transparent pixels and beside a padded image.
    pub background: Option<Background>,
    /// What happens to EXIF, XMP and ICC data.
    pub metadata: Metadata,
    /// Device pixel ratio: multiplies width and height.
    pub dpr: Dpr,
    /// How many frames of an animation are kept.
    pub frames: Frames,
    /// The artifact's name without extension; `None` names it after the operation.
    pub name: Option<String>,
}

impl Thumbnail {
    /// A `fit` thumbnail inside `width` × `height` with every other parameter at its default.
    pub fn fit(width: u32, height: u32) -> Self {
        Self { width: Some(width), height: Some(height), ..Self::default() }
    }

    /// The box in device pixels (after `dpr`), each side at least 1; `None` where a side is free.
    pub fn target(&self) -> (Option<u32>, Option<u32>) {
        let scale = |side: u32| ((f64::from(side) * f64::from(self.dpr.get())).round() as u32).max(1);
        (self.width.map(scale), self.height.map(scale))
    }

    fn checked(self) -> Result<Self, InvalidThumbnail> {
        match (self.mode, self.width, self.height) {
            (_, Some(0), _) | (_, _, Some(0)) => Err(InvalidThumbnail::ZeroSide),
            (_, None, None) => Err(InvalidThumbnail::NoSide),
            (Mode::Fit, ..) | (_, Some(_), Some(_)) => Ok(()),
            _ => Err(InvalidThumbnail::OneSide(self.mode)),
        }?;
        match &self.name {
            Some(name) if !is_artifact_name(name) => Err(InvalidThumbnail::Name),
            _ => Ok(self),
        }
    }
}

impl Default for Thumbnail {
    /// 512 × 512, `fit`: what most people mean by a thumbnail.
    fn default() -> Self {
        Self {
            width: Some(512),
            height: Some(512),
            mode: Mode::default(),
            gravity: Gravity::default(),
            enlarge: false,
            filter: Filter::default(),
            reduce: Reduce::default(),
            light: Light::default(),
            format: OutputFormat::default(),
            quality: None,
            background: None,
            metadata: Metadata::default(),
            dpr: Dpr::default(),
            frames: Frames::default(),
            name: None,
        }
    }
}

/// Artifact names become file names and URL parts, so they are short and plain.
pub(super) fn is_artifact_name(name: &str) -> bool {
    (1..=100).contains(&name.len())
        && !name.starts_with('.')
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' '))
}

/// Why parameters do not describe a thumbnail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidThumbnail {
    /// Neither width nor height.
    #[error("give width, height or both")]
    NoSide,
    /// A side of 0 pixels.
    #[error("width and height are at least 1")]
    ZeroSide,
    /// Only one side, but the mode needs both.
    #[error("mode `{0}` needs both width and height")]
    OneSide(Mode),
    /// Not 1 to 100.
    #[error("quality is 1 to 100")]
    Quality,
    /// Not 0.1 to 8.
    #[error("dpr is 0.1 to 8")]
    Dpr,
    /// Not `#rgb` or `#rrggbb`.
    #[error("a colour is written #rgb or #rrggbb")]
    Background,
    /// Unusable as an artifact name.
    #[error("name is 1 to 100 letters, digits, spaces, '-', '_' or '.', and does not start with '.'")]
    Name,
}

/// The wire form of [`Thumbnail`]: the same fields, each with its default, before the rules between fields.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    gravity: Gravity,
    #[serde(default)]
    enlarge: bool,
    #[serde(default)]
    filter: Filter,
    #[serde(default)]
    reduce: Reduce,
    #[serde(default)]
    light: Light,
    #[serde(default)]
    format: OutputFormat,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quality: Option<Quality>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    background: Option<Background>,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    dpr: Dpr,
    #[serde(default)]
    frames: Frames,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

macro_rules! same_fields {
    ($from:expr => $to:ident) => {{
        let f = $from;
        $to {
            width: f.width,
            height: f.height,
            mode: f.mode,
            gravity: f.gravity,
            enlarge: f.enlarge,
            filter: f.filter,
            reduce: f.reduce,
            light: f.light,
            format: f.format,
            quality: f.quality,
            background: f.background,
            metadata: f.metadata,
            dpr: f.dpr,
            frames: f.frames,
            name: f.name,
        }
    }};
}

impl TryFrom<Fields> for Thumbnail {
    type Error = InvalidThumbnail;
    fn try_from(fields: Fields) -> Result<Self, InvalidThumbnail> {
        same_fields!(fields => Thumbnail).checked()
    }
}

impl From<Thumbnail> for Fields {
    fn from(thumbnail: Thumbnail) -> Self {
        same_fields!(thumbnail => Fields)
    }
}
