//! The parameters of the thumbnail operation. Whatever deserializes is valid: there is no second check.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
        let scale = |side: u32| ((f64::from(side) * f64::from(self.dpr.0)).round() as u32).max(1);
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
fn is_artifact_name(name: &str) -> bool {
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

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(word: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|v| v.as_str() == word).ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|v| v.as_str()).collect();
                    format!("`{word}` is none of: {}", known.join(", "))
                })
            }
        }
    };
}

words! {
    /// How an image is brought into the box.
    Mode {
        /// Inside the box, aspect kept.
        #[default]
        Fit = "fit",
        /// Covers the box, aspect kept, the rest cropped.
        Fill = "fill",
        /// Exactly the box, aspect not kept.
        Exact = "exact",
        /// Inside the box, aspect kept, the rest filled with the background.
        Pad = "pad",
    }
}

words! {
    /// What stays in view when an image is cropped.
    Gravity {
        /// The middle.
        #[default]
        Center = "center",
        /// The top edge.
        North = "north",
        /// The top right corner.
        NorthEast = "north-east",
        /// The right edge.
        East = "east",
        /// The bottom right corner.
        SouthEast = "south-east",
        /// The bottom edge.
        South = "south",
        /// The bottom left corner.
        SouthWest = "south-west",
        /// The left edge.
        West = "west",
        /// The top left corner.
        NorthWest = "north-west",
        /// Where the detail is: edges, saturation and skin tones decide.
        Smart = "smart",
    }
}

words! {
    /// A resampling filter, from fastest to sharpest.
    Filter {
        /// One source pixel per result pixel.
        Nearest = "nearest",
        /// Area average.
        Box = "box",
        /// Triangle.
        Bilinear = "bilinear",
        /// Hermite (smooth, no ringing).
        Hermite = "hermite",
        /// Catmull-Rom cubic.
        CatmullRom = "catmull-rom",
        /// Mitchell-Netravali cubic.
        Mitchell = "mitchell",
        /// Lanczos with three lobes.
        #[default]
        Lanczos3 = "lanczos3",
    }
}

words! {
    /// How much detail a decoder may drop before the last resampling step.
    Reduce {
        /// The smallest scaled decode that is not below the target (what sharp does).
        Speed = "speed",
        /// The measured compromise.
        #[default]
        Balanced = "balanced",
        /// At least twice the target is left for the filter: visually a full decode.
        Quality = "quality",
        /// A full decode.
        None = "none",
    }
}

words! {
    /// In which light pixels are averaged.
    Light {
        /// On the encoded values, as browsers and nearly all software do.
        #[default]
        Gamma = "gamma",
        /// On linear light: right for fine bright detail, slower.
        Linear = "linear",
    }
}

words! {
    /// The format of a result.
    OutputFormat {
        /// JPEG.
        #[default]
        Jpeg = "jpeg",
        /// PNG.
        Png = "png",
        /// WebP, lossy.
        Webp = "webp",
        /// AVIF.
        Avif = "avif",
        /// GIF.
        Gif = "gif",
        /// As the source, or PNG where the source's format cannot be written.
        Source = "source",
    }
}

words! {
    /// What happens to EXIF, XMP and ICC data.
    Metadata {
        /// Removed: smallest, and no position or camera leaks.
        #[default]
        Strip = "strip",
        /// Copied where the result's format can carry it, with the orientation reset.
        Keep = "keep",
    }
}

words! {
    /// How many frames of an animation are kept.
    Frames {
        /// Only the first.
        #[default]
        First = "first",
        /// All, where the result's format can carry them (GIF, WebP).
        All = "all",
    }
}

/// Encoder quality, 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "u8", into = "u8")]
#[schema(value_type = u8, minimum = 1, maximum = 100)]
pub struct Quality(u8);

impl Quality {
    /// The value, 1 to 100.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Quality {
    type Error = InvalidThumbnail;
    fn try_from(value: u8) -> Result<Self, InvalidThumbnail> {
        if (1..=100).contains(&value) { Ok(Self(value)) } else { Err(InvalidThumbnail::Quality) }
    }
}

impl From<Quality> for u8 {
    fn from(quality: Quality) -> Self {
        quality.0
    }
}

/// Device pixel ratio, 0.1 to 8.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "f32", into = "f32")]
#[schema(value_type = f32, minimum = 0.1, maximum = 8.0)]
pub struct Dpr(f32);

impl Dpr {
    /// The factor, 0.1 to 8.
    pub fn get(self) -> f32 {
        self.0
    }
}

impl Default for Dpr {
    fn default() -> Self {
        Self(1.0)
    }
}

impl TryFrom<f32> for Dpr {
    type Error = InvalidThumbnail;
    fn try_from(value: f32) -> Result<Self, InvalidThumbnail> {
        if (0.1..=8.0).contains(&value) { Ok(Self(value)) } else { Err(InvalidThumbnail::Dpr) }
    }
}

impl From<Dpr> for f32 {
    fn from(dpr: Dpr) -> Self {
        dpr.0
    }
}

/// An opaque sRGB colour, written `#rgb` or `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$", example = "#ffffff")]
pub struct Background(pub [u8; 3]);

impl Background {
    /// White: what transparent pixels become where the result has no alpha and nothing else is asked.
    pub const WHITE: Self = Self([255; 3]);
}

impl FromStr for Background {
    type Err = InvalidThumbnail;
    fn from_str(text: &str) -> Result<Self, InvalidThumbnail> {
        let digits = text.strip_prefix('#').ok_or(InvalidThumbnail::Background)?;
        let nibbles: Option<Vec<u8>> = digits.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect();
        match nibbles.ok_or(InvalidThumbnail::Background)?.as_slice() {
            [r, g, b] => Ok(Self([r * 17, g * 17, b * 17])),
            [r1, r2, g1, g2, b1, b2] => Ok(Self([r1 * 16 + r2, g1 * 16 + g2, b1 * 16 + b2])),
            _ => Err(InvalidThumbnail::Background),
        }
    }
}

impl TryFrom<String> for Background {
    type Error = InvalidThumbnail;
    fn try_from(text: String) -> Result<Self, InvalidThumbnail> {
        text.parse()
    }
}

impl From<Background> for String {
    fn from(Background([r, g, b]): Background) -> Self {
        format!("#{r:02x}{g:02x}{b:02x}")
    }
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
