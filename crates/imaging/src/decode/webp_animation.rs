//! Animated WebP: frames composited by libwebp's own demuxer.
#![allow(unsafe_code, reason = "libwebp is C; every call is in this file or in its three neighbours")]

use std::{ffi::CStr, ptr, slice, sync::Arc};

use libwebp_sys as webp;

use crate::{
    Format, Frame, Guard, ImageError, Layout, colour,
    decode::{Animation, Input},
};

/// The composited frames, all with alpha, converted to sRGB.
pub(crate) fn animation(input: &Input<'_>) -> Result<Box<dyn Animation>, ImageError> {
    input.guard.check()?;
    let decoder = Decoder::new(input.source.read_all()?)?;
    let size = (decoder.info.canvas_width, decoder.info.canvas_height);
    if size != (input.header.width, input.header.height) {
        return Err(damaged("the canvas is not what the header says"));
    }
    let icc = decoder.profile();
    Ok(Box::new(Player { decoder, icc, guard: input.guard.clone(), shown_until: 0 }))
}

struct Player {
    decoder: Decoder,
    icc: Option<Vec<u8>>,
    guard: Guard,
    /// When the last frame's time ends, in milliseconds from the start.
    shown_until: i32,
}

impl Animation for Player {
    fn loops(&self) -> u16 {
        u16::try_from(self.decoder.info.loop_count).unwrap_or(u16::MAX)
    }

    fn next_frame(&mut self) -> Result<Option<(Frame, u32)>, ImageError> {
        self.guard.check()?;
        let Some((mut frame, until)) = self.decoder.next_frame()? else { return Ok(None) };
        let delay = u32::try_from(until.saturating_sub(self.shown_until)).unwrap_or(0);
        self.shown_until = until;
        if let Some(icc) = &self.icc {
            colour::to_srgb(&mut frame, icc);
        }
        Ok(Some((frame, delay)))
    }
}

/// Owns libwebp's decoder and the bytes that it points into.
struct Decoder {
    // Dropped before `bytes`, by `Drop` below: the decoder holds pointers into them.
    raw: ptr::NonNull<webp::WebPAnimDecoder>,
    info: webp::WebPAnimInfo,
    _bytes: Arc<[u8]>,
}

// SAFETY: the decoder has no thread affinity, and `Decoder` is its only owner.
unsafe impl Send for Decoder {}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: `raw` came from `WebPAnimDecoderNew` and is deleted once.
        unsafe { webp::WebPAnimDecoderDelete(self.raw.as_ptr()) }
    }
}

impl Decoder {
    fn new(bytes: Arc<[u8]>) -> Result<Self, ImageError> {
        let data = webp::WebPData { bytes: bytes.as_ptr(), size: bytes.len() };
        // SAFETY: all-zero is a valid value of this plain C struct, and the initialiser fills it. `data` is copied
        // by the decoder, and the bytes it points to live as long as the `Decoder` (an `Arc` does not move them).
        let raw = unsafe {
            let mut options: webp::WebPAnimDecoderOptions = std::mem::zeroed();
            if webp::WebPAnimDecoderOptionsInit(&raw mut options) == 0 {
                return Err(damaged("libwebp is of another version"));
            }
            options.color_mode = webp::WEBP_CSP_MODE::MODE_RGBA;
            options.use_threads = 0;
            webp::WebPAnimDecoderNew(&raw const data, &raw const options)
        };
        let raw = ptr::NonNull::new(raw).ok_or_else(|| damaged("its structure is broken"))?;
        let mut decoder = Self { raw, info: webp::WebPAnimInfo::default(), _bytes: bytes };
        // SAFETY: `raw` is live and `info` is writable.
        if unsafe { webp::WebPAnimDecoderGetInfo(raw.as_ptr(), &raw mut decoder.info) } == 0 {
            return Err(damaged("its header cannot be read"));
        }
        Ok(decoder)
    }

    /// The next frame and the time at which it ends; `None` after the last.
    fn next_frame(&mut self) -> Result<Option<(Frame, i32)>, ImageError> {
        let (width, height) = (self.info.canvas_width, self.info.canvas_height);
        let (mut pixels, mut until) = (ptr::null_mut(), 0);
        // SAFETY: `raw` is live; on success `pixels` points to a canvas of width × height RGBA pixels that stays
        // valid until the next call, and it is copied at once.
        let pixels = unsafe {
            if webp::WebPAnimDecoderHasMoreFrames(self.raw.as_ptr()) == 0 {
                return Ok(None);
            }
            if webp::WebPAnimDecoderGetNext(self.raw.as_ptr(), &raw mut pixels, &raw mut until) == 0 {
                return Err(damaged("a frame cannot be decoded"));
            }
            slice::from_raw_parts(pixels, width as usize * height as usize * 4).to_vec()
        };
        Ok(Some((Frame { width, height, layout: Layout::Rgba, pixels }, until)))
    }

    /// The embedded colour profile.
    fn profile(&self) -> Option<Vec<u8>> {
        const PROFILE: &CStr = c"ICCP";
        // SAFETY: the demuxer belongs to the live decoder; the chunk points into our bytes and is copied before the
        // iterator is released; all-zero is a valid start value of the iterator.
        unsafe {
            let demuxer = webp::WebPAnimDecoderGetDemuxer(self.raw.as_ptr());
            let mut chunk: webp::WebPChunkIterator = std::mem::zeroed();
            if webp::WebPDemuxGetChunk(demuxer, PROFILE.as_ptr(), 1, &raw mut chunk) == 0 {
                return None;
            }
            let icc = slice::from_raw_parts(chunk.chunk.bytes, chunk.chunk.size).to_vec();
            webp::WebPDemuxReleaseChunkIterator(&raw mut chunk);
            Some(icc)
        }
    }
}

fn damaged(detail: &str) -> ImageError {
    ImageError::corrupt(Format::Webp, detail)
}
