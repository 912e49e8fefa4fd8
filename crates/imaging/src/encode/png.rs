//! PNG through the `png` crate.

use std::borrow::Cow;

use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, Filter, Info};

use crate::{Format, Frame, ImageError, Layout, encode::Style};

/// Encodes one frame. Lossless: there is no quality.
pub(crate) fn still(frame: &Frame, style: &Style) -> Result<Vec<u8>, ImageError> {
    let mut info = Info::with_size(frame.width, frame.height);
    info.bit_depth = BitDepth::Eight;
    info.color_type = match frame.layout {
        Layout::Gray => ColorType::Grayscale,
        Layout::GrayAlpha => ColorType::GrayscaleAlpha,
        Layout::Rgb => ColorType::Rgb,
        Layout::Rgba => ColorType::Rgba,
    };
    info.exif_metadata = style.metadata.exif.as_deref().map(Cow::Borrowed);
    info.icc_profile = style.metadata.icc.as_deref().map(Cow::Borrowed);
    let mut bytes = Vec::with_capacity(frame.pixels.len() / 2 + 1024);
    let mut encoder = Encoder::with_info(&mut bytes, info).map_err(refused)?;
    encoder.set_compression(Compression::Fast);
    encoder.set_filter(Filter::Adaptive);
    let mut writer = encoder.write_header().map_err(refused)?;
    writer.write_image_data(&frame.pixels).map_err(refused)?;
    writer.finish().map_err(refused)?;
    Ok(bytes)
}

#[allow(clippy::needless_pass_by_value, reason = "the shape that `map_err` takes")]
fn refused(error: EncodingError) -> ImageError {
    ImageError::Encode { format: Format::Png, detail: error.to_string() }
}
