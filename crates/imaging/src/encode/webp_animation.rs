//! Animated WebP encoding: libwebp finds the part of each frame that changed.
#![allow(unsafe_code, reason = "libwebp is C; every call is in this file or in its three neighbours")]

use std::{
    ffi::{CStr, c_int},
    ptr, slice,
};

use libwebp_sys as webp;

use crate::{
    Format, Frame, ImageError, Layout,
    encode::{AnimationEncoder, Canvas, Style},
};

/// The same as for still WebP.
const DEFAULT_QUALITY: u8 = 80;

/// Begins an animation.
pub(crate) fn animation(canvas: Canvas, style: Style) -> Result<Box<dyn AnimationEncoder>, ImageError> {
    let quality = style.quality.unwrap_or(DEFAULT_QUALITY);
    Ok(Box::new(Encoder { raw: Raw::new(canvas)?, config: config(quality)?, style, elapsed: 0 }))
}

struct Encoder {
    raw: Raw,
    config: webp::WebPConfig,
    style: Style,
    /// When the next frame begins, in milliseconds.
    elapsed: c_int,
}

impl AnimationEncoder for Encoder {
    fn push(&mut self, frame: &Frame, delay_ms: u32) -> Result<(), ImageError> {
        let mut picture = Picture::new(frame)?;
        self.raw.add(Some(&mut picture), self.elapsed, &self.config)?;
        self.elapsed = self.elapsed.saturating_add(c_int::try_from(delay_ms).unwrap_or(c_int::MAX));
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>, ImageError> {
        // An addition without a frame tells how long the last one shows.
        self.raw.add(None, self.elapsed, &self.config)?;
        for (name, chunk) in [(c"EXIF", &self.style.metadata.exif), (c"XMP ", &self.style.metadata.xmp)] {
            if let Some(chunk) = chunk {
                self.raw.set_chunk(name, chunk)?;
            }
        }
        self.raw.assemble()
    }
}

fn config(quality: u8) -> Result<webp::WebPConfig, ImageError> {
    let mut config = webp::WebPConfig::new().map_err(|()| refused("libwebp is of another version"))?;
    config.quality = f32::from(quality);
    config.method = 4;
    Ok(config)
}

/// Owns libwebp's animation encoder.
struct Raw(ptr::NonNull<webp::WebPAnimEncoder>);

impl Drop for Raw {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `WebPAnimEncoderNew` and is deleted once.
        unsafe { webp::WebPAnimEncoderDelete(self.0.as_ptr()) }
    }
}

impl Raw {
    fn new(canvas: Canvas) -> Result<Self, ImageError> {
        let (width, height) = (canvas.width as c_int, canvas.height as c_int);
        // SAFETY: all-zero is a valid value of this plain C struct; the encoder copies the options.
        let raw = unsafe {
            let mut options: webp::WebPAnimEncoderOptions = std::mem::zeroed();
            let version = webp::WEBP_MUX_ABI_VERSION as c_int;
            if webp::WebPAnimEncoderOptionsInitInternal(&raw mut options, version) == 0 {
                return Err(refused("libwebp is of another version"));
            }
            options.anim_params.loop_count = c_int::from(canvas.loops);
            webp::WebPAnimEncoderNewInternal(width, height, &raw const options, version)
        };
        ptr::NonNull::new(raw).map(Self).ok_or_else(|| refused("the canvas is too large"))
    }

    fn add(
        &mut self,
        picture: Option<&mut Picture>,
        at_ms: c_int,
        config: &webp::WebPConfig,
    ) -> Result<(), ImageError> {
        let picture = picture.map_or(ptr::null_mut(), |picture| &raw mut picture.0);
        // SAFETY: the encoder is live; the picture (null means the end) is only used during the call.
        let added = unsafe { webp::WebPAnimEncoderAdd(self.0.as_ptr(), picture, at_ms, config) };
        if added == 0 { Err(self.error()) } else { Ok(()) }
    }

    fn set_chunk(&mut self, name: &CStr, chunk: &[u8]) -> Result<(), ImageError> {
        let data = webp::WebPData { bytes: chunk.as_ptr(), size: chunk.len() };
        // SAFETY: the encoder is live, and the last argument makes it copy the chunk.
        let set =
            unsafe { webp::WebPAnimEncoderSetChunk(self.0.as_ptr(), name.as_ptr(), &raw const data, 1) };
        if set == webp::WebPMuxError::WEBP_MUX_OK { Ok(()) } else { Err(self.error()) }
    }

    fn assemble(&mut self) -> Result<Vec<u8>, ImageError> {
        let mut data = webp::WebPData::default();
        // SAFETY: the encoder is live; on success `data` owns a block that is copied and then freed.
        unsafe {
            if webp::WebPAnimEncoderAssemble(self.0.as_ptr(), &raw mut data) == 0 {
                return Err(self.error());
            }
            let bytes = slice::from_raw_parts(data.bytes, data.size).to_vec();
            webp::WebPDataClear(&mut data);
            Ok(bytes)
        }
    }

    fn error(&self) -> ImageError {
        // SAFETY: the encoder is live and returns a string of its own that is copied at once.
        let said = unsafe { CStr::from_ptr(webp::WebPAnimEncoderGetError(self.0.as_ptr())) };
        refused(&said.to_string_lossy())
    }
}

/// Owns the pixels that libwebp copied from a frame.
struct Picture(webp::WebPPicture);

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: the picture was initialised and is freed once.
        unsafe { webp::WebPPictureFree(&raw mut self.0) }
    }
}

impl Picture {
    fn new(frame: &Frame) -> Result<Self, ImageError> {
        let mut picture =
            Self(webp::WebPPicture::new().map_err(|()| refused("libwebp is of another version"))?);
        picture.0.use_argb = 1;
        picture.0.width = frame.width as c_int;
        picture.0.height = frame.height as c_int;
        let rgba = rgba(frame);
        // SAFETY: `rgba` holds width × height pixels of 4 bytes, and is copied during the call.
        let taken = unsafe {
            webp::WebPPictureImportRGBA(&raw mut picture.0, rgba.as_ptr(), frame.width as c_int * 4)
        };
        if taken == 0 { Err(refused("out of memory")) } else { Ok(picture) }
    }
}

/// The pixels with all four channels.
fn rgba(frame: &Frame) -> Vec<u8> {
    let pixels = &frame.pixels;
    match frame.layout {
        Layout::Gray => pixels.iter().flat_map(|&v| [v, v, v, 255]).collect(),
        Layout::GrayAlpha => pixels.as_chunks::<2>().0.iter().flat_map(|&[v, a]| [v, v, v, a]).collect(),
        Layout::Rgb => pixels.as_chunks::<3>().0.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect(),
        Layout::Rgba => pixels.clone(),
    }
}

fn refused(detail: &str) -> ImageError {
    ImageError::Encode { format: Format::Webp, detail: detail.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, atomic::AtomicBool},
        time::Duration,
    };

    use darkroom_core::operation::Light;

    use super::*;
    use crate::{
        Guard, Limits, Source,
        decode::{self, Input, Metadata, MetadataWish, Wish},
    };

    /// A square that moves over a slope, with a transparent column.
    fn frame(step: u32, layout: Layout) -> Frame {
        let (width, height) = (48, 32);
        let mut pixels = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let inside = (step * 6..step * 6 + 10).contains(&x) && (8..20).contains(&y);
                let rgb = if inside { [230, 40, 40] } else { [(x * 4) as u8, (y * 6) as u8, 90] };
                match layout {
                    Layout::Rgb => pixels.extend(rgb),
                    Layout::Rgba => pixels.extend([rgb[0], rgb[1], rgb[2], if x < 5 { 0 } else { 255 }]),
                    Layout::Gray => pixels.push(rgb[0]),
                    Layout::GrayAlpha => pixels.extend([rgb[0], if x < 5 { 0 } else { 255 }]),
                }
            }
        }
        Frame { width, height, layout, pixels }
    }

    fn play(bytes: Vec<u8>) -> (Vec<(Frame, u32)>, u16) {
        let source = Source::bytes(bytes);
        let limits = Limits::default();
        let guard = Guard::new(Duration::from_mins(1), Arc::new(AtomicBool::new(false)));
        let header = decode::webp::header(&source, &limits).unwrap();
        let size = (header.width, header.height);
        let wish = Wish {
            scaled: size,
            averaged: size,
            shown: size,
            metadata: MetadataWish::Drop,
            light: Light::Gamma,
        };
        let input = Input { source: &source, header: &header, wish, limits: &limits, guard: &guard };
        let mut animation = decode::webp_animation::animation(&input).unwrap();
        let frames: Vec<_> = std::iter::from_fn(|| animation.next_frame().unwrap()).collect();
        assert_eq!(header.frames as usize, frames.len());
        (frames, animation.loops())
    }

    #[test]
    fn frames_delays_and_plays_come_back_in_every_layout() {
        for layout in [Layout::Gray, Layout::GrayAlpha, Layout::Rgb, Layout::Rgba] {
            let style = Style { quality: Some(95), metadata: Metadata::default() };
            let mut encoder = animation(Canvas { width: 48, height: 32, loops: 3 }, style).unwrap();
            let delays = [40, 133, 1000, 7, 90];
            for (step, delay) in delays.iter().enumerate() {
                encoder.push(&frame(step as u32, layout), *delay).unwrap();
            }
            let (frames, loops) = play(encoder.finish().unwrap());
            assert_eq!(loops, 3);
            assert_eq!(frames.iter().map(|(_, delay)| *delay).collect::<Vec<_>>(), delays);
            for (step, (shown, _)) in frames.iter().enumerate() {
                check(&frame(step as u32, layout), shown);
            }
        }
    }

    fn check(pushed: &Frame, shown: &Frame) {
        let pushed = rgba(pushed);
        let mut squares = 0.0;
        for (before, after) in pushed.as_chunks::<4>().0.iter().zip(shown.pixels.as_chunks::<4>().0) {
            assert_eq!(before[3], after[3], "alpha is kept exactly");
            if before[3] > 0 {
                squares += (0..3).map(|c| f64::from(before[c].abs_diff(after[c])).powi(2)).sum::<f64>();
            }
        }
        let psnr = 10.0 * (255.0f64.powi(2) / (squares / (pushed.len() / 4 * 3) as f64)).log10();
        assert!(psnr > 26.0, "{psnr:.1} dB");
    }

    #[test]
    fn metadata_is_written_beside_the_frames() {
        let metadata = Metadata { icc: None, exif: Some(b"II*\0exif".to_vec()), xmp: Some(b"<x/>".to_vec()) };
        let mut encoder =
            animation(Canvas { width: 48, height: 32, loops: 0 }, Style { quality: None, metadata }).unwrap();
        encoder.push(&frame(0, Layout::Rgb), 100).unwrap();
        encoder.push(&frame(1, Layout::Rgb), 100).unwrap();
        let bytes = encoder.finish().unwrap();
        let has = |chunk: &[u8]| bytes.windows(chunk.len()).any(|window| window == chunk);
        assert!(has(b"EXIF\x08\0\0\0II*\0exif") && has(b"XMP \x04\0\0\0<x/>"));
    }
}
