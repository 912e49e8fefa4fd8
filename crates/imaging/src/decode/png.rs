//! PNG, row by row into an area average, so that the full frame never is in memory.
//!
//! Checksums are verified, and a file that ends early is damaged: unlike JPEG, what is missing cannot be guessed.
//! Text chunks are skipped without being inflated. `gAMA` and `cHRM` are not applied, as by libvips and Pillow;
//! an embedded profile is.

use png::{BitDepth, ColorType, Decoder, DecodingError, Reader, Transformations};

use crate::{
    Format, Header, ImageError, Layout, Limits, Source,
    decode::{Decoded, Input, Metadata, Wish},
    metadata,
    reducer::{Reducer, factors},
    source::ReadSeek,
};

/// Reads the chunks before the first pixel data.
pub(crate) fn header(source: &Source, _limits: &Limits) -> Result<Header, ImageError> {
    let reader = open(source)?;
    let info = reader.info();
    let has_alpha =
        info.trns.is_some() || matches!(info.color_type, ColorType::GrayscaleAlpha | ColorType::Rgba);
    let (layout, _) = layout(&reader)?;
    let frame = u64::from(info.width) * u64::from(info.height) * layout.channels() as u64;
    Ok(Header {
        format: Format::Png,
        width: info.width,
        height: info.height,
        orientation: info.exif_metadata.as_deref().map_or_else(Default::default, metadata::orientation),
        frames: 1,
        has_alpha,
        streams: !info.interlaced,
        memory: frame,
        held: if info.interlaced { frame } else { 0 },
    })
}

/// Decodes the image, or an animation's default image, reduced to what the wish allows.
pub(crate) fn still(input: &Input<'_>) -> Result<Decoded, ImageError> {
    let mut reader = open(input.source)?;
    let (layout, row_bytes) = layout(&reader)?;
    let size = (input.header.width, input.header.height);
    let factors = factors(size, input.wish.averaged);
    let mut reducer = Reducer::new(size, layout, factors, input.wish.light);
    if reader.info().interlaced {
        let mut frame = vec![0; row_bytes * size.1 as usize];
        interlaced(&mut reader, &mut frame, input)?;
        frame.chunks_exact(row_bytes).for_each(|row| reducer.push(row));
    } else {
        let mut row = vec![0; row_bytes];
        for _ in 0..size.1 {
            input.guard.check()?;
            reader.read_row(&mut row).map_err(broken)?;
            reducer.push(&row);
        }
    }
    let metadata = metadata(&reader);
    Ok(Decoded { covers: reducer.covers(), frame: reducer.finish(), metadata })
}

/// The size of the frame that [`still`] gives.
pub(crate) fn reduced_size(header: &Header, wish: Wish) -> (u32, u32) {
    let full = (header.width, header.height);
    let (across, down) = factors(full, wish.averaged);
    (full.0.div_ceil(across), full.1.div_ceil(down))
}

type PngReader = Reader<std::io::BufReader<Box<dyn ReadSeek>>>;

fn open(source: &Source) -> Result<PngReader, ImageError> {
    let input = std::io::BufReader::with_capacity(64 << 10, source.open()?);
    let mut decoder = Decoder::new_with_limits(input, png::Limits { bytes: MOST_CHUNK_BYTES });
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.read_info().map_err(broken)
}

/// Bounds what ancillary chunks may take, an inflated profile among them, and two of the widest rows.
const MOST_CHUNK_BYTES: usize = 16 << 20;

fn layout(reader: &PngReader) -> Result<(Layout, usize), ImageError> {
    let (colour, depth) = reader.output_color_type();
    debug_assert_eq!(depth, BitDepth::Eight, "the transformations leave nothing else");
    let layout = match colour {
        ColorType::Grayscale => Layout::Gray,
        ColorType::GrayscaleAlpha => Layout::GrayAlpha,
        ColorType::Rgb => Layout::Rgb,
        ColorType::Rgba => Layout::Rgba,
        ColorType::Indexed => return Err(ImageError::corrupt(Format::Png, "a palette that does not expand")),
    };
    Ok((layout, reader.info().width as usize * layout.channels()))
}

/// Adam7 delivers seven small images whose pixels are spread over the frame.
fn interlaced(reader: &mut PngReader, frame: &mut [u8], input: &Input<'_>) -> Result<(), ImageError> {
    let bits = reader.output_color_type().0.samples() as u8 * 8;
    let stride = frame.len() / input.header.height as usize;
    while let Some(row) = reader.next_interlaced_row().map_err(broken)? {
        input.guard.check()?;
        if let png::InterlaceInfo::Adam7(info) = row.interlace() {
            png::expand_interlaced_row(frame, stride, row.data(), info, bits);
        }
    }
    Ok(())
}

fn metadata(reader: &PngReader) -> Metadata {
    let info = reader.info();
    // An sRGB chunk outweighs a profile (PNG, third edition, 4.3).
    let icc = if info.srgb.is_some() { None } else { info.icc_profile.as_deref().map(<[u8]>::to_vec) };
    Metadata { icc, exif: info.exif_metadata.as_deref().map(<[u8]>::to_vec), xmp: None }
}

fn broken(error: DecodingError) -> ImageError {
    match error {
        DecodingError::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            ImageError::Io(error)
        }
        DecodingError::LimitsExceeded => {
            ImageError::Unsupported { format: Format::Png, what: "a chunk of more than 16 MiB" }
        }
        error => ImageError::corrupt(Format::Png, chunks_named(&error.to_string())),
    }
}

/// The library writes a chunk as its own structure with all flags; what says something is the name.
fn chunks_named(said: &str) -> String {
    let Some((before, rest)) = said.split_once("ChunkType { type: ") else { return said.to_owned() };
    let (inside, after) = rest.split_once(" }").unwrap_or((rest, ""));
    let name = inside.split(',').next().unwrap_or(inside);
    format!("{before}{name}{}", chunks_named(after))
}
