//! What the first directory of a TIFF says.

use std::io::Cursor;

use tiff::{
    ColorType, TiffError,
    decoder::{ChunkType, Decoder, Limits as ReaderLimits},
    tags::Tag,
};

use crate::{Format, Header, ImageError, Limits, Orientation, Source};

const PHOTOMETRIC: u16 = 262;
const PALETTE: u16 = 3;
const BLACK_IS_ZERO: u16 = 1;
const ASSOCIATED_ALPHA: u16 = 1;
const UNASSOCIATED_ALPHA: u16 = 2;
const PLANAR: u16 = 2;

/// The first page, ready to be read.
pub(super) struct Page {
    pub(super) reader: Decoder<Cursor<Vec<u8>>>,
    pub(super) size: (u32, u32),
    pub(super) colour: ColorType,
    pub(super) bits: u8,
    /// Samples of one pixel that the reader hands over.
    pub(super) samples: usize,
    pub(super) has_alpha: bool,
    pub(super) premultiplied: bool,
    pub(super) is_palette: bool,
    /// 1, or one for each sample when they are stored apart.
    pub(super) planes: u32,
    chunk: (u32, u32),
    orientation: Orientation,
}

/// Where a strip or tile lies, cut at the edges of the image.
pub(super) struct Place {
    pub(super) plane: usize,
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Reads the first directory.
pub(crate) fn header(source: &Source, limits: &Limits) -> Result<Header, ImageError> {
    let page = open(source, limits)?;
    let (width, height) = page.size;
    let pixels = u64::from(width) * u64::from(height);
    let chunk = u64::from(page.chunk.0) * u64::from(page.chunk.1) * page.samples as u64;
    // The file, the frame, and one strip or tile: compressed, as stored and as bytes.
    let memory = source.len()? + pixels * 4 + chunk * (u64::from(page.bits).div_ceil(8) * 2 + 1);
    Ok(Header {
        format: Format::Tiff,
        width,
        height,
        orientation: page.orientation,
        frames: 1,
        has_alpha: page.has_alpha,
        streams: false,
        memory,
        held: memory,
    })
}

/// Opens the first page.
pub(super) fn open(source: &Source, limits: &Limits) -> Result<Page, ImageError> {
    let mut bytes = source.read_all()?.to_vec();
    let is_palette = show_palette_as_grey(&mut bytes);
    let mut reader_limits = ReaderLimits::default();
    let most = usize::try_from(limits.memory).unwrap_or(usize::MAX);
    reader_limits.decoding_buffer_size = most;
    reader_limits.intermediate_buffer_size = most;
    let mut reader = Decoder::new(Cursor::new(bytes)).map_err(damaged)?.with_limits(reader_limits);
    let colour = reader.colortype().map_err(damaged)?;
    let extra: Vec<u16> =
        reader.find_tag_unsigned_vec(Tag::ExtraSamples).map_err(damaged)?.unwrap_or_default();
    let planar = reader.find_tag_unsigned::<u16>(Tag::PlanarConfiguration).map_err(damaged)? == Some(PLANAR);
    let turned = reader.find_tag_unsigned::<u16>(Tag::Orientation).unwrap_or(None).unwrap_or(1);
    let size = reader.dimensions().map_err(damaged)?;
    let mut chunk = reader.chunk_dimensions();
    if reader.get_chunk_type() == ChunkType::Strip {
        // A single strip may claim any number of rows.
        chunk.1 = chunk.1.min(size.1);
    }
    let page = Page {
        size,
        colour,
        bits: colour.bit_depth(),
        samples: usize::from(colour.num_samples()),
        has_alpha: has_alpha(colour, &extra),
        premultiplied: extra.first() == Some(&ASSOCIATED_ALPHA),
        is_palette,
        planes: if planar { u32::from(colour.num_samples()) } else { 1 },
        chunk,
        orientation: Orientation::from_exif(turned),
        reader,
    };
    if page.size.0 == 0 || page.size.1 == 0 || page.chunk.0 == 0 || page.chunk.1 == 0 {
        return Err(ImageError::corrupt(Format::Tiff, "a side of 0 pixels"));
    }
    Ok(page)
}

fn has_alpha(colour: ColorType, extra: &[u16]) -> bool {
    let declared = matches!(extra.first(), Some(&(ASSOCIATED_ALPHA | UNASSOCIATED_ALPHA)));
    match colour {
        ColorType::RGBA(_) | ColorType::GrayA(_) => true,
        ColorType::Multiband { num_samples, .. } => declared && num_samples == 2,
        _ => false,
    }
}

impl Page {
    fn across(&self) -> u32 {
        self.size.0.div_ceil(self.chunk.0)
    }

    fn chunks_a_plane(&self) -> u32 {
        self.across().saturating_mul(self.size.1.div_ceil(self.chunk.1))
    }

    /// Strips or tiles, of all planes.
    pub(super) fn chunks(&self) -> u32 {
        self.chunks_a_plane().saturating_mul(self.planes)
    }

    /// Where strip or tile `chunk` lies.
    pub(super) fn place(&self, chunk: u32) -> Place {
        let within = chunk % self.chunks_a_plane();
        let (left, top) = (within % self.across() * self.chunk.0, within / self.across() * self.chunk.1);
        Place {
            plane: (chunk / self.chunks_a_plane()) as usize,
            left: left as usize,
            top: top as usize,
            width: self.chunk.0.min(self.size.0 - left) as usize,
            height: self.chunk.1.min(self.size.1 - top) as usize,
        }
    }
}

/// The reader refuses palettes but reads grey of any depth, and indices are stored just so: the first directory is
/// made to say grey. True when it was a palette image.
fn show_palette_as_grey(bytes: &mut [u8]) -> bool {
    let Some((at, big_endian)) = crate::metadata::entry(bytes, PHOTOMETRIC) else { return false };
    let Some(value) = bytes.get_mut(at + 8..at + 10) else { return false };
    let [low, high] = if big_endian { PALETTE.to_be_bytes() } else { PALETTE.to_le_bytes() };
    if *value != [low, high] {
        return false;
    }
    value.copy_from_slice(&if big_endian {
        BLACK_IS_ZERO.to_be_bytes()
    } else {
        BLACK_IS_ZERO.to_le_bytes()
    });
    true
}

/// In our words. The bytes are in memory, so an input error is an end that came too early.
pub(super) fn damaged(error: TiffError) -> ImageError {
    match error {
        TiffError::UnsupportedError(_) => {
            ImageError::Unsupported { format: Format::Tiff, what: "this colour model, depth or compression" }
        }
        other => ImageError::corrupt(Format::Tiff, other),
    }
}
