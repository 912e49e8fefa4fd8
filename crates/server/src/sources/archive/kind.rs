//! Which kind of archive this is.

use tar::Header;

use super::{
    super::SourceError,
    tar::{BLOCK, has_right_sum},
};

/// Bytes that are enough to tell.
pub(super) const START: usize = BLOCK;

/// The kinds that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Tar,
    Gzip,
    Zstd,
    Zip,
}

/// What people call an archive as well, and what it starts with.
const OTHERS: [(&[u8], &str); 7] = [
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"\x1f\x9d", "compress"),
    (b"LZIP", "lzip"),
    (b"\x04\x22\x4d\x18", "LZ4"),
];

impl Kind {
    /// By the first bytes, at least [`START`] unless there are fewer.
    pub(super) fn of(start: &[u8]) -> Result<Self, SourceError> {
        match start {
            [0x1f, 0x8b, ..] => return Ok(Self::Gzip),
            // A frame, or one to be skipped (RFC 8878, 3.1).
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => return Ok(Self::Zstd),
            // An entry, an empty archive, or the mark of a split one.
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, ..] => return Ok(Self::Zip),
            _ => {}
        }
        if start.len() >= BLOCK && (has_right_sum(Header::from_byte_slice(start)) || is_zero(start)) {
            return Ok(Self::Tar);
        }
        let other = OTHERS.iter().find(|(magic, _)| start.starts_with(magic));
        Err(SourceError::NotAnArchive(match other {
            Some((_, name)) => format!("{name} is not read here; tar, tar.gz, tar.zst and zip are"),
            None if start.is_empty() => "the archive is empty".to_owned(),
            None => "this is no archive; tar, tar.gz, tar.zst and zip are read".to_owned(),
        }))
    }
}

/// A tar archive without entries.
fn is_zero(block: &[u8]) -> bool {
    block.iter().all(|byte| *byte == 0)
}
