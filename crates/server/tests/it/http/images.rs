//! Images made in code.

use darkroom_core::operation::{OutputFormat, Thumbnail};
use darkroom_imaging::{Guard, Limits, Source};

/// An RGB gradient as PNG; every pixel differs from its neighbours.
pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let pixel = |x: u32, y: u32| [(x * 7) as u8, (y * 11) as u8, (x + y) as u8];
    let pixels: Vec<u8> = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    file
}

/// The same gradient in another format.
pub(super) fn converted(width: u32, height: u32, format: OutputFormat) -> Vec<u8> {
    let same = Thumbnail { format, ..Thumbnail::fit(width, height) };
    let guard = Guard::new(std::time::Duration::from_secs(30), std::sync::Arc::default());
    let source = Source::bytes(png(width, height));
    let made = darkroom_imaging::render(&source, &[same], &Limits::default(), &guard).unwrap();
    made.into_iter().next().unwrap().bytes
}

/// A PNG whose header claims these sides, with nothing behind it.
pub(super) fn png_claiming(width: u32, height: u32) -> Vec<u8> {
    let mut file = png(1, 1);
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = crc32(&file[12..29]);
    file[29..33].copy_from_slice(&checksum.to_be_bytes());
    file
}

/// The checksum of a PNG chunk (ISO 3309, as PNG's annex D computes it).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

/// Width and height of an encoded image, and its format's media type.
pub(super) fn measure(image: &[u8]) -> (u32, u32, &'static str) {
    let header = darkroom_imaging::inspect(&Source::bytes(image.to_vec()), &Limits::default()).unwrap();
    let (width, height) = header.upright_size();
    (width, height, header.format.media_type())
}

/// The pixels of an 8-bit RGB PNG.
pub(super) fn pixels(file: &[u8]) -> (u32, u32, Vec<[u8; 3]>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let step = info.color_type.samples();
    let pixels = bytes[..info.buffer_size()].chunks(step).map(|p| [p[0], p[1], p[2]]).collect();
    (info.width, info.height, pixels)
}
