//! Bodies that are compressed, on their way in and out. `deflate` is zlib's format (RFC 9110, 8.4.1.2); what some
//! clients send under that name without its frame is taken, too.

use std::io::{self, Read, Write};

use axum::http::{HeaderMap, header};
use flate2::{
    Compression as Level,
    read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder},
    write::{GzEncoder, ZlibEncoder},
};

/// Bytes that are inflated at once.
const PIECE: usize = 64 << 10;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Deflate,
}

impl Compression {
    /// By the name that headers have for it, in lower case.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    /// What a client would like best of what is known here (RFC 9110, 12.5.3); `None` if it asks for neither.
    pub(super) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let mut best: Option<(Self, f32)> = None;
        let values = headers.get_all(header::ACCEPT_ENCODING).into_iter();
        for choice in values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')) {
            let (name, weight) = choice.split_once(';').unwrap_or((choice, ""));
            let weight = weight.trim().strip_prefix("q=").map_or(1.0, |q| q.parse().unwrap_or(0.0));
            let known = Self::named(&name.trim().to_ascii_lowercase());
            if let Some(known) = known.filter(|_| weight > best.map_or(0.0, |(_, weight)| weight)) {
                best = Some((known, weight));
            }
        }
        best.map(|(known, _)| known)
    }

    /// Compresses, quickly rather than well: tensors do not shrink much.
    pub(super) fn compress(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
                encoder.write_all(bytes)?;
                encoder.finish()
            }
            Self::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Level::fast());
                encoder.write_all(bytes)?;
                encoder.finish()
            }
        }
    }
}

/// A body that is inflated piece by piece, so that a bomb is noticed before it has gone off.
pub(super) struct Inflating<'a> {
    decoder: Box<dyn Read + 'a>,
    piece: Vec<u8>,
}

impl<'a> Inflating<'a> {
    pub(super) fn new(compression: Compression, bytes: &'a [u8]) -> Self {
        let decoder: Box<dyn Read + 'a> = match compression {
            Compression::Gzip => Box::new(MultiGzDecoder::new(bytes)),
            Compression::Deflate if has_frame(bytes) => Box::new(ZlibDecoder::new(bytes)),
            Compression::Deflate => Box::new(DeflateDecoder::new(bytes)),
        };
        Self { decoder, piece: vec![0; PIECE] }
    }

    /// The next piece; empty at the end.
    pub(super) fn piece(&mut self) -> io::Result<&[u8]> {
        let count = self.decoder.read(&mut self.piece)?;
        Ok(&self.piece[..count])
    }
}

/// Whether bytes begin as zlib's format does (RFC 1950, 2.2).
fn has_frame(bytes: &[u8]) -> bool {
    let [method, flags, ..] = *bytes else { return false };
    method & 0x0f == 8 && (u16::from(method) << 8 | u16::from(flags)).is_multiple_of(31)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn inflate(compression: Compression, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut inflating = Inflating::new(compression, bytes);
        let mut all = Vec::new();
        loop {
            let piece = inflating.piece()?;
            if piece.is_empty() {
                return Ok(all);
            }
            all.extend_from_slice(piece);
        }
    }

    #[test]
    fn what_is_compressed_comes_back() {
        let text = b"one image, two images, three images".repeat(5_000);
        for compression in [Compression::Gzip, Compression::Deflate] {
            let small = compression.compress(&text).unwrap();
            assert!(small.len() < text.len() / 20);
            assert_eq!(inflate(compression, &small).unwrap(), text);
            assert!(inflate(compression, &small[..small.len() - 9]).is_err(), "{compression:?} cut off");
        }
        let mut bare = flate2::write::DeflateEncoder::new(Vec::new(), Level::fast());
        bare.write_all(&text).unwrap();
        assert_eq!(inflate(Compression::Deflate, &bare.finish().unwrap()).unwrap(), text);
        assert!(inflate(Compression::Gzip, b"no gzip").is_err());
    }

    #[test]
    fn the_client_chooses() {
        let cases = [
            ("gzip", Some(Compression::Gzip)),
            ("deflate", Some(Compression::Deflate)),
            ("br, deflate, gzip", Some(Compression::Deflate)),
            ("deflate;q=0.5, GZIP;q=0.8", Some(Compression::Gzip)),
            ("gzip;q=0", None),
            ("gzip;q=x", None),
            ("identity, *", None),
            ("", None),
        ];
        for (sent, wanted) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(sent));
            assert_eq!(Compression::accepted(&headers), wanted, "{sent}");
        }
        assert_eq!(Compression::accepted(&HeaderMap::new()), None);
    }
}
