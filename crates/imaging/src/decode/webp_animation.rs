//! Animated WebP: frames composited by libwebp's own demuxer.

use crate::{
    Format, ImageError,
    decode::{Animation, Input},
};

/// The composited frames.
pub(crate) fn animation(_input: &Input<'_>) -> Result<Box<dyn Animation>, ImageError> {
    Err(ImageError::Unsupported { format: Format::Webp, what: "animation" })
}
