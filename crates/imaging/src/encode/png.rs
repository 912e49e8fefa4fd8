//! PNG encoding.

use crate::{Format, Frame, ImageError, encode::Style};

/// Encodes one frame.
pub(crate) fn still(_frame: &Frame, _style: &Style) -> Result<Vec<u8>, ImageError> {
    Err(ImageError::Unsupported { format: Format::Png, what: "writing" })
}
