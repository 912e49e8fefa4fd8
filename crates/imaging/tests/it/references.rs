//! Every image of the image-rs collection that has a reference picture decodes to that picture.

use std::path::Path;

use darkroom_imaging::Source;

use crate::{data, picture::Picture};

/// How far a sample may be from the reference, by format: exact where decoding is exactly defined, a rounding step
/// where other depths become 8 bits, and a few steps where decoders may differ (inverse DCT and chroma upsampling).
fn tolerance(name: &str) -> f64 {
    match name.split('/').next().unwrap_or_default() {
        "jpg" => 12.0,
        "webp" if name.contains("lossy") || name.contains("extended") => 12.0,
        "bmp" | "png" | "tiff" => 1.0,
        _ => 0.0,
    }
}

/// Where the collection's own decoder does something that browsers and we do not.
const OTHERWISE: &[(&str, &str)] = &[
    (
        "tiff/testsuite/hpredict.tiff",
        "its colours are premultiplied (ExtraSamples 1), which the reference ignores",
    ),
    ("tiff/testsuite/hpredict_packbits.tiff", "the same"),
    ("bmp/images/rgb24prof2.bmp", "its profile swaps channels back, which the reference ignores"),
];

#[test]
fn decoded_pixels_are_those_of_the_reference_pictures() {
    let Some(root) = data::folder("image-rs-tests") else { return };
    let references = root.join("tests/reference");
    let mut compared = 0;
    let mut wrong = Vec::new();
    for reference in data::files(&references) {
        let name = reference.strip_prefix(&references).unwrap().to_str().unwrap();
        let Some(image) = name.strip_suffix(".png").filter(|name| is_ours(name)) else { continue };
        if OTHERWISE.iter().any(|(known, _)| *known == image) {
            continue;
        }
        compared += 1;
        if let Err(why) = compare(&root.join("tests/images").join(image), &reference, tolerance(image)) {
            wrong.push(format!("{image}: {why}"));
        }
    }
    assert!(compared > 80, "only {compared} pictures were compared");
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn is_ours(name: &str) -> bool {
    let format = name.split('/').next().unwrap_or_default();
    ["bmp", "gif", "ico", "jpg", "png", "tiff", "webp"].contains(&format) && !name.contains(".anim_")
}

fn compare(image: &Path, reference: &Path, tolerance: f64) -> Result<(), String> {
    let rendition =
        data::thumbnail(&Source::file(image), &data::as_it_is()).map_err(|error| error.to_string())?;
    let got = Picture::from_png(&rendition.bytes);
    let want = Picture::from_png(&std::fs::read(reference).unwrap());
    if (got.width, got.height) != (want.width, want.height) {
        return Err(format!("{}×{} instead of {}×{}", got.width, got.height, want.width, want.height));
    }
    let difference = got.largest_difference(&want);
    if difference <= tolerance {
        Ok(())
    } else {
        Err(format!("differs by {difference}, {:.1} dB", got.psnr(&want)))
    }
}

#[test]
fn the_profile_of_a_bitmap_is_applied() {
    let Some(root) = data::folder("image-rs-tests") else { return };
    let shown = |name: &str| {
        let source = Source::file(root.join("tests/images/bmp/images").join(name));
        Picture::from_png(&data::thumbnail(&source, &data::as_it_is()).unwrap().bytes)
    };
    // The same picture with red and green swapped, and a profile that swaps them back.
    let psnr = shown("rgb24prof2.bmp").psnr(&shown("rgb24.bmp"));
    assert!(psnr > 30.0, "{psnr:.1} dB");
}
