//! Animated WebP encoding.

use crate::{
    Format, ImageError,
    encode::{AnimationEncoder, Canvas, Style},
};

/// Begins an animation.
pub(crate) fn animation(_canvas: Canvas, _style: Style) -> Result<Box<dyn AnimationEncoder>, ImageError> {
    Err(ImageError::Unsupported { format: Format::Webp, what: "writing animations" })
}
