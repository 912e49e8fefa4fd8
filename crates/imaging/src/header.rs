//! What a file says about itself before any pixel is decoded.

use std::fmt;

/// A format that is recognised by content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Format {
    Jpeg,
    Png,
    Webp,
    Gif,
    Tiff,
    Bmp,
    Ico,
    /// PBM, PGM and PPM.
    Pnm,
    Avif,
    Heic,
}

impl Format {
    /// The file extension, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Gif => "gif",
            Self::Tiff => "tiff",
            Self::Bmp => "bmp",
            Self::Ico => "ico",
            Self::Pnm => "pnm",
            Self::Avif => "avif",
            Self::Heic => "heic",
        }
    }

    /// The registered media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Tiff => "image/tiff",
            Self::Bmp => "image/bmp",
            Self::Ico => "image/vnd.microsoft.icon",
            Self::Pnm => "image/x-portable-anymap",
            Self::Avif => "image/avif",
            Self::Heic => "image/heic",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Webp => "WebP",
            Self::Gif => "GIF",
            Self::Tiff => "TIFF",
            Self::Bmp => "BMP",
            Self::Ico => "ICO",
            Self::Pnm => "PNM",
            Self::Avif => "AVIF",
            Self::Heic => "HEIC",
        })
    }
}

/// EXIF orientation, 1 to 8 (Exif 2.32, table 4, tag 0x0112).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Orientation(u8);

impl Orientation {
    /// From the tag's value; anything outside 1..=8 is upright.
    pub fn from_exif(value: u16) -> Self {
        Self(if (1..=8).contains(&value) { value as u8 } else { 1 })
    }

    /// The tag's value, 1 to 8.
    pub fn exif(self) -> u8 {
        self.0.max(1)
    }

    /// Whether showing the image upright swaps width and height.
    pub fn swaps_sides(self) -> bool {
        self.exif() >= 5
    }
}

/// What the header says. Sides are as stored, before the orientation is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The format, by content.
    pub format: Format,
    /// Stored width in pixels.
    pub width: u32,
    /// Stored height in pixels.
    pub height: u32,
    /// How the stored pixels are turned upright.
    pub orientation: Orientation,
    /// Frames of an animation; 1 for a still image. Where a format must be walked to count them, a lower bound.
    pub frames: u32,
    /// Whether pixels can be transparent.
    pub has_alpha: bool,
    /// Whether rows can be decoded one after the other with bounded memory.
    pub streams: bool,
    /// Bytes of working memory that decoding takes at most, at full scale. [`crate::memory_needed`] knows better
    /// once the results are known.
    pub memory: u64,
    /// Bytes of these that are held at any scale: coefficient arrays, interlaced or unreducible frames.
    pub held: u64,
}

impl Header {
    /// Width and height as seen, after the orientation.
    pub fn upright_size(&self) -> (u32, u32) {
        if self.orientation.swaps_sides() { (self.height, self.width) } else { (self.width, self.height) }
    }
}
