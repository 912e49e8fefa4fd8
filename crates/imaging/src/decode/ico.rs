//! ICO and CUR decoding: the largest entry, and of several as large the one with most bits a pixel.

use crate::{
    Format, Frame, Header, ImageError, Layout, Limits, Source,
    decode::{
        Decoded, Input, Wish,
        dib::{Alpha, Dib},
        png,
    },
};

const DIRECTORY: usize = 6;
const ENTRY: usize = 16;
const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Reads the directory and the header of the chosen entry.
pub(crate) fn header(source: &Source, limits: &Limits) -> Result<Header, ImageError> {
    let bytes = source.read_all()?;
    match chosen(&bytes)? {
        Entry::Png(png) => {
            let header = png::header(&Source::bytes(png), limits)?;
            // The file is read whole, and the entry is not reduced while it is decoded.
            let memory = header.memory + 2 * bytes.len() as u64;
            Ok(Header { format: Format::Ico, streams: false, memory, held: memory, ..header })
        }
        Entry::Bitmap(dib) => Ok(Header { has_alpha: true, ..dib.header(Format::Ico, bytes.len() as u64) }),
    }
}

/// Decodes the chosen entry.
pub(crate) fn still(input: &Input<'_>) -> Result<Decoded, ImageError> {
    let bytes = input.source.read_all()?;
    match chosen(&bytes)? {
        Entry::Png(png) => {
            let source = Source::bytes(png);
            let header = png::header(&source, input.limits)?;
            let full = (header.width, header.height);
            let wish = Wish { scaled: full, averaged: full, shown: full, ..input.wish };
            png::still(&Input { source: &source, header: &header, wish, ..*input })
        }
        Entry::Bitmap(dib) => {
            let frame = dib.frame(&bytes, input.guard)?;
            Ok(Decoded::whole(transparent(frame, &dib, &bytes), dib.metadata(&bytes)))
        }
    }
}

/// An entry's image: either a whole PNG file or a bitmap.
enum Entry<'a> {
    Png(&'a [u8]),
    Bitmap(Dib),
}

/// The best entry that lies in the file.
fn chosen(bytes: &[u8]) -> Result<Entry<'_>, ImageError> {
    let count =
        bytes.get(4..DIRECTORY).map_or(0, |count| usize::from(u16::from_le_bytes([count[0], count[1]])));
    let entries = bytes.get(DIRECTORY..).unwrap_or_default().as_chunks::<ENTRY>().0.iter().take(count);
    // A side of 0 means 256. `max_by_key` keeps the last of several equals; reversed, the first.
    let side = |side: u8| if side == 0 { 256 } else { u32::from(side) };
    let best = entries
        .rev()
        .max_by_key(|entry| (side(entry[0]) * side(entry[1]), u16::from_le_bytes([entry[6], entry[7]])));
    let entry = best.ok_or_else(|| damaged("it has no entry"))?;
    let length = u32::from_le_bytes([entry[8], entry[9], entry[10], entry[11]]) as usize;
    let at = u32::from_le_bytes([entry[12], entry[13], entry[14], entry[15]]) as usize;
    let image =
        bytes.get(at..).filter(|image| !image.is_empty()).ok_or_else(|| damaged("an entry lies outside"))?;
    if image.starts_with(PNG_SIGNATURE) {
        return Ok(Entry::Png(&image[..length.min(image.len())]));
    }
    let mut dib = Dib::parse(bytes, at, None).map_err(rename)?.with_alpha(Alpha::Always);
    // The height counts the mask, too.
    dib.height /= 2;
    if dib.height == 0 {
        return Err(damaged("a side of 0 pixels"));
    }
    Ok(Entry::Bitmap(dib))
}

/// Alpha from the pixels, or (where these have none) from the mask of one bit a pixel behind them: 1 is transparent.
fn transparent(frame: Frame, dib: &Dib, bytes: &[u8]) -> Frame {
    let (width, height) = (frame.width as usize, frame.height as usize);
    let mut frame = with_alpha(frame);
    let declared = dib.bits == 32 && frame.pixels.as_chunks::<4>().0.iter().any(|pixel| pixel[3] != 0);
    if declared {
        return frame;
    }
    let mask_row = width.div_ceil(32) * 4;
    let mask = bytes.get(dib.pixels_at + dib.row_bytes() * height..).unwrap_or_default();
    let pixels = frame.pixels.as_chunks_mut::<4>().0;
    for pixel in pixels.iter_mut() {
        pixel[3] = 255;
    }
    // Rows of the mask are stored from the bottom; a mask that is cut hides nothing more.
    for (row, stored) in pixels.rchunks_exact_mut(width).zip(mask.chunks_exact(mask_row)) {
        for (x, pixel) in row.iter_mut().enumerate() {
            if stored[x / 8] >> (7 - x % 8) & 1 == 1 {
                pixel[3] = 0;
            }
        }
    }
    frame
}

fn with_alpha(frame: Frame) -> Frame {
    if frame.layout == Layout::Rgba {
        return frame;
    }
    let pixels = frame.pixels.as_chunks::<3>().0.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect();
    Frame { layout: Layout::Rgba, pixels, ..frame }
}

/// The bitmap's troubles are the icon's.
fn rename(error: ImageError) -> ImageError {
    match error {
        ImageError::Corrupt { detail, .. } => ImageError::Corrupt { format: Format::Ico, detail },
        ImageError::Unsupported { what, .. } => ImageError::Unsupported { format: Format::Ico, what },
        other => other,
    }
}

fn damaged(detail: &str) -> ImageError {
    ImageError::corrupt(Format::Ico, detail)
}
