//! Formats by content. The name and the declared media type of a file are never asked.

use crate::Format;

/// Bytes from the start of a file that are enough to tell.
pub const ENOUGH: usize = 64;

/// The format of a file that starts with `start`.
pub fn format(start: &[u8]) -> Option<Format> {
    match start {
        [0xff, 0xd8, 0xff, ..] => Some(Format::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Format::Png),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Format::Webp),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Format::Gif),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Format::Tiff),
        [b'B', b'M', ..] if start.len() >= 18 => Some(Format::Bmp),
        [0, 0, 1 | 2, 0, count_low, count_high, ..] if (count_low | count_high) != 0 => Some(Format::Ico),
        [b'P', b'1'..=b'6', rest @ ..] if is_pnm(rest) => Some(Format::Pnm),
        [_, _, _, _, b'f', b't', b'y', b'p', brands @ ..] => iso_media(start, brands),
        _ => None,
    }
}

/// Whether what follows the two letters of a PNM file are blanks and then a number or a comment: a text may begin with
/// these letters, too.
fn is_pnm(rest: &[u8]) -> bool {
    let word = rest.iter().position(|byte| !byte.is_ascii_whitespace());
    word.is_some_and(|at| at > 0 && (rest[at].is_ascii_digit() || rest[at] == b'#'))
}

/// AVIF and HEIC share a container; the major brand tells, or one of the compatible brands after the minor version.
fn iso_media(start: &[u8], brands: &[u8]) -> Option<Format> {
    let length = u32::from_be_bytes([start[0], start[1], start[2], start[3]]) as usize;
    let brands = &brands[..brands.len().min(length.saturating_sub(8))];
    let mut named =
        brands.as_chunks::<4>().0.iter().enumerate().filter(|(i, _)| *i != 1).map(|(_, brand)| brand);
    named.find_map(|brand| match brand {
        b"avif" | b"avis" => Some(Format::Avif),
        b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" => Some(Format::Heic),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_known_by_its_first_bytes() {
        let ftyp = |brand: &[u8; 4]| [b"\0\0\0\x18ftyp".as_slice(), brand, b"\0\0\0\0mif1miaf"].concat();
        let cases: [(&[u8], Option<Format>); 15] = [
            (b"\xff\xd8\xff\xe0", Some(Format::Jpeg)),
            (b"\x89PNG\r\n\x1a\n", Some(Format::Png)),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some(Format::Webp)),
            (b"RIFF\0\0\0\0WAVEfmt ", None),
            (b"GIF89a", Some(Format::Gif)),
            (b"MM\0\x2a", Some(Format::Tiff)),
            (b"\0\0\x01\0\x01\0", Some(Format::Ico)),
            (b"P5 23 28 255\n\x10", Some(Format::Pnm)),
            (b"P6\n# by hand\n2 2\n255\n", Some(Format::Pnm)),
            (b"P5: a note", None),
            (b"P1 is a letter and a digit", None),
            (&ftyp(b"avif"), Some(Format::Avif)),
            (&ftyp(b"heic"), Some(Format::Heic)),
            (&ftyp(b"isom"), None),
            (b"", None),
        ];
        for (start, format) in cases {
            assert_eq!(super::format(start), format, "{start:?}");
        }
    }

    #[test]
    fn a_compatible_brand_counts() {
        assert_eq!(format(b"\0\0\0\x18ftypmif1\0\0\0\0avifmiaf"), Some(Format::Avif));
    }
}
