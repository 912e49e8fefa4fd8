//! The border to libwebp's decoder: the only place where still WebP decoding is unsafe.
#![allow(unsafe_code, reason = "libwebp is C; every block says why it is sound")]

use std::{ffi::c_int, ptr};

use libwebp_sys::{
    VP8StatusCode, WEBP_CSP_MODE, WebPDecoderConfig, WebPIDecode, WebPIDecoder, WebPIDelete, WebPIUpdate,
    WebPRGBABuffer,
};

use crate::{Format, Frame, Guard, ImageError, Layout};

/// The guard is asked after each of these.
const STEP: usize = 256 << 10;

/// Decodes `data` to exactly `size`, scaled by area where that is not the size of the image.
pub(super) fn decode(data: &[u8], size: Size, layout: Layout, guard: &Guard) -> Result<Frame, ImageError> {
    let (width, height) = size.pixels();
    let stride = width as usize * layout.channels();
    let mut pixels = vec![0; stride * height as usize];
    let mut config =
        WebPDecoderConfig::new().map_err(|()| ImageError::corrupt(Format::Webp, "another libwebp"))?;
    if let Size::Scaled(width, height) = size {
        config.options.use_scaling = 1;
        config.options.scaled_width = width as c_int;
        config.options.scaled_height = height as c_int;
    }
    config.output.colorspace =
        if layout == Layout::Rgba { WEBP_CSP_MODE::MODE_RGBA } else { WEBP_CSP_MODE::MODE_RGB };
    config.output.is_external_memory = 1;
    config.output.u.RGBA =
        WebPRGBABuffer { rgba: pixels.as_mut_ptr(), stride: stride as c_int, size: pixels.len() };
    // SAFETY: `config` and `pixels` outlive the decoder, which is deleted when `decoder` drops before them; the buffer
    // is as large as it says.
    let decoder = Decoder(unsafe { WebPIDecode(ptr::null(), 0, &raw mut config) });
    if decoder.0.is_null() {
        return Err(ImageError::corrupt(Format::Webp, "no memory or unusable parameters"));
    }
    decoder.feed(data, guard)?;
    drop(decoder);
    Ok(Frame { width, height, layout, pixels })
}

/// The size of the output.
#[derive(Debug, Clone, Copy)]
pub(super) enum Size {
    Full(u32, u32),
    Scaled(u32, u32),
}

impl Size {
    fn pixels(self) -> (u32, u32) {
        let (Self::Full(width, height) | Self::Scaled(width, height)) = self;
        (width, height)
    }
}

struct Decoder(*mut WebPIDecoder);

impl Decoder {
    fn feed(&self, data: &[u8], guard: &Guard) -> Result<(), ImageError> {
        let mut end = 0;
        while end < data.len() {
            guard.check()?;
            end = (end + STEP).min(data.len());
            // SAFETY: the decoder is valid; `data` begins with the bytes of the call before, as `WebPIUpdate` asks.
            match unsafe { WebPIUpdate(self.0, data.as_ptr(), end) } {
                VP8StatusCode::VP8_STATUS_OK => return Ok(()),
                VP8StatusCode::VP8_STATUS_SUSPENDED => {}
                status => return Err(ImageError::corrupt(Format::Webp, status_text(status))),
            }
        }
        Err(ImageError::corrupt(Format::Webp, "ends early"))
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `WebPIDecode` and is deleted once; null is allowed.
        unsafe { WebPIDelete(self.0) };
    }
}

fn status_text(status: VP8StatusCode) -> &'static str {
    match status {
        VP8StatusCode::VP8_STATUS_OUT_OF_MEMORY => "out of memory",
        VP8StatusCode::VP8_STATUS_UNSUPPORTED_FEATURE => "an unknown feature",
        VP8StatusCode::VP8_STATUS_NOT_ENOUGH_DATA => "ends early",
        _ => "a broken bitstream",
    }
}
