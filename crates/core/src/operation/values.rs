//! Parameters with a range: whatever exists is inside it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::InvalidThumbnail;

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
