//! What BMP and ICO share: their decoders speak the same interface.

use image::{ColorType, ImageDecoder, error::ImageError as DecodeError};

use crate::{
    Format, Frame, Guard, Header, ImageError, Layout, Limits, Orientation,
    decode::{Decoded, Metadata},
};

/// The header of an image whose decoder stands before the pixels.
pub(crate) fn header(format: Format, decoder: &impl ImageDecoder) -> Header {
    let (width, height) = decoder.dimensions();
    // The samples as decoded, and (where they have 16 bits) as 8-bit frame.
    let memory = decoder.total_bytes().saturating_mul(2);
    Header {
        format,
        width,
        height,
        orientation: Orientation::default(),
        frames: 1,
        has_alpha: decoder.color_type().has_alpha(),
        streams: false,
        memory,
        held: memory,
    }
}

/// Hands our limits to the decoder, for what it allocates beside the samples.
pub(crate) fn limit(
    format: Format,
    decoder: &mut impl ImageDecoder,
    ours: &Limits,
) -> Result<(), ImageError> {
    let mut limits = image::Limits::no_limits();
    limits.max_image_width = Some(ours.side);
    limits.max_image_height = Some(ours.side);
    limits.max_alloc = Some(ours.memory);
    decoder.set_limits(limits).map_err(|e| error(format, e))
}

/// Decodes all samples. The decoder cannot be stopped half-way; the pixel limit bounds it to a fraction of a second.
pub(crate) fn read(
    format: Format,
    mut decoder: impl ImageDecoder,
    guard: &Guard,
) -> Result<Decoded, ImageError> {
    guard.check()?;
    let (width, height) = decoder.dimensions();
    let colour = decoder.color_type();
    let metadata = Metadata { icc: decoder.icc_profile().ok().flatten(), exif: None, xmp: None };
    let mut samples = vec![0; usize::try_from(decoder.total_bytes()).unwrap_or(usize::MAX)];
    decoder.read_image(&mut samples).map_err(|e| error(format, e))?;
    guard.check()?;
    let layout = match colour {
        ColorType::L8 | ColorType::L16 => Layout::Gray,
        ColorType::La8 | ColorType::La16 => Layout::GrayAlpha,
        ColorType::Rgb8 | ColorType::Rgb16 => Layout::Rgb,
        ColorType::Rgba8 | ColorType::Rgba16 => Layout::Rgba,
        _ => return Err(ImageError::Unsupported { format, what: "floating point samples" }),
    };
    let is_16_bit = usize::from(colour.bytes_per_pixel()) == layout.channels() * 2;
    let pixels = if is_16_bit { halve_depth(&samples) } else { samples };
    Ok(Decoded::whole(Frame { width, height, layout, pixels }, metadata))
}

/// 16 bits in the machine's byte order to the nearest of 8 bits.
fn halve_depth(samples: &[u8]) -> Vec<u8> {
    let (pairs, _) = samples.as_chunks::<2>();
    pairs.iter().map(|&pair| ((u32::from(u16::from_ne_bytes(pair)) * 255 + 32_767) / 65_535) as u8).collect()
}

/// In our words.
pub(crate) fn error(format: Format, error: DecodeError) -> ImageError {
    match error {
        DecodeError::IoError(io) if io.kind() != std::io::ErrorKind::UnexpectedEof => ImageError::Io(io),
        DecodeError::Unsupported(_) => ImageError::Unsupported { format, what: "this variety" },
        other => ImageError::corrupt(format, other),
    }
}
