//! Device-independent bitmaps: what BMP files hold, and ICO files often.
//!
//! Tolerant where browsers are: wrong plane counts and palette sizes, colour indices past the palette, run lengths
//! past the row. Based on Microsoft's `BITMAPINFOHEADER` family and OS/2's two headers.

mod rle;

use crate::{Format, Frame, Guard, Header, ImageError, Layout, Orientation, decode::Metadata};

/// A bitmap's header, with everything that is needed to read its pixels.
#[derive(Debug, Clone)]
pub(crate) struct Dib {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bits: u16,
    top_down: bool,
    storage: Storage,
    palette: Vec<[u8; 3]>,
    alpha: Alpha,
    /// Where the pixels begin in the file.
    pub(crate) pixels_at: usize,
    /// Where an embedded profile lies: offset and length.
    profile: Option<(usize, usize)>,
}

/// How pixels are stored.
#[derive(Debug, Clone)]
enum Storage {
    Indices,
    /// 16, 24 or 32 bits with a mask for red, green, blue and alpha.
    Masked([Channel; 4]),
    RunLengths(rle::Unit),
}

/// Whether the fourth channel means anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alpha {
    /// When the header has a mask for it.
    AsDeclared,
    /// Always, if pixels have 32 bits: icons.
    Always,
}

/// The bits of one channel in a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Channel {
    mask: u32,
}

const RGB: u32 = 0;
const RLE8: u32 = 1;
const RLE4: u32 = 2;
const BIT_FIELDS: u32 = 3;
const RLE24: u32 = 4;
const ALPHA_BIT_FIELDS: u32 = 6;

const CORE_HEADER: usize = 12;
const INFO_HEADER: usize = 40;
const OS2_HEADER: usize = 64;
/// The first header that holds the masks, and the first that holds one for alpha.
const MASKS_HEADER: usize = 52;
const ALPHA_HEADER: usize = 56;
const V5_HEADER: usize = 124;
/// `PROFILE_EMBEDDED`.
const EMBEDDED: u32 = 0x4D42_4544;

impl Dib {
    /// Reads the header at `at`. `pixels_at` is what the file header says; without it they follow the palette.
    pub(crate) fn parse(bytes: &[u8], at: usize, pixels_at: Option<usize>) -> Result<Self, ImageError> {
        let fields = Fields(bytes.get(at..).unwrap_or_default());
        let size = fields.u32(0)? as usize;
        let core = size == CORE_HEADER;
        if !core && size < 16 {
            return Err(damaged("the bitmap header is too short"));
        }
        let (width, signed_height, bits) = if core {
            (i32::from(fields.u16(4)? as i16), i32::from(fields.u16(6)? as i16), fields.u16(10)?)
        } else {
            (fields.u32(4)? as i32, fields.u32(8)? as i32, fields.u16(14)?)
        };
        if width <= 0 || signed_height == 0 || signed_height == i32::MIN {
            return Err(damaged("a side is not positive"));
        }
        let compression = if size >= 20 { fields.u32(16)? } else { RGB };
        let storage = fields.storage(size, bits, compression)?;
        let beside = match compression {
            BIT_FIELDS if size == INFO_HEADER => 12,
            ALPHA_BIT_FIELDS if size == INFO_HEADER => 16,
            _ => 0,
        };
        let palette_at = size + beside;
        let entry = if core { 3 } else { 4 };
        let room = pixels_at.map_or(usize::MAX, |pixels| pixels.saturating_sub(at + palette_at) / entry);
        let used = if size >= 36 { fields.u32(32)? as usize } else { 0 };
        let palette = if bits <= 8 {
            fields.palette(palette_at, entry, colours(bits, used).min(room))
        } else {
            Vec::new()
        };
        let palette_end = at + palette_at + if bits <= 8 { palette.len() * entry } else { 0 };
        Ok(Self {
            width: width as u32,
            height: signed_height.unsigned_abs(),
            bits,
            top_down: signed_height < 0,
            storage,
            palette,
            alpha: Alpha::AsDeclared,
            pixels_at: pixels_at.unwrap_or(palette_end),
            profile: fields.profile(size, at),
        })
    }

    /// The same bitmap with another rule for its fourth channel.
    pub(crate) fn with_alpha(mut self, alpha: Alpha) -> Self {
        if alpha == Alpha::Always
            && self.bits == 32
            && let Storage::Masked(channels) = &mut self.storage
        {
            let rest = !channels[..3].iter().fold(0, |all, channel| all | channel.mask);
            channels[3] = Channel { mask: rest };
        }
        self.alpha = alpha;
        self
    }

    /// What [`crate::inspect`] tells, for a file of `file_bytes`.
    pub(crate) fn header(&self, format: Format, file_bytes: u64) -> Header {
        let pixels = u64::from(self.width) * u64::from(self.height);
        let memory = file_bytes + pixels * self.layout().channels() as u64;
        Header {
            format,
            width: self.width,
            height: self.height,
            orientation: Orientation::default(),
            frames: 1,
            has_alpha: self.layout().has_alpha(),
            streams: false,
            memory,
            held: memory,
        }
    }

    /// The embedded profile, if any.
    pub(crate) fn metadata(&self, bytes: &[u8]) -> Metadata {
        let icc =
            self.profile.and_then(|(at, length)| bytes.get(at..at.checked_add(length)?)).map(<[u8]>::to_vec);
        Metadata { icc, exif: None, xmp: None }
    }

    /// Bytes of one stored row: rows are padded to four bytes.
    pub(crate) fn row_bytes(&self) -> usize {
        (self.width as usize * usize::from(self.bits)).div_ceil(32) * 4
    }

    /// Decodes the pixels.
    pub(crate) fn frame(&self, bytes: &[u8], guard: &Guard) -> Result<Frame, ImageError> {
        guard.check()?;
        let stored = bytes.get(self.pixels_at..).unwrap_or_default();
        let (width, height, layout) = (self.width, self.height, self.layout());
        let row = width as usize * layout.channels();
        let mut pixels = Vec::new();
        if let Storage::RunLengths(unit) = self.storage {
            pixels = rle::decode(stored, unit, (width as usize, height as usize), &self.palette)?;
        } else {
            let available = (stored.len() / self.row_bytes()).min(height as usize);
            // The last row's padding may be missing.
            let last = (width as usize * usize::from(self.bits)).div_ceil(8);
            if available < height as usize && stored.len() < (height as usize - 1) * self.row_bytes() + last {
                return Err(damaged("the pixels end early"));
            }
            pixels.resize(row * height as usize, 0);
            for (from, to) in stored.chunks(self.row_bytes()).zip(pixels.chunks_exact_mut(row)) {
                guard.check()?;
                self.convert(from, to);
            }
        }
        if !self.top_down {
            flip(&mut pixels, row);
        }
        Ok(Frame { width, height, layout, pixels })
    }

    fn layout(&self) -> Layout {
        match &self.storage {
            Storage::Masked(channels) if channels[3].mask != 0 => Layout::Rgba,
            _ => Layout::Rgb,
        }
    }

    fn convert(&self, from: &[u8], to: &mut [u8]) {
        match &self.storage {
            Storage::Masked(channels) => masked(from, to, usize::from(self.bits / 8), channels),
            _ => indexed(from, to, usize::from(self.bits), &self.palette),
        }
    }
}

/// The number of palette entries: what the header says, if that can be.
fn colours(bits: u16, used: usize) -> usize {
    let most = 1 << bits.min(8);
    if used == 0 || used > most { most } else { used }
}

/// Little-endian numbers at fixed places of a bitmap header.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u16(&self, at: usize) -> Result<u16, ImageError> {
        let bytes = self.0.get(at..at + 2).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u16::from_le_bytes).ok_or_else(|| damaged("the bitmap header is cut"))
    }

    fn u32(&self, at: usize) -> Result<u32, ImageError> {
        let bytes = self.0.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_le_bytes).ok_or_else(|| damaged("the bitmap header is cut"))
    }

    fn storage(&self, size: usize, bits: u16, compression: u32) -> Result<Storage, ImageError> {
        match (compression, bits) {
            (RGB, 1 | 2 | 4 | 8) => Ok(Storage::Indices),
            (RGB, 16) => Ok(Storage::Masked([0x7C00, 0x03E0, 0x001F, 0].map(|mask| Channel { mask }))),
            (RGB, 24) => Ok(Storage::Masked([0xFF_0000, 0xFF00, 0xFF, 0].map(|mask| Channel { mask }))),
            (RGB, 32) => {
                // Only a whole byte counts as alpha here: other values are left-overs that no writer meant.
                let declared = if size >= ALPHA_HEADER && size != OS2_HEADER { self.u32(52)? } else { 0 };
                let alpha = if declared == 0xFF00_0000 { declared } else { 0 };
                Ok(Storage::Masked([0xFF_0000, 0xFF00, 0xFF, alpha].map(|mask| Channel { mask })))
            }
            (BIT_FIELDS | ALPHA_BIT_FIELDS, 16 | 32) if size >= INFO_HEADER && size != OS2_HEADER => {
                let with_alpha =
                    size >= ALPHA_HEADER || (size < MASKS_HEADER && compression == ALPHA_BIT_FIELDS);
                let alpha = if with_alpha { self.u32(52)? } else { 0 };
                let masks = [self.u32(40)?, self.u32(44)?, self.u32(48)?, alpha];
                Ok(Storage::Masked(masks.map(|mask| Channel { mask })))
            }
            (RLE8, 8) => Ok(Storage::RunLengths(rle::Unit::Byte)),
            (RLE4, 4) => Ok(Storage::RunLengths(rle::Unit::Nibble)),
            (RLE24, 24) if size == OS2_HEADER => Ok(Storage::RunLengths(rle::Unit::Triple)),
            _ => Err(ImageError::Unsupported { format: Format::Bmp, what: "this depth or compression" }),
        }
    }

    /// Blue, green, red (and nothing). Entries that the file does not have stay out.
    fn palette(&self, at: usize, entry: usize, count: usize) -> Vec<[u8; 3]> {
        let table = self.0.get(at..).unwrap_or_default();
        table.chunks_exact(entry).take(count).map(|bgr| [bgr[2], bgr[1], bgr[0]]).collect()
    }

    fn profile(&self, size: usize, at: usize) -> Option<(usize, usize)> {
        let embedded = size >= V5_HEADER && self.u32(56).ok()? == EMBEDDED;
        embedded
            .then(|| Some((at.checked_add(self.u32(112).ok()? as usize)?, self.u32(116).ok()? as usize)))?
    }
}

fn indexed(from: &[u8], to: &mut [u8], bits: usize, palette: &[[u8; 3]]) {
    let most = (1usize << bits) - 1;
    for (x, rgb) in to.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        let at = x * bits;
        let index = (usize::from(from[at / 8]) >> (8 - bits - at % 8)) & most;
        *rgb = palette.get(index).copied().unwrap_or_default();
    }
}

fn masked(from: &[u8], to: &mut [u8], bytes: usize, channels: &[Channel; 4]) {
    let count = if channels[3].mask == 0 { 3 } else { 4 };
    for (stored, pixel) in from.chunks_exact(bytes).zip(to.chunks_exact_mut(count)) {
        let value = stored.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte));
        for (sample, channel) in pixel.iter_mut().zip(channels) {
            *sample = channel.of(value);
        }
    }
}

impl Channel {
    /// The bits of this channel, scaled to 0 to 255.
    fn of(self, value: u32) -> u8 {
        if self.mask == 0 {
            return 0;
        }
        let shift = self.mask.trailing_zeros();
        let most = u64::from(self.mask >> shift);
        ((u64::from((value & self.mask) >> shift) * 255 + most / 2) / most) as u8
    }
}

fn flip(pixels: &mut [u8], row: usize) {
    let half = pixels.len() / row / 2 * row;
    let (upper, lower) = pixels.split_at_mut(half);
    for (above, below) in upper.chunks_exact_mut(row).zip(lower.chunks_exact_mut(row).rev()) {
        above.swap_with_slice(below);
    }
}

fn damaged(detail: &str) -> ImageError {
    ImageError::corrupt(Format::Bmp, detail)
}
