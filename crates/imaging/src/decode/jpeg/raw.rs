//! The border to libjpeg: the only place where JPEG decoding is unsafe.
//!
//! libjpeg reports errors by a callback that must not return. Ours unwinds with the [`ImageError`] as payload, through
//! C frames that are compiled with `-fexceptions` and declared `C-unwind`, to [`catch`] around every call.
#![allow(unsafe_code, reason = "libjpeg is C; every block says why it is sound")]

use std::{
    ffi::{c_int, c_long},
    io::Read,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    ptr,
    sync::Arc,
};

use mozjpeg_sys::{
    J_COLOR_SPACE, boolean, jpeg_common_struct, jpeg_create_decompress, jpeg_decompress_struct,
    jpeg_destroy_decompress, jpeg_error_mgr, jpeg_progress_mgr, jpeg_read_header, jpeg_read_scanlines,
    jpeg_resync_to_restart, jpeg_source_mgr, jpeg_start_decompress, jpeg_std_error,
};

use super::{
    row_buffer::RowBuffer,
    scans::{Leave, ScanFilter},
};
use crate::{Format, Guard, ImageError, Source, source::ReadSeek};

/// What the samples of a decoded row are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Samples {
    Gray,
    Rgb,
    Cmyk,
}

impl Samples {
    pub(super) fn channels(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }
}

/// A decoder of one JPEG.
pub(super) struct Decompressor {
    /// Owned; allocated once, because libjpeg keeps pointers into it.
    state: *mut State,
}

struct State {
    cinfo: jpeg_decompress_struct,
    errors: jpeg_error_mgr,
    progress: jpeg_progress_mgr,
    manager: jpeg_source_mgr,
    feed: Feed,
    guard: Guard,
    /// libjpeg asked for more entropy-coded data than there is while it was in the first row of the first scan.
    starved_at_once: bool,
}

/// Where bytes come from.
struct Feed {
    input: Feeding,
    ended: bool,
}

enum Feeding {
    /// Given whole, once.
    Bytes(Arc<[u8]>, bool),
    Chunks(Box<dyn ReadSeek>, Vec<u8>),
    Filtered(Box<Filtered>),
}

/// A file on its way through a filter.
struct Filtered {
    reader: Box<dyn ReadSeek>,
    filter: ScanFilter,
    chunk: Vec<u8>,
    /// What stays of the chunk.
    rest: Vec<u8>,
}

/// libjpeg's fast path needs 3 KiB to be left; with 64 KiB a twentieth of the data would miss it.
const CHUNK: usize = 256 << 10;
/// libjpeg's `TRUE`.
const YES: boolean = 1;
/// What is fed after the end of the file, so that libjpeg finishes with what it has.
static END_OF_IMAGE: [u8; 2] = [0xff, 0xd9];

impl Decompressor {
    /// Reads the header. Without what `leave` names.
    pub(super) fn open(source: &Source, leave: Option<Leave>, guard: &Guard) -> Result<Self, ImageError> {
        let input = match (source, leave) {
            (_, Some(leave)) => Feeding::Filtered(Box::new(Filtered {
                reader: source.open()?,
                filter: ScanFilter::new(leave),
                chunk: Vec::with_capacity(CHUNK),
                rest: Vec::with_capacity(CHUNK),
            })),
            (Source::Bytes(bytes), None) => Feeding::Bytes(Arc::clone(bytes), false),
            (Source::File(_), None) => Feeding::Chunks(source.open()?, Vec::with_capacity(CHUNK)),
        };
        // SAFETY: these are C structs of integers, pointers and optional function pointers, for which zero is valid;
        // libjpeg initialises them below before it reads them.
        let (cinfo, errors, progress) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed()) };
        let manager = jpeg_source_mgr {
            next_input_byte: ptr::null(),
            bytes_in_buffer: 0,
            init_source: Some(ignore),
            fill_input_buffer: Some(fill),
            skip_input_data: Some(skip),
            resync_to_restart: Some(jpeg_resync_to_restart),
            term_source: Some(ignore),
        };
        let feed = Feed { input, ended: false };
        let guard = guard.clone();
        let state = State { cinfo, errors, progress, manager, feed, guard, starved_at_once: false };
        let this = Self { state: Box::into_raw(Box::new(state)) };
        this.create()?;
        Ok(this)
    }

    fn create(&self) -> Result<(), ImageError> {
        let state = self.state;
        // SAFETY: `state` is valid and unaliased; all pointers that C keeps point into it, and it does not move and
        // lives until `drop` has destroyed the decompressor.
        catch(|| unsafe {
            (*state).cinfo.common.err = jpeg_std_error(&mut (*state).errors);
            (*state).errors.error_exit = Some(fail);
            (*state).errors.emit_message = Some(note);
            (*state).errors.output_message = Some(stay_silent);
            jpeg_create_decompress(&raw mut (*state).cinfo);
            (*state).cinfo.common.client_data = state.cast();
            (*state).progress.progress_monitor = Some(report);
            (*state).cinfo.common.progress = &raw mut (*state).progress;
            (*state).cinfo.src = &raw mut (*state).manager;
            jpeg_read_header(&mut (*state).cinfo, YES);
        })
    }

    /// Begins to decode at `eighths`/8 of the full size; gives the size of the output.
    pub(super) fn start(
        &mut self,
        eighths: u32,
        samples: Samples,
        upsampling: Upsampling,
    ) -> Result<(u32, u32), ImageError> {
        let state = self.state;
        // SAFETY: the header was read by `open`, so the parameters may be set and decoding begun.
        catch(|| unsafe {
            let cinfo = &mut (*state).cinfo;
            cinfo.scale_num = eighths;
            cinfo.scale_denom = 8;
            // Smoothing guesses AC coefficients from DC ones where a scan is missing.
            cinfo.do_block_smoothing = boolean::from(!matches!((*state).feed.input, Feeding::Filtered(_)));
            cinfo.do_fancy_upsampling = boolean::from(upsampling == Upsampling::Smooth);
            cinfo.out_color_space = match samples {
                Samples::Gray => J_COLOR_SPACE::JCS_GRAYSCALE,
                Samples::Rgb => J_COLOR_SPACE::JCS_RGB,
                Samples::Cmyk => J_COLOR_SPACE::JCS_CMYK,
            };
            jpeg_start_decompress(cinfo);
            debug_assert_eq!(cinfo.output_components as usize, samples.channels());
            (cinfo.output_width, cinfo.output_height)
        })
    }

    /// Decodes the next rows, `most` at most, into the first of the buffer; gives how many came, at least one.
    pub(super) fn read(&mut self, buffer: &mut RowBuffer, most: usize) -> Result<usize, ImageError> {
        let state = self.state;
        // SAFETY: `start` has set the output size. Each pointer handed over begins a row of `row_bytes` inside the buffer,
        // and libjpeg writes at most `count` rows of that size.
        catch(|| unsafe {
            let cinfo = &mut (*state).cinfo;
            let row_bytes = cinfo.output_width as usize * cinfo.output_components as usize;
            let mut lines = [ptr::null_mut(); MOST_ROWS];
            let mut count = 0;
            for (line, row) in lines.iter_mut().zip(buffer.rows(most)) {
                assert!(row.len() >= row_bytes, "the buffer is for shorter rows");
                *line = row.as_mut_ptr();
                count += 1;
            }
            jpeg_read_scanlines(cinfo, lines.as_mut_ptr(), count) as usize
        })
        .and_then(|count| {
            if count == 0 { Err(ImageError::corrupt(Format::Jpeg, "no more rows")) } else { Ok(count) }
        })
    }

    /// Whether the data ended before anything of the picture was decoded.
    pub(super) fn decoded_nothing(&self) -> bool {
        // SAFETY: `state` is valid, and C is not running.
        unsafe { (*self.state).starved_at_once }
    }
}

/// Rows that one call of [`Decompressor::read`] can take.
pub(super) const MOST_ROWS: usize = 16;

/// How colour at half resolution becomes full resolution, where the scale leaves that to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Upsampling {
    /// Weighted by distance.
    Smooth,
    /// Repeated: cannot be told apart once the frame is halved.
    Repeat,
}

impl Drop for Decompressor {
    fn drop(&mut self) {
        // SAFETY: `state` came from `Box::into_raw` and is freed once. Destroying is allowed in every state of the
        // decompressor, also after an error.
        unsafe {
            jpeg_destroy_decompress(&mut (*self.state).cinfo);
            drop(Box::from_raw(self.state));
        }
    }
}

/// Runs a call into libjpeg; an [`ImageError`] that a callback threw comes back as a value.
fn catch<T>(call: impl FnOnce() -> T) -> Result<T, ImageError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| match payload.downcast::<ImageError>() {
        Ok(error) => *error,
        Err(other) => resume_unwind(other),
    })
}

/// Leaves libjpeg with an error, without running the panic hook.
fn throw(error: ImageError) -> ! {
    resume_unwind(Box::new(error))
}

/// The state behind a callback's argument.
///
/// # Safety
/// `common` is the first field of the `cinfo` of a live [`State`], whose address `create` put into `client_data`.
unsafe fn state_of(common: &jpeg_common_struct) -> *mut State {
    common.client_data.cast()
}

unsafe extern "C-unwind" fn fail(common: &mut jpeg_common_struct) {
    let mut text = [0u8; 80];
    // SAFETY: `err` was set by `create`. The function writes a C string of at most 80 bytes: its C type is
    // `void (j_common_ptr, char *)`, and only the binding declares the buffer as shared.
    unsafe {
        if let Some(format) = (*common.err).format_message {
            let format = std::mem::transmute::<
                unsafe extern "C-unwind" fn(&mut jpeg_common_struct, &[u8; 80]),
                unsafe extern "C-unwind" fn(&mut jpeg_common_struct, *mut u8),
            >(format);
            format(common, text.as_mut_ptr());
        }
    }
    let length = text.iter().position(|&b| b == 0).unwrap_or(text.len());
    let detail = String::from_utf8_lossy(&text[..length]).into_owned();
    throw(ImageError::corrupt(Format::Jpeg, detail))
}

/// Warnings are tolerated, as every viewer does; only a picture of which nothing came is an error.
unsafe extern "C-unwind" fn note(common: &mut jpeg_common_struct, level: c_int) {
    if level >= 0 {
        return;
    }
    // SAFETY: see `state_of`; messages of decompressors only come here. Before `create` has set `client_data` it is
    // null and there is nothing to note.
    unsafe {
        let state = state_of(common);
        if !state.is_null() && (*state).feed.ended {
            let cinfo = &(*state).cinfo;
            (*state).starved_at_once |= cinfo.input_scan_number <= 1 && cinfo.input_iMCU_row == 0;
        }
    }
}

unsafe extern "C-unwind" fn stay_silent(_common: &mut jpeg_common_struct) {}

unsafe extern "C-unwind" fn ignore(_cinfo: &mut jpeg_decompress_struct) {}

/// Called for every row of blocks, also while a progressive image is read as a whole.
unsafe extern "C-unwind" fn report(common: &mut jpeg_common_struct) {
    // SAFETY: see `state_of`.
    let checked = unsafe { (*state_of(common)).guard.check() };
    if let Err(error) = checked {
        throw(error);
    }
}

unsafe extern "C-unwind" fn fill(cinfo: &mut jpeg_decompress_struct) -> boolean {
    // SAFETY: see `state_of`; `manager` and `feed` are fields that no other reference points to during a callback, and
    // the bytes behind `next_input_byte` stay in place until the next call of `fill`.
    unsafe {
        let state = state_of(&cinfo.common);
        let next = match (*state).feed.next() {
            Ok(next) => next,
            Err(error) => throw(error.into()),
        };
        (*state).manager.next_input_byte = next.as_ptr();
        (*state).manager.bytes_in_buffer = next.len();
    }
    YES
}

unsafe extern "C-unwind" fn skip(cinfo: &mut jpeg_decompress_struct, count: c_long) {
    let mut left = usize::try_from(count).unwrap_or(0);
    // SAFETY: as in `fill`; the pointer advances by no more than what is in the buffer.
    unsafe {
        let state = state_of(&cinfo.common);
        while left > (*state).manager.bytes_in_buffer && !(*state).feed.ended {
            left -= (*state).manager.bytes_in_buffer;
            fill(cinfo);
        }
        let manager = &mut (*state).manager;
        let some = left.min(manager.bytes_in_buffer);
        manager.next_input_byte = manager.next_input_byte.add(some);
        manager.bytes_in_buffer -= some;
    }
}

impl Feed {
    /// The next bytes; after the last, the end-of-image marker again and again.
    fn next(&mut self) -> std::io::Result<&[u8]> {
        match &mut self.input {
            Feeding::Bytes(bytes, given) if !*given && !bytes.is_empty() => {
                *given = true;
                return Ok(bytes);
            }
            Feeding::Bytes(..) => {}
            Feeding::Chunks(reader, chunk) => {
                chunk.clear();
                if reader.by_ref().take(CHUNK as u64).read_to_end(chunk)? > 0 {
                    return Ok(chunk);
                }
            }
            Feeding::Filtered(filtered) => {
                let rest = filtered.next()?;
                if !rest.is_empty() {
                    return Ok(rest);
                }
            }
        }
        self.ended = true;
        Ok(&END_OF_IMAGE)
    }
}

impl Filtered {
    /// The next bytes that stay; none at the end of the file.
    fn next(&mut self) -> std::io::Result<&[u8]> {
        self.rest.clear();
        while self.rest.is_empty() {
            self.chunk.clear();
            if self.reader.by_ref().take(CHUNK as u64).read_to_end(&mut self.chunk)? == 0 {
                self.filter.finish(&mut self.rest);
                break;
            }
            self.filter.pass(&self.chunk, &mut self.rest);
        }
        Ok(&self.rest)
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::c_int;

    // Of libjpeg's own SIMD module, which is not part of its public interface.
    unsafe extern "C" {
        fn jsimd_can_idct_islow() -> c_int;
    }

    #[test]
    fn simd_is_compiled_in() {
        // SAFETY: takes nothing and reads the processor's features.
        assert_ne!(
            unsafe { jsimd_can_idct_islow() },
            0,
            "libjpeg was built without SIMD: is nasm installed?"
        );
    }
}
