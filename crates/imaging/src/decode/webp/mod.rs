//! WebP through libwebp, which scales by area while it decodes.

mod chunks;
mod raw;

use darkroom_core::operation::Light;

use crate::{
    Format, Header, ImageError, Layout, Limits, Source,
    decode::{Decoded, Input, Metadata, MetadataWish, Wish, webp_animation},
    metadata,
};
use chunks::Chunks;
use raw::Size;

/// Walks the chunks of the container.
pub(crate) fn header(source: &Source, _limits: &Limits) -> Result<Header, ImageError> {
    let chunks = Chunks::read(source.open()?, MetadataWish::Drop)?;
    let pixels = u64::from(chunks.width) * u64::from(chunks.height);
    // Lossless coding refers back to any pixel; beside lossy coding, a plane of alpha is held.
    let streams = !chunks.lossless && !chunks.has_alpha && chunks.animation_frames == 0;
    // An animation has two canvases of libwebp's, and the frame that is handed over.
    let frames = if chunks.animation_frames > 0 { 3 } else { 1 };
    let held = source.len()? + if streams { 0 } else { pixels * 4 * frames };
    Ok(Header {
        format: Format::Webp,
        width: chunks.width,
        height: chunks.height,
        orientation: chunks.metadata.exif.as_deref().map_or_else(Default::default, metadata::orientation),
        frames: chunks.animation_frames.max(1),
        has_alpha: chunks.has_alpha,
        streams,
        memory: held + pixels * if chunks.has_alpha { 4 } else { 3 },
        held,
    })
}

/// Decodes the image, or the first frame of an animation.
pub(crate) fn still(input: &Input<'_>) -> Result<Decoded, ImageError> {
    let chunks = Chunks::read(input.source.open()?, input.wish.metadata)?;
    if chunks.animation_frames > 0 {
        let first = webp_animation::animation(input)?.next_frame()?;
        let (frame, _) =
            first.ok_or_else(|| ImageError::corrupt(Format::Webp, "an animation without frames"))?;
        // The frames of an animation are sRGB already.
        return Ok(Decoded::whole(frame, Metadata { icc: None, ..chunks.metadata }));
    }
    let (width, height) = reduced_size(input.header, input.wish);
    let scaled = (width, height) != (chunks.width, chunks.height);
    let size = if scaled { Size::Scaled(width, height) } else { Size::Full(width, height) };
    let layout = if chunks.has_alpha { Layout::Rgba } else { Layout::Rgb };
    let frame = raw::decode(&input.source.read_all()?, size, layout, input.guard)?;
    Ok(Decoded::whole(frame, chunks.metadata))
}

/// The size of the frame that [`still`] gives.
///
/// With alpha the image is not scaled: beside lossy coding, libwebp would let transparent pixels lend their colour to
/// their neighbours. It averages encoded values, so linear light starts from every pixel too.
pub(crate) fn reduced_size(header: &Header, wish: Wish) -> (u32, u32) {
    if header.frames == 1 && !header.has_alpha && wish.light == Light::Gamma {
        wish.averaged
    } else {
        (header.width, header.height)
    }
}
