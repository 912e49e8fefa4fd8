//! The RIFF container of WebP (RFC 9649) around image chunks and metadata.

use crate::decode::Metadata;

const ICC: u8 = 0x20;
const ALPHA: u8 = 0x10;
const EXIF: u8 = 0x08;
const XMP: u8 = 0x04;

/// Wraps the image of a still WebP of `size` pixels together with metadata; `None` when it is not one.
pub(crate) fn with_metadata(webp: &[u8], size: (u32, u32), metadata: &Metadata) -> Option<Vec<u8>> {
    let image = image_chunks(webp)?;
    let flag = |bit: u8, part: &Option<Vec<u8>>| if part.is_some() { bit } else { 0 };
    let alpha = if image.iter().any(|(name, data)| has_alpha(*name, data)) { ALPHA } else { 0 };
    let flags = alpha | flag(ICC, &metadata.icc) | flag(EXIF, &metadata.exif) | flag(XMP, &metadata.xmp);
    let [w0, w1, w2, _] = (size.0 - 1).to_le_bytes();
    let [h0, h1, h2, _] = (size.1 - 1).to_le_bytes();
    let mut body = b"WEBP".to_vec();
    push(&mut body, *b"VP8X", &[flags, 0, 0, 0, w0, w1, w2, h0, h1, h2]);
    let optional = |name: [u8; 4], part: &Option<Vec<u8>>, body: &mut Vec<u8>| {
        if let Some(part) = part {
            push(body, name, part);
        }
    };
    optional(*b"ICCP", &metadata.icc, &mut body);
    for (name, data) in &image {
        push(&mut body, *name, data);
    }
    optional(*b"EXIF", &metadata.exif, &mut body);
    optional(*b"XMP ", &metadata.xmp, &mut body);
    let mut out = b"RIFF".to_vec();
    out.extend(u32::try_from(body.len()).ok()?.to_le_bytes());
    out.extend(body);
    Some(out)
}

fn has_alpha(name: [u8; 4], data: &[u8]) -> bool {
    // The lossless header has a bit for it, after twice 14 bits of size.
    &name == b"ALPH" || (&name == b"VP8L" && data.get(4).is_some_and(|b| b & 0x10 != 0))
}

type Chunk<'a> = ([u8; 4], &'a [u8]);

fn image_chunks(webp: &[u8]) -> Option<Vec<Chunk<'_>>> {
    let mut rest = webp.get(12..)?;
    let mut chunks = Vec::new();
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, l0, l1, l2, l3] = *head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let data = after.get(..length)?;
        if matches!(&[a, b, c, d], b"VP8 " | b"VP8L" | b"ALPH") {
            chunks.push(([a, b, c, d], data));
        }
        rest = after.get(length + (length & 1)..).unwrap_or_default();
    }
    (!chunks.is_empty()).then_some(chunks)
}

fn push(body: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    body.extend(name);
    body.extend((data.len() as u32).to_le_bytes());
    body.extend(data);
    if data.len() % 2 == 1 {
        body.push(0);
    }
}
