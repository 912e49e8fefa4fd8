//! Writes one small file of every format into a folder: where fuzzing starts.

use std::{
    error::Error,
    io::Cursor,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use darkroom_core::operation::{Frames, OutputFormat, Thumbnail};
use darkroom_imaging::{Guard, Limits, Source, render};
use tiff::encoder::{Compression, TiffEncoder, colortype::RGB8};

const SIDE: usize = 24;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: seeds FOLDER")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    for (name, bytes) in seeds()? {
        std::fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}

fn seeds() -> Result<Vec<(&'static str, Vec<u8>)>, Box<dyn Error>> {
    let png = Source::bytes(png()?);
    let animation = Source::bytes(gif()?);
    let mut seeds = Vec::new();
    for (name, format, source) in [
        ("still.png", OutputFormat::Png, &png),
        ("still.jpg", OutputFormat::Jpeg, &png),
        ("still.webp", OutputFormat::Webp, &png),
        ("still.gif", OutputFormat::Gif, &png),
        ("still.avif", OutputFormat::Avif, &png),
        ("animated.gif", OutputFormat::Gif, &animation),
        ("animated.webp", OutputFormat::Webp, &animation),
    ] {
        let request = Thumbnail { format, frames: Frames::All, ..Thumbnail::fit(64, 64) };
        let guard = Guard::new(Duration::from_secs(60), Arc::new(AtomicBool::new(false)));
        let rendition = render(source, &[request], &Limits::default(), &guard)?.remove(0);
        seeds.push((name, rendition.bytes));
    }
    seeds.extend([("still.tiff", tiff()?), ("still.bmp", bmp()), ("still.ico", ico())]);
    Ok(seeds)
}

fn pixels() -> impl Iterator<Item = [u8; 3]> {
    (0..SIDE * SIDE).map(|i| [(i % SIDE * 10) as u8, (i / SIDE * 10) as u8, (i % 7 * 30) as u8])
}

fn png() -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Rgba);
    let rgba: Vec<u8> = pixels().flat_map(|[r, g, b]| [r, g, b, r]).collect();
    encoder.write_header()?.write_image_data(&rgba)?;
    Ok(bytes)
}

fn gif() -> Result<Vec<u8>, Box<dyn Error>> {
    let side = SIDE as u16;
    let mut encoder = gif::Encoder::new(Vec::new(), side, side, &[200, 30, 30, 20, 20, 60])?;
    for step in 0..3 {
        let buffer: Vec<u8> = (0..SIDE * SIDE).map(|i| u8::from(i % 5 == step)).collect();
        encoder.write_frame(&gif::Frame {
            width: side,
            height: side,
            delay: 5,
            buffer: buffer.into(),
            ..gif::Frame::default()
        })?;
    }
    Ok(encoder.into_inner()?)
}

fn tiff() -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = Cursor::new(Vec::new());
    let rgb: Vec<u8> = pixels().flatten().collect();
    let mut encoder = TiffEncoder::new(&mut bytes)?.with_compression(Compression::Lzw);
    encoder.write_image::<RGB8>(SIDE as u32, SIDE as u32, &rgb)?;
    Ok(bytes.into_inner())
}

/// A bitmap header and pixels; icons say twice the height, for the mask.
fn bitmap(height: usize) -> Vec<u8> {
    let mut bytes = vec![0; 40];
    bytes[0] = 40;
    bytes[4] = SIDE as u8;
    bytes[8] = height as u8;
    bytes[12] = 1;
    bytes[14] = 24;
    bytes.extend(pixels().flatten());
    bytes
}

fn bmp() -> Vec<u8> {
    let mut bytes = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0".to_vec();
    bytes.extend(bitmap(SIDE));
    bytes
}

fn ico() -> Vec<u8> {
    let mut image = bitmap(SIDE * 2);
    image.resize(image.len() + SIDE * 4, 0);
    let side = SIDE as u8;
    let mut bytes = vec![0, 0, 1, 0, 1, 0, side, side, 0, 0, 1, 0, 24, 0];
    bytes.extend((image.len() as u32).to_le_bytes());
    bytes.extend(22u32.to_le_bytes());
    bytes.extend(image);
    bytes
}
