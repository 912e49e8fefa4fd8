//! EXIF, XMP and ICC: what is read from them and what is kept.
//!
//! Pixels are always converted to sRGB and turned upright, so "keep" means EXIF and XMP with the orientation reset
//! and without the old preview image; a profile is never written, because none would describe the new pixels.

use crate::{Orientation, decode::Metadata};

/// EXIF that fits a JPEG's APP1 segment (65,535 bytes with its length and the `Exif\0\0` before it).
const LONGEST_EXIF: usize = 65_525;
/// XMP that fits a JPEG's APP1 segment beside its 29-byte name.
const LONGEST_XMP: usize = 65_502;

const ORIENTATION: u16 = 0x0112;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const ENTRY: usize = 12;

/// The orientation that a TIFF-structured EXIF block declares; upright when it is absent or damaged.
pub(crate) fn orientation(exif: &[u8]) -> Orientation {
    let declared = || {
        let tiff = Tiff::new(exif)?;
        tiff.value(tiff.entry(ORIENTATION)?)
    };
    declared().map_or_else(Orientation::default, Orientation::from_exif)
}

/// Where the entry of a tag begins in the first directory of a TIFF structure, and whether numbers are big-endian.
pub(crate) fn entry(tiff: &[u8], tag: u16) -> Option<(usize, bool)> {
    let tiff = Tiff::new(tiff)?;
    Some((tiff.entry(tag)?, tiff.big_endian))
}

/// What is written beside a result whose pixels are already upright sRGB: the orientation reset, no profile.
///
/// Blocks that are too long for every format, and EXIF that is no TIFF structure, are dropped.
pub(crate) fn kept(metadata: &Metadata) -> Metadata {
    let exif = metadata.exif.as_deref().filter(|exif| exif.len() <= LONGEST_EXIF);
    let xmp = metadata.xmp.as_deref().filter(|xmp| xmp.len() <= LONGEST_XMP);
    Metadata { icc: None, exif: exif.and_then(upright_exif), xmp: xmp.map(upright_xmp) }
}

/// The same EXIF for pixels that are upright, without the chain to its preview image (which shows the old pixels).
fn upright_exif(exif: &[u8]) -> Option<Vec<u8>> {
    let mut exif = exif.to_vec();
    let tiff = Tiff::new(&exif)?;
    let (entry, next, big_endian) = (tiff.entry(ORIENTATION), tiff.next_directory_at(), tiff.big_endian);
    if let Some(at) = entry {
        let long = tiff.u16(at + 2) == Some(LONG);
        let value: [u8; 4] = match (big_endian, long) {
            (false, _) => [1, 0, 0, 0],
            (true, false) => [0, 1, 0, 0],
            (true, true) => [0, 0, 0, 1],
        };
        exif.get_mut(at + 8..at + ENTRY)?.copy_from_slice(&value);
    }
    if let Some(link) = next.and_then(|at| exif.get_mut(at..at + 4)) {
        link.fill(0);
    }
    Some(exif)
}

/// The same XMP with `tiff:Orientation` (attribute or element) set to 1; its length does not change.
fn upright_xmp(xmp: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = b"tiff:Orientation";
    let mut xmp = xmp.to_vec();
    let mut from = 0;
    while let Some(found) = xmp[from..].windows(NAME.len()).position(|window| window == NAME) {
        let closes = xmp[..from + found].ends_with(b"/");
        from += found + NAME.len();
        if closes {
            continue;
        }
        // `tiff:Orientation="6"` or `<tiff:Orientation>6</…`: the first digit before the value ends.
        let value = xmp[from..].iter().take(8).position(u8::is_ascii_digit);
        let ended = xmp[from..].iter().take(8).position(|&byte| byte == b'<' || byte == b'/');
        if let Some(digit) = value.filter(|&digit| ended.is_none_or(|end| digit < end)) {
            xmp[from + digit] = b'1';
        }
    }
    xmp
}

/// The TIFF structure of EXIF, read as far as its first directory (TIFF 6.0, section 2).
struct Tiff<'a> {
    bytes: &'a [u8],
    big_endian: bool,
    directory: usize,
}

impl<'a> Tiff<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let big_endian = match bytes.get(..4)? {
            b"II*\0" => false,
            b"MM\0*" => true,
            _ => return None,
        };
        let mut tiff = Self { bytes, big_endian, directory: 0 };
        tiff.directory = tiff.u32(4)? as usize;
        tiff.u16(tiff.directory)?;
        Some(tiff)
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn entries(&self) -> usize {
        usize::from(self.u16(self.directory).unwrap_or(0))
    }

    /// Where the entry of a tag begins. A cut directory is read as far as it goes.
    fn entry(&self, tag: u16) -> Option<usize> {
        (0..self.entries())
            .map(|i| self.directory + 2 + i * ENTRY)
            .take_while(|&at| at + ENTRY <= self.bytes.len())
            .find(|&at| self.u16(at) == Some(tag))
    }

    /// A single short; some writers use a long.
    fn value(&self, entry: usize) -> Option<u16> {
        match self.u16(entry + 2)? {
            SHORT => self.u16(entry + 8),
            LONG => u16::try_from(self.u32(entry + 8)?).ok(),
            _ => None,
        }
    }

    /// Where the link to the second directory (the preview image) is.
    fn next_directory_at(&self) -> Option<usize> {
        let at = self.directory + 2 + self.entries() * ENTRY;
        (at + 4 <= self.bytes.len()).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// EXIF with one unrelated entry, an orientation of the given type, and a link to a second directory.
    fn exif(big_endian: bool, kind: u16, value: u32) -> Vec<u8> {
        let two = |v: u16| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
        let four = |v: u32| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
        let mut out = if big_endian { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
        out.extend(four(8));
        out.extend(two(2));
        out.extend([two(0x0100), two(SHORT)].concat());
        out.extend(four(1));
        out.extend([two(640), two(0)].concat());
        out.extend([two(ORIENTATION), two(kind)].concat());
        out.extend(four(1));
        if kind == SHORT {
            out.extend([two(value as u16), two(0)].concat());
        } else {
            out.extend(four(value));
        }
        out.extend(four(0x1234));
        out
    }

    fn read(exif: &[u8]) -> u8 {
        orientation(exif).exif()
    }

    #[test]
    fn both_byte_orders_and_both_types_are_read() {
        for value in 1..=8 {
            for big_endian in [false, true] {
                assert_eq!(read(&exif(big_endian, SHORT, value)), value as u8);
                assert_eq!(read(&exif(big_endian, LONG, value)), value as u8);
            }
        }
    }

    #[test]
    fn damaged_exif_is_upright() {
        let whole = exif(false, SHORT, 6);
        assert_eq!(read(&whole[..20]), 1);
        assert_eq!(read(b""), 1);
        assert_eq!(read(b"II*\0\xff\xff\xff\xff"), 1);
        assert_eq!(read(&exif(false, SHORT, 9)), 1);
        assert_eq!(read(&exif(false, 7, 6)), 1);
    }

    #[test]
    fn kept_exif_is_upright_and_has_no_preview() {
        for big_endian in [false, true] {
            for kind in [SHORT, LONG] {
                let before = exif(big_endian, kind, 6);
                let metadata = Metadata { icc: Some(vec![1]), exif: Some(before.clone()), xmp: None };
                let after = kept(&metadata);
                assert_eq!(after.icc, None);
                let after = after.exif.unwrap();
                assert_eq!(read(&after), 1);
                assert_eq!(after.len(), before.len());
                assert_eq!(after[after.len() - 4..], [0; 4], "the link to the preview is cut");
                assert_eq!(after[10..22], before[10..22], "other entries are untouched");
            }
        }
    }

    #[test]
    fn kept_xmp_is_upright() {
        let reset = |xmp: &str| String::from_utf8(upright_xmp(xmp.as_bytes())).unwrap();
        assert_eq!(reset(r#"<x tiff:Orientation="6" a="8"/>"#), r#"<x tiff:Orientation="1" a="8"/>"#);
        assert_eq!(
            reset("<tiff:Orientation>8</tiff:Orientation>9"),
            "<tiff:Orientation>1</tiff:Orientation>9"
        );
        assert_eq!(reset("<x>6</x>"), "<x>6</x>");
    }

    #[test]
    fn what_fits_no_container_is_dropped() {
        let long = Metadata { icc: None, exif: Some(vec![0; 70_000]), xmp: Some(vec![b' '; 70_000]) };
        assert_eq!(kept(&long), Metadata::default());
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..200), order in any::<bool>()) {
            let mut exif = if order { b"II*\0\x08\0\0\0".to_vec() } else { b"MM\0*\0\0\0\x08".to_vec() };
            exif.extend(bytes);
            let metadata = Metadata { icc: None, exif: Some(exif.clone()), xmp: Some(exif) };
            let kept = kept(&metadata);
            prop_assert_eq!(read(&kept.exif.unwrap_or_default()), 1);
        }
    }
}
