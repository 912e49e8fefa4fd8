//! Lossy WebP through libwebp.
#![allow(unsafe_code, reason = "libwebp is C; every block says why it is sound")]

use std::{ffi::c_int, slice};

use libwebp_sys::{
    WebPConfig, WebPEncode, WebPMemoryWrite, WebPMemoryWriter, WebPMemoryWriterClear, WebPMemoryWriterInit,
    WebPPicture, WebPPictureFree, WebPPictureImportRGB, WebPPictureImportRGBA,
};

use crate::{
    Format, Frame, ImageError, Layout,
    decode::Metadata,
    encode::{Style, webp_container},
};

/// As sharp and libvips.
const DEFAULT_QUALITY: u8 = 80;
/// How hard the encoder searches, 0 to 6.
const METHOD: c_int = 4;
/// The format's own limit.
const MOST_SIDE: u32 = 16_383;

/// Encodes one frame.
pub(crate) fn still(frame: &Frame, style: &Style) -> Result<Vec<u8>, ImageError> {
    if frame.width.max(frame.height) > MOST_SIDE {
        return Err(refused("a side of more than 16,383 pixels"));
    }
    let bytes = encode(&coloured(frame), style.quality.unwrap_or(DEFAULT_QUALITY))?;
    if style.metadata == Metadata::default() {
        return Ok(bytes);
    }
    webp_container::with_metadata(&bytes, (frame.width, frame.height), &style.metadata)
        .ok_or_else(|| refused("an unreadable container"))
}

/// libwebp takes three or four channels.
fn coloured(frame: &Frame) -> Frame {
    let (layout, pixels) = match frame.layout {
        Layout::Rgb | Layout::Rgba => return frame.clone(),
        Layout::Gray => (Layout::Rgb, frame.pixels.iter().flat_map(|&v| [v; 3]).collect()),
        Layout::GrayAlpha => {
            (Layout::Rgba, frame.pixels.as_chunks::<2>().0.iter().flat_map(|&[v, a]| [v, v, v, a]).collect())
        }
    };
    Frame { layout, pixels, ..*frame }
}

fn encode(frame: &Frame, quality: u8) -> Result<Vec<u8>, ImageError> {
    let mut config = WebPConfig::new().map_err(|()| refused("another libwebp"))?;
    config.quality = f32::from(quality);
    config.method = METHOD;
    let mut sink = Sink::new();
    let mut picture = Picture::new()?;
    picture.0.width = frame.width as c_int;
    picture.0.height = frame.height as c_int;
    picture.0.writer = Some(WebPMemoryWrite);
    picture.0.custom_ptr = (&raw mut sink.0).cast();
    let stride = frame.width as c_int * frame.layout.channels() as c_int;
    // SAFETY: the picture is initialised and has its size; the pixels hold `height` rows of `stride` bytes, which are
    // copied. The sink outlives the encoding.
    let done = unsafe {
        let imported = match frame.layout {
            Layout::Rgba => WebPPictureImportRGBA(&raw mut picture.0, frame.pixels.as_ptr(), stride),
            _ => WebPPictureImportRGB(&raw mut picture.0, frame.pixels.as_ptr(), stride),
        };
        imported != 0 && WebPEncode(&raw const config, &raw mut picture.0) != 0
    };
    if done { Ok(sink.bytes()) } else { Err(refused(&format!("{:?}", picture.0.error_code))) }
}

fn refused(detail: &str) -> ImageError {
    ImageError::Encode { format: Format::Webp, detail: detail.to_owned() }
}

struct Picture(WebPPicture);

impl Picture {
    fn new() -> Result<Self, ImageError> {
        WebPPicture::new().map(Self).map_err(|()| refused("another libwebp"))
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: the picture was initialised; freeing one that was never filled is allowed.
        unsafe { WebPPictureFree(&raw mut self.0) };
    }
}

/// Where libwebp writes.
struct Sink(WebPMemoryWriter);

impl Sink {
    fn new() -> Self {
        let mut writer = std::mem::MaybeUninit::uninit();
        // SAFETY: `WebPMemoryWriterInit` writes every field.
        unsafe {
            WebPMemoryWriterInit(writer.as_mut_ptr());
            Self(writer.assume_init())
        }
    }

    fn bytes(&self) -> Vec<u8> {
        if self.0.mem.is_null() {
            return Vec::new();
        }
        // SAFETY: libwebp has written `size` bytes there, and nothing writes any more.
        unsafe { slice::from_raw_parts(self.0.mem, self.0.size) }.to_vec()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // SAFETY: initialised by `new`; frees what libwebp has allocated.
        unsafe { WebPMemoryWriterClear(&raw mut self.0) };
    }
}
