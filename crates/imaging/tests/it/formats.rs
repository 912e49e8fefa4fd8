//! Inputs made here, one of each kind that a format knows: what goes in comes out.

use std::io::Cursor;

use darkroom_core::operation::{OutputFormat, Quality, Thumbnail};
use darkroom_imaging::{Format, ImageError, Limits, Source, inspect};
use tiff::{
    encoder::{TiffEncoder, colortype},
    tags::Tag,
};

use crate::{
    data,
    fixture::bitmap::{bmp, ico, icon_bitmap},
    picture::{Corner, Picture, scene},
};

/// The decoded pixels; the header must have said the same size before.
fn decoded(bytes: &[u8], format: Format) -> Picture {
    let source = Source::bytes(bytes);
    let header = inspect(&source, &Limits::default()).unwrap();
    assert_eq!(header.format, format);
    let picture = Picture::from_png(&data::thumbnail(&source, &data::as_it_is()).unwrap().bytes);
    assert_eq!(header.upright_size(), (picture.width, picture.height));
    picture
}

fn samples(picture: &Picture, channels: usize) -> Vec<u8> {
    picture.pixels.iter().flat_map(|pixel| pixel[..channels].to_vec()).collect()
}

fn map(picture: &Picture, pixel: impl Fn([u8; 4]) -> [u8; 4]) -> Picture {
    Picture { pixels: picture.pixels.iter().map(|&p| pixel(p)).collect(), ..*picture }
}

fn tiff(write: impl FnOnce(&mut TiffEncoder<&mut Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    write(&mut TiffEncoder::new(&mut bytes).unwrap());
    bytes.into_inner()
}

#[test]
fn tiff_of_every_depth_is_read() {
    let picture = scene(61, 43, Corner::Transparent);
    let (w, h) = (61, 43);
    let rgb = samples(&picture, 3);
    let wide: Vec<u16> = rgb.iter().map(|&v| u16::from(v) * 257).collect();
    let float: Vec<f32> = rgb.iter().map(|&v| f32::from(v) / 255.0).collect();
    let opaque = map(&picture, |[r, g, b, _]| [r, g, b, 255]);
    let grey = map(&picture, |[r, ..]| [r, r, r, 255]);
    let red = samples(&picture, 1);
    let cases = [
        (tiff(|t| t.write_image::<colortype::RGB8>(w, h, &rgb).unwrap()), &opaque),
        (tiff(|t| t.write_image::<colortype::RGB16>(w, h, &wide).unwrap()), &opaque),
        (tiff(|t| t.write_image::<colortype::RGB32Float>(w, h, &float).unwrap()), &opaque),
        (tiff(|t| t.write_image::<colortype::RGBA8>(w, h, &samples(&picture, 4)).unwrap()), &picture),
        (tiff(|t| t.write_image::<colortype::Gray8>(w, h, &red).unwrap()), &grey),
    ];
    for (i, (bytes, expected)) in cases.iter().enumerate() {
        assert!(decoded(bytes, Format::Tiff).looks_like(expected), "case {i}");
    }
}

#[test]
fn tiff_palettes_inks_and_orientation_are_understood() {
    let indices: Vec<u8> = (0..16 * 8).map(|i| (i % 5) as u8).collect();
    let colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30], [255, 255, 255]];
    let table: Vec<u16> = (0..3)
        .flat_map(|c| (0..256).map(move |i| colours.get(i).map_or(0, |rgb: &[u16; 3]| rgb[c] * 257)))
        .collect();
    let bytes = tiff(|t| {
        let mut image = t.new_image::<colortype::Gray8>(16, 8).unwrap();
        image.encoder().write_tag(Tag::PhotometricInterpretation, 3u16).unwrap();
        image.encoder().write_tag(Tag::ColorMap, table.as_slice()).unwrap();
        // Shown a quarter turn clockwise.
        image.encoder().write_tag(Tag::Orientation, 6u16).unwrap();
        image.write_data(&indices).unwrap();
    });
    let shown = decoded(&bytes, Format::Tiff);
    assert_eq!((shown.width, shown.height), (8, 16));
    let stored = |x: usize, y: usize| colours[usize::from(indices[y * 16 + x])].map(|v| v as u8);
    for (i, [r, g, b, _]) in shown.pixels.iter().enumerate() {
        assert_eq!([*r, *g, *b], stored(i / 8, 7 - i % 8), "pixel {i}");
    }

    let inks = [[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255], [0, 255, 255, 0]];
    let bytes = tiff(|t| t.write_image::<colortype::CMYK8>(4, 1, inks.as_flattened()).unwrap());
    let expected = [[255, 255, 255, 255], [0, 255, 255, 255], [0, 0, 0, 255], [255, 0, 0, 255]];
    assert_eq!(decoded(&bytes, Format::Tiff).pixels, expected);
}

#[test]
fn bmp_is_read_in_both_directions() {
    let picture = scene(61, 43, Corner::Opaque);
    for bits in [24, 32] {
        for height in [43, -43] {
            assert_eq!(
                decoded(&bmp(&picture, bits, height), Format::Bmp),
                picture,
                "{bits} bits, height {height}"
            );
        }
    }
    let cut = bmp(&picture, 24, 43);
    let error = data::thumbnail(&Source::bytes(&cut[..cut.len() / 2]), &data::as_it_is()).unwrap_err();
    assert!(matches!(error, ImageError::Corrupt { format: Format::Bmp, .. }));
}

#[test]
fn pnm_is_read_plain_and_raw() {
    let grey: Vec<u8> = (0..5 * 3).map(|i| i as u8 * 17).collect();
    let shown = |expected: &[u8]| -> Vec<[u8; 4]> { expected.iter().map(|v| [*v, *v, *v, 255]).collect() };
    let of = |head: &str, samples: &[u8]| [head.as_bytes(), samples].concat();
    let wide: Vec<u8> = grey.iter().flat_map(|v| [*v, *v]).collect();
    let numbers = |most: u32| -> String {
        let levels = grey.iter().map(|v| ((u32::from(*v) * most + 127) / 255).to_string());
        levels.collect::<Vec<_>>().join(" ")
    };
    for (name, bytes) in [
        ("raw", of("P5 5 3 255\n", &grey)),
        ("with comments", of("P5\n# made by hand: 9 9\n5 # wide\n3\n255\n", &grey)),
        ("with a comment behind the last number", of("P5 5 3 255# by hand\n", &grey)),
        ("plain, with that", of("P2\n5 3\n255# by hand\n", numbers(255).as_bytes())),
        ("16 bits", of("P5\n5 3\n65535\n", &wide)),
        ("15 levels", of("P5\n5 3\n15\n", &(0..15).collect::<Vec<u8>>())),
        ("plain", of("P2\n5 3\n255\n", numbers(255).as_bytes())),
        ("plain, 15 levels", of("P2\n5 3\n15\n", numbers(15).as_bytes())),
    ] {
        assert_eq!(decoded(&bytes, Format::Pnm).pixels, shown(&grey), "{name}");
    }

    let colours = [[255, 0, 0, 255], [0, 128, 0, 255], [1, 2, 3, 255]];
    let samples: Vec<u8> = colours.iter().flat_map(|c| c[..3].to_vec()).collect();
    assert_eq!(decoded(&of("P6 3 1 255\n", &samples), Format::Pnm).pixels, colours);
    let plain = samples.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert_eq!(decoded(&of("P3 3 1 255\n", plain.as_bytes()), Format::Pnm).pixels, colours);

    let bits = shown(&[0, 255, 255, 255, 255, 255, 255, 255, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255]);
    assert_eq!(decoded(b"P4\n9 2\n\x80\x80\0\0", Format::Pnm).pixels, bits);
    assert_eq!(decoded(b"P1\n9 2\n1000 00001\n000000000\n", Format::Pnm).pixels, bits);
}

#[test]
fn pnm_that_is_cut_or_nonsense_is_damaged() {
    for bytes in [
        b"P5 5 3 255\n1234".as_slice(),
        b"P5 5 3",
        b"P5 1 1 255# a comment without end",
        b"P5 0 3 255\n",
        b"P5 5 3 70000\n",
        b"P5 5 x 255\n",
        b"P2 2 1 255\n12",
        b"P2 2 1 255\n12 -3",
        b"P1 3 1\n1 0 2",
        b"P4 9 9\n\0",
        b"P6 99999999999 99999999999 255\n",
    ] {
        let error = data::thumbnail(&Source::bytes(bytes), &data::as_it_is()).unwrap_err();
        let refused =
            matches!(error, ImageError::Corrupt { format: Format::Pnm, .. } | ImageError::Limit { .. });
        assert!(refused, "{error} for {:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn ico_gives_its_largest_entry_with_transparency() {
    let small = scene(16, 16, Corner::Opaque);
    let large = scene(48, 48, Corner::Transparent);
    let smaller = || (16, 32, icon_bitmap(&small, 32));
    let as_png = ico(&[smaller(), (48, 32, large.to_png())]);
    assert!(decoded(&as_png, Format::Ico).looks_like(&large));
    for bits in [24, 32] {
        let as_bitmap = ico(&[(48, bits as u8, icon_bitmap(&large, bits)), smaller()]);
        let shown = decoded(&as_bitmap, Format::Ico);
        assert!(shown.looks_like(&large), "{bits} bits");
        assert_eq!(shown.pixels[0][3], 0);
    }
}

#[test]
fn avif_is_written_and_read_again() {
    for corner in [Corner::Opaque, Corner::Transparent] {
        let picture = scene(161, 93, corner);
        let source = Source::bytes(picture.to_png());
        let quality = Quality::try_from(90).ok();
        let request = Thumbnail { quality, format: OutputFormat::Avif, ..data::as_it_is() };
        let rendition = data::thumbnail(&source, &request).unwrap();
        assert_eq!((rendition.format, rendition.width, rendition.height), (Format::Avif, 161, 93));
        let psnr = decoded(&rendition.bytes, Format::Avif).psnr(&picture);
        assert!(psnr > 33.0, "{psnr:.1} dB");
    }
}

#[test]
fn avif_of_ten_bits_is_read() {
    let picture = scene(160, 90, Corner::Opaque);
    let rgb: Vec<rgb::RGB8> = picture.pixels.iter().map(|&[r, g, b, _]| rgb::RGB8::new(r, g, b)).collect();
    let encoder = ravif::Encoder::new().with_quality(90.0).with_speed(9).with_bit_depth(ravif::BitDepth::Ten);
    let avif = encoder.encode_rgb(ravif::Img::new(rgb.as_slice(), 160, 90)).unwrap();
    let psnr = decoded(&avif.avif_file, Format::Avif).psnr(&picture);
    assert!(psnr > 33.0, "{psnr:.1} dB");
}

#[test]
fn heic_is_refused_by_name() {
    let heic = Source::bytes(*b"\0\0\0\x18ftypheic\0\0\0\0mif1heic");
    let error = inspect(&heic, &Limits::default()).unwrap_err();
    assert!(matches!(error, ImageError::Unsupported { format: Format::Heic, .. }));
    assert!(error.to_string().contains("convert it first"), "{error}");
}

#[test]
fn formats_that_cannot_be_written_become_png() {
    let picture = scene(20, 10, Corner::Opaque);
    let request = Thumbnail { format: OutputFormat::Source, ..data::as_it_is() };
    let icon = ico(&[(16, 32, icon_bitmap(&scene(16, 16, Corner::Opaque), 32))]);
    let tiff = tiff(|t| t.write_image::<colortype::RGB8>(20, 10, &samples(&picture, 3)).unwrap());
    for bytes in [bmp(&picture, 24, 10), icon, tiff] {
        assert_eq!(data::thumbnail(&Source::bytes(bytes), &request).unwrap().format, Format::Png);
    }
}
