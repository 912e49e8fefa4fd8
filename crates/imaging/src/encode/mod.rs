//! From a frame to bytes: one entry a format.

pub(crate) mod avif;
pub(crate) mod gif;
pub(crate) mod jpeg;
pub(crate) mod png;
pub(crate) mod webp;
pub(crate) mod webp_animation;
mod webp_container;

use crate::{Format, Frame, Guard, ImageError, decode::Metadata};

/// How a result is written.
#[derive(Debug, Clone)]
pub(crate) struct Style {
    /// 1 to 100; `None` takes the format's default.
    pub(crate) quality: Option<u8>,
    /// What is written beside the pixels; empty when metadata is stripped. The pixels are sRGB unless `icc` is set.
    pub(crate) metadata: Metadata,
}

/// Takes frames one at a time, all of one size.
pub(crate) trait AnimationEncoder {
    /// Appends a frame that shows for `delay_ms` milliseconds.
    fn push(&mut self, frame: &Frame, delay_ms: u32) -> Result<(), ImageError>;
    /// The encoded animation.
    fn finish(self: Box<Self>) -> Result<Vec<u8>, ImageError>;
}

/// The size and the number of plays (0 is for ever) of an animation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Canvas {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) loops: u16,
}

/// Encodes one frame.
pub(crate) fn still(
    frame: &Frame,
    format: Format,
    style: &Style,
    guard: &Guard,
) -> Result<Vec<u8>, ImageError> {
    guard.check()?;
    match format {
        Format::Jpeg => jpeg::still(frame, style),
        Format::Png => png::still(frame, style),
        Format::Webp => webp::still(frame, style),
        Format::Gif => gif::still(frame, style),
        Format::Avif => avif::still(frame, style),
        other => Err(unwritable(other)),
    }
}

/// Begins an animation.
pub(crate) fn animation(
    canvas: Canvas,
    format: Format,
    style: Style,
) -> Result<Box<dyn AnimationEncoder>, ImageError> {
    match format {
        Format::Gif => gif::animation(canvas, style),
        Format::Webp => webp_animation::animation(canvas, style),
        other => Err(unwritable(other)),
    }
}

/// Whether a format can carry several frames.
pub(crate) fn can_animate(format: Format) -> bool {
    matches!(format, Format::Gif | Format::Webp)
}

/// Whether a format can be written at all.
pub(crate) fn can_write(format: Format) -> bool {
    matches!(format, Format::Jpeg | Format::Png | Format::Webp | Format::Gif | Format::Avif)
}

fn unwritable(format: Format) -> ImageError {
    ImageError::Unsupported { format, what: "writing" }
}
