//! JPEG through libjpeg-turbo: baseline, colour at half resolution, Huffman tables made for the image.
#![allow(unsafe_code, reason = "libjpeg is C; every block says why it is sound")]

use std::{
    ffi::c_int,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    ptr,
};

use mozjpeg_sys::{
    J_COLOR_SPACE, J_INT_PARAM, JINT_COMPRESS_PROFILE_VALUE, boolean, jpeg_c_set_int_param,
    jpeg_common_struct, jpeg_compress_struct, jpeg_create_compress, jpeg_destination_mgr,
    jpeg_destroy_compress, jpeg_error_mgr, jpeg_finish_compress, jpeg_set_defaults, jpeg_set_quality,
    jpeg_start_compress, jpeg_std_error, jpeg_write_marker, jpeg_write_scanlines,
};

use crate::{Format, Frame, ImageError, Layout, decode::Metadata, encode::Style};

/// As sharp and libvips.
const DEFAULT_QUALITY: u8 = 80;
/// The format's own limit.
const MOST_SIDE: u32 = 65_500;
/// libjpeg's `TRUE`.
const YES: boolean = 1;

/// Encodes one opaque frame.
pub(crate) fn still(frame: &Frame, style: &Style) -> Result<Vec<u8>, ImageError> {
    let colour = match frame.layout {
        Layout::Gray => J_COLOR_SPACE::JCS_GRAYSCALE,
        Layout::Rgb => J_COLOR_SPACE::JCS_RGB,
        Layout::GrayAlpha | Layout::Rgba => return Err(refused("transparency must be flattened first")),
    };
    if frame.width.max(frame.height) > MOST_SIDE {
        return Err(refused("a side of more than 65,500 pixels"));
    }
    let compressor = Compressor::new(frame.pixels.len())?;
    compressor.compress(frame, colour, style)?;
    Ok(compressor.finish())
}

fn refused(detail: &str) -> ImageError {
    ImageError::Encode { format: Format::Jpeg, detail: detail.to_owned() }
}

/// An encoder of one JPEG.
struct Compressor {
    /// Owned; allocated once, because libjpeg keeps pointers into it.
    state: *mut State,
}

struct State {
    cinfo: jpeg_compress_struct,
    errors: jpeg_error_mgr,
    manager: jpeg_destination_mgr,
    bytes: Vec<u8>,
}

impl Compressor {
    fn new(pixels: usize) -> Result<Self, ImageError> {
        // SAFETY: these are C structs of integers, pointers and optional function pointers, for which zero is valid;
        // libjpeg initialises them before it reads them.
        let (cinfo, errors) = unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        let manager = jpeg_destination_mgr {
            next_output_byte: ptr::null_mut(),
            free_in_buffer: 0,
            init_destination: Some(begin),
            empty_output_buffer: Some(grow),
            term_destination: Some(end),
        };
        // About a bit and a half a sample; more is grown.
        let bytes = vec![0; pixels / 5 + 1024];
        let this = Self { state: Box::into_raw(Box::new(State { cinfo, errors, manager, bytes })) };
        let state = this.state;
        // SAFETY: `state` is valid and unaliased; all pointers that C keeps point into it, and it does not move and
        // lives until `drop` has destroyed the compressor.
        catch(|| unsafe {
            (*state).cinfo.common.err = jpeg_std_error(&mut (*state).errors);
            (*state).errors.error_exit = Some(fail);
            (*state).errors.output_message = Some(stay_silent);
            jpeg_create_compress(&raw mut (*state).cinfo);
            (*state).cinfo.common.client_data = state.cast();
            (*state).cinfo.dest = &raw mut (*state).manager;
        })?;
        Ok(this)
    }

    fn compress(&self, frame: &Frame, colour: J_COLOR_SPACE, style: &Style) -> Result<(), ImageError> {
        let state = self.state;
        let quality = c_int::from(style.quality.unwrap_or(DEFAULT_QUALITY));
        // SAFETY: the calls come in the order that libjpeg asks for. Each line that is handed over is a whole row of
        // `width` pixels, which libjpeg only reads.
        catch(|| unsafe {
            let cinfo = &mut (*state).cinfo;
            cinfo.image_width = frame.width;
            cinfo.image_height = frame.height;
            cinfo.input_components = frame.layout.channels() as c_int;
            cinfo.in_color_space = colour;
            let fastest = JINT_COMPRESS_PROFILE_VALUE::JCP_FASTEST as c_int;
            jpeg_c_set_int_param(cinfo, J_INT_PARAM::JINT_COMPRESS_PROFILE, fastest);
            jpeg_set_defaults(cinfo);
            jpeg_set_quality(cinfo, quality, YES);
            cinfo.optimize_coding = YES;
            jpeg_start_compress(cinfo, YES);
            for (code, segment) in segments(&style.metadata) {
                jpeg_write_marker(cinfo, code, segment.as_ptr(), segment.len() as u32);
            }
            for row in frame.pixels.chunks_exact(frame.width as usize * frame.layout.channels()) {
                let line = [row.as_ptr()];
                jpeg_write_scanlines(cinfo, line.as_ptr(), 1);
            }
            jpeg_finish_compress(cinfo);
        })
    }

    fn finish(self) -> Vec<u8> {
        // SAFETY: `state` is valid, and C is not running.
        unsafe { std::mem::take(&mut (*self.state).bytes) }
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        // SAFETY: `state` came from `Box::into_raw` and is freed once; destroying is allowed in every state.
        unsafe {
            jpeg_destroy_compress(&mut (*self.state).cinfo);
            drop(Box::from_raw(self.state));
        }
    }
}

/// Segments carry at most this much after their identifier.
const MOST_SEGMENT: usize = 65_533;
const APP1: c_int = 0xe1;
const APP2: c_int = 0xe2;

/// EXIF and XMP where they fit one segment, the profile in as many as it takes (ICC.1:2022, annex B.4).
fn segments(metadata: &Metadata) -> Vec<(c_int, Vec<u8>)> {
    let mut segments = Vec::new();
    let mut whole = |prefix: &[u8], content: &Option<Vec<u8>>| {
        if let Some(content) = content.as_ref().filter(|c| prefix.len() + c.len() <= MOST_SEGMENT) {
            segments.push((APP1, [prefix, content].concat()));
        }
    };
    whole(b"Exif\0\0", &metadata.exif);
    whole(b"http://ns.adobe.com/xap/1.0/\0", &metadata.xmp);
    let parts: Vec<_> = metadata.icc.iter().flat_map(|icc| icc.chunks(65_519)).collect();
    if let Ok(count) = u8::try_from(parts.len()) {
        for (number, part) in (1..=count).zip(parts) {
            segments.push((APP2, [b"ICC_PROFILE\0", &[number, count][..], part].concat()));
        }
    }
    segments
}

/// Runs calls into libjpeg; an [`ImageError`] that a callback threw comes back as a value.
fn catch(call: impl FnOnce()) -> Result<(), ImageError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| match payload.downcast::<ImageError>() {
        Ok(error) => *error,
        Err(other) => resume_unwind(other),
    })
}

unsafe extern "C-unwind" fn fail(common: &mut jpeg_common_struct) {
    // SAFETY: `err` was set when the compressor was created.
    let code = unsafe { (*common.err).msg_code };
    resume_unwind(Box::new(refused(&format!("libjpeg's message {code}"))))
}

unsafe extern "C-unwind" fn stay_silent(_common: &mut jpeg_common_struct) {}

/// The state behind a callback's argument.
///
/// # Safety
/// `cinfo` is that of a live [`State`], whose address was put into `client_data`.
unsafe fn state_of(cinfo: &jpeg_compress_struct) -> *mut State {
    cinfo.common.client_data.cast()
}

unsafe extern "C-unwind" fn begin(cinfo: &mut jpeg_compress_struct) {
    // SAFETY: see `state_of`; `manager` and `bytes` are not borrowed during a callback.
    unsafe {
        let state = state_of(cinfo);
        (*state).manager.next_output_byte = (*state).bytes.as_mut_ptr();
        (*state).manager.free_in_buffer = (*state).bytes.len();
    }
}

/// Called when the buffer is full: everything in it counts, whatever the manager says.
unsafe extern "C-unwind" fn grow(cinfo: &mut jpeg_compress_struct) -> boolean {
    // SAFETY: as in `begin`; the new pointer lies inside the grown buffer.
    unsafe {
        let state = state_of(cinfo);
        let bytes = &mut (*state).bytes;
        let full = bytes.len();
        bytes.resize(full * 2, 0);
        (*state).manager.next_output_byte = bytes.as_mut_ptr().add(full);
        (*state).manager.free_in_buffer = bytes.len() - full;
    }
    YES
}

unsafe extern "C-unwind" fn end(cinfo: &mut jpeg_compress_struct) {
    // SAFETY: as in `begin`.
    unsafe {
        let state = state_of(cinfo);
        let written = (*state).bytes.len() - (*state).manager.free_in_buffer;
        (*state).bytes.truncate(written);
    }
}
