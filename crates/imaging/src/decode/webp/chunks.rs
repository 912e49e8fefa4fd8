//! The RIFF container of WebP (RFC 9649): what the chunks say, read without decoding.

use std::io::{self, Read, SeekFrom};

use crate::{
    Format, ImageError,
    decode::{Metadata, MetadataWish},
    source::ReadSeek,
};

/// What the container says.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) has_alpha: bool,
    pub(super) lossless: bool,
    /// Frames of an animation; 0 for a still image.
    pub(super) animation_frames: u32,
    pub(super) metadata: Metadata,
}

/// A profile or EXIF block that is larger is left in the file.
const MOST_METADATA_BYTES: u32 = 4 << 20;

impl Chunks {
    /// Walks the chunks, keeping at most what `wish` asks for; EXIF is always read, for its orientation.
    pub(super) fn read(mut reader: Box<dyn ReadSeek>, wish: MetadataWish) -> Result<Self, ImageError> {
        let mut chunks = Self::default();
        reader.seek(SeekFrom::Start(12))?;
        let mut extended = false;
        while let Some((name, length)) = chunk(&mut *reader)? {
            let mut taken = 0;
            match &name {
                b"VP8X" => {
                    taken = chunks.extended(&mut *reader)?;
                    extended = true;
                }
                b"VP8 " | b"VP8L" if chunks.width == 0 => taken = chunks.simple(&mut *reader, name)?,
                b"VP8L" => chunks.lossless = true,
                b"ANMF" => chunks.animation_frames += 1,
                b"ICCP" | b"EXIF" if length <= MOST_METADATA_BYTES => {
                    taken = chunks.keep(&mut *reader, name, length)?;
                }
                b"XMP " if wish == MetadataWish::Read && length <= MOST_METADATA_BYTES => {
                    taken = chunks.keep(&mut *reader, name, length)?;
                }
                _ => {}
            }
            if !extended && chunks.width != 0 {
                break;
            }
            reader.seek(SeekFrom::Current(i64::from(length + (length & 1)) - i64::from(taken)))?;
        }
        if chunks.width == 0 || chunks.height == 0 {
            return Err(ImageError::corrupt(Format::Webp, "no image in the container"));
        }
        Ok(chunks)
    }

    /// Flags and the canvas, 24 bits a side, less one.
    fn extended(&mut self, reader: &mut dyn ReadSeek) -> Result<u32, ImageError> {
        let [flags, _, _, _, w0, w1, w2, h0, h1, h2] = bytes(reader)?;
        self.has_alpha = flags & 0x10 != 0;
        self.width = u32::from_le_bytes([w0, w1, w2, 0]) + 1;
        self.height = u32::from_le_bytes([h0, h1, h2, 0]) + 1;
        Ok(10)
    }

    fn simple(&mut self, reader: &mut dyn ReadSeek, name: [u8; 4]) -> Result<u32, ImageError> {
        if &name == b"VP8L" {
            let [signature, b0, b1, b2, b3] = bytes(reader)?;
            let bits = u32::from_le_bytes([b0, b1, b2, b3]);
            if signature != 0x2f {
                return Err(ImageError::corrupt(Format::Webp, "a broken lossless header"));
            }
            self.width = (bits & 0x3fff) + 1;
            self.height = ((bits >> 14) & 0x3fff) + 1;
            self.has_alpha = (bits >> 28) & 1 != 0;
            self.lossless = true;
            return Ok(5);
        }
        let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1] = bytes(reader)? else {
            return Err(ImageError::corrupt(Format::Webp, "a broken key frame header"));
        };
        // The upper two bits of each side ask for upscaling, which no decoder does.
        self.width = u32::from(u16::from_le_bytes([w0, w1]) & 0x3fff);
        self.height = u32::from(u16::from_le_bytes([h0, h1]) & 0x3fff);
        Ok(10)
    }

    fn keep(&mut self, reader: &mut dyn ReadSeek, name: [u8; 4], length: u32) -> Result<u32, ImageError> {
        let mut content = Vec::new();
        reader.take(u64::from(length)).read_to_end(&mut content)?;
        let taken = content.len() as u32;
        match &name {
            b"ICCP" => self.metadata.icc = Some(content),
            // Some writers copy the prefix of JPEG's segment.
            b"EXIF" => {
                let tiff = content.strip_prefix(b"Exif\0\0").map(<[u8]>::to_vec);
                self.metadata.exif = Some(tiff.unwrap_or(content));
            }
            _ => self.metadata.xmp = Some(content),
        }
        Ok(taken)
    }
}

/// The name and length of the next chunk; `None` where the file ends.
fn chunk(reader: &mut dyn ReadSeek) -> io::Result<Option<([u8; 4], u32)>> {
    let mut head = [0; 8];
    match reader.read_exact(&mut head) {
        Ok(()) => {
            let [a, b, c, d, l0, l1, l2, l3] = head;
            // Lengths near 4 GiB are lies that would overflow with their padding; they end the walk at the next read.
            Ok(Some(([a, b, c, d], u32::from_le_bytes([l0, l1, l2, l3]).min(u32::MAX - 1))))
        }
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn bytes<const N: usize>(reader: &mut dyn ReadSeek) -> Result<[u8; N], ImageError> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => ImageError::corrupt(Format::Webp, "ends in its header"),
        _ => error.into(),
    })?;
    Ok(bytes)
}
