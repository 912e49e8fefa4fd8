//! GIF encoding.

use crate::{
    Format, Frame, ImageError,
    encode::{AnimationEncoder, Canvas, Style},
};

const REFUSED: ImageError = ImageError::Unsupported { format: Format::Gif, what: "writing" };

/// Encodes one frame.
pub(crate) fn still(_frame: &Frame, _style: &Style) -> Result<Vec<u8>, ImageError> {
    Err(REFUSED)
}

/// Begins an animation.
pub(crate) fn animation(_canvas: Canvas, _style: Style) -> Result<Box<dyn AnimationEncoder>, ImageError> {
    Err(REFUSED)
}
