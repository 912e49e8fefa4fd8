//! AVIF decoding: libavif takes the container apart, dav1d decodes AV1.
#![allow(unsafe_code, reason = "libavif is C; every call is in this file")]

use std::{ffi::CStr, ptr, slice, sync::Arc};

use libavif_sys as avif;

use crate::{
    Format, Frame, Header, ImageError, Layout, Limits, Orientation, Source,
    decode::{Decoded, Input, Metadata},
};

/// Reads the container; no pixels.
pub(crate) fn header(source: &Source, limits: &Limits) -> Result<Header, ImageError> {
    let decoder = Decoder::parse(source, limits)?;
    let image = decoder.image();
    let pixels = u64::from(image.width) * u64::from(image.height);
    let sample = if image.depth > 8 { 2 } else { 1 };
    // The file, the planes that AV1 predicts from and those that libavif copies (three and alpha), and the frame.
    let memory = source.len()? + pixels * (2 * 4 * sample + 4);
    Ok(Header {
        format: Format::Avif,
        width: image.width,
        height: image.height,
        orientation: orientation(image),
        frames: 1,
        has_alpha: decoder.has_alpha(),
        streams: false,
        memory,
        held: memory,
    })
}

/// Decodes the primary item, or the first frame of a sequence.
pub(crate) fn still(input: &Input<'_>) -> Result<Decoded, ImageError> {
    input.guard.check()?;
    let decoder = Decoder::parse(input.source, input.limits)?;
    decoder.decode()?;
    input.guard.check()?;
    let frame = decoder.frame()?;
    let image = decoder.image();
    Ok(Decoded::whole(frame, Metadata { icc: bytes(&image.icc), exif: exif(image), xmp: bytes(&image.xmp) }))
}

/// Owns libavif's decoder and the bytes that it points into.
struct Decoder {
    raw: ptr::NonNull<avif::avifDecoder>,
    _bytes: Arc<[u8]>,
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: `raw` came from `avifDecoderCreate` and is destroyed once, before the bytes.
        unsafe { avif::avifDecoderDestroy(self.raw.as_ptr()) }
    }
}

impl Decoder {
    fn parse(source: &Source, limits: &Limits) -> Result<Self, ImageError> {
        let bytes = source.read_all()?;
        // SAFETY: creates an object of libavif's own, or null without memory.
        let raw = ptr::NonNull::new(unsafe { avif::avifDecoderCreate() })
            .ok_or_else(|| damaged("out of memory"))?;
        let decoder = Self { raw, _bytes: Arc::clone(&bytes) };
        // SAFETY: `raw` is live and ours alone; libavif keeps a pointer to the bytes, which live as long as `decoder`.
        let parsed = unsafe {
            let settings = &mut *raw.as_ptr();
            settings.maxThreads = 1;
            // Old encoders forget properties that the standard demands but that decoding does not need.
            settings.strictFlags = avif::AVIF_STRICT_DISABLED;
            settings.imageSizeLimit =
                u32::try_from(limits.frame_pixels).unwrap_or(u32::MAX).clamp(1, 1 << 28);
            settings.imageDimensionLimit = limits.side;
            settings.imageCountLimit = limits.frames.max(1);
            let set = avif::avifDecoderSetIOMemory(raw.as_ptr(), bytes.as_ptr(), bytes.len());
            if set == avif::AVIF_RESULT_OK { avif::avifDecoderParse(raw.as_ptr()) } else { set }
        };
        check(parsed)?;
        Ok(decoder)
    }

    /// The image's properties; its planes only after [`Decoder::decode`].
    fn image(&self) -> &avif::avifImage {
        // SAFETY: after a successful parse the decoder owns an image for as long as it lives.
        unsafe { &*(*self.raw.as_ptr()).image }
    }

    fn has_alpha(&self) -> bool {
        // SAFETY: `raw` is live.
        unsafe { (*self.raw.as_ptr()).alphaPresent != 0 }
    }

    fn decode(&self) -> Result<(), ImageError> {
        // SAFETY: `raw` is live and parsed; no reference to its image is held across the call.
        check(unsafe { avif::avifDecoderNextImage(self.raw.as_ptr()) })
    }

    /// The pixels as 8-bit RGB, or RGBA with alpha not premultiplied. Deeper samples are reduced.
    fn frame(&self) -> Result<Frame, ImageError> {
        let image = self.image();
        let layout = if image.alphaPlane.is_null() { Layout::Rgb } else { Layout::Rgba };
        let row = image.width as usize * layout.channels();
        let mut pixels = vec![0; row * image.height as usize];
        let mut rgb = avif::avifRGBImage::default();
        // SAFETY: `rgb` describes exactly the buffer `pixels`, which outlives the call.
        let converted = unsafe {
            avif::avifRGBImageSetDefaults(&raw mut rgb, image);
            rgb.depth = 8;
            rgb.format = match layout {
                Layout::Rgba => avif::AVIF_RGB_FORMAT_RGBA,
                _ => avif::AVIF_RGB_FORMAT_RGB,
            };
            rgb.alphaPremultiplied = 0;
            rgb.maxThreads = 1;
            rgb.pixels = pixels.as_mut_ptr();
            rgb.rowBytes = row as u32;
            avif::avifImageYUVToRGB(image, &raw mut rgb)
        };
        check(converted)?;
        Ok(Frame { width: image.width, height: image.height, layout, pixels })
    }
}

/// The container's own turn and mirror (MIAF: first `irot`, anti-clockwise, then `imir`) as the EXIF orientation that
/// does the same. The orientation in an AVIF's EXIF is informative only, so it is not asked.
fn orientation(image: &avif::avifImage) -> Orientation {
    let has = |flag| image.transformFlags & flag != 0;
    let turns = if has(avif::AVIF_TRANSFORM_IROT) { image.irot.angle % 4 } else { 0 };
    // Axis 0 swaps top and bottom, axis 1 left and right.
    let mirror = has(avif::AVIF_TRANSFORM_IMIR).then_some(image.imir.axis);
    Orientation::from_exif(match (turns, mirror) {
        (0, Some(1)) | (2, Some(0)) => 2,
        (2, None) => 3,
        (0 | 2, Some(_)) => 4,
        (1, Some(0)) | (3, Some(1)) => 5,
        (3, None) => 6,
        (1 | 3, Some(_)) => 7,
        (1, None) => 8,
        _ => 1,
    })
}

/// The TIFF structure; some writers put a 4-byte offset or `Exif\0\0` before it.
fn exif(image: &avif::avifImage) -> Option<Vec<u8>> {
    let block = bytes(&image.exif)?;
    let start = block.windows(4).take(16).position(|window| matches!(window, b"II*\0" | b"MM\0*"))?;
    Some(block[start..].to_vec())
}

fn bytes(data: &avif::avifRWData) -> Option<Vec<u8>> {
    // SAFETY: libavif describes a block of `size` bytes that it owns while the image lives; it is copied at once.
    (data.size > 0 && !data.data.is_null())
        .then(|| unsafe { slice::from_raw_parts(data.data, data.size) }.to_vec())
}

fn check(result: avif::avifResult) -> Result<(), ImageError> {
    match result {
        avif::AVIF_RESULT_OK => Ok(()),
        avif::AVIF_RESULT_NOT_IMPLEMENTED | avif::AVIF_RESULT_UNSUPPORTED_DEPTH => {
            Err(ImageError::Unsupported { format: Format::Avif, what: "this variety" })
        }
        other => {
            // SAFETY: returns a static string for every value.
            let said = unsafe { CStr::from_ptr(avif::avifResultToString(other)) };
            Err(damaged(&said.to_string_lossy()))
        }
    }
}

fn damaged(detail: &str) -> ImageError {
    ImageError::corrupt(Format::Avif, detail)
}
