//! Hostile and odd files: every one gives renditions or a typed error, in bounded time.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use darkroom_core::operation::{Frames, OutputFormat, Thumbnail};
use darkroom_imaging::{ImageError, Limits, Source, render};

use crate::data;

/// Far above what any of these small files takes on a busy machine, and far below a hang.
const LONGEST: Duration = Duration::from_mins(5);

/// A still and an animated request in several formats.
fn requests() -> Vec<Thumbnail> {
    let small = |format| Thumbnail { format, ..Thumbnail::fit(64, 64) };
    vec![
        small(OutputFormat::Jpeg),
        small(OutputFormat::Png),
        Thumbnail { frames: Frames::All, ..small(OutputFormat::Gif) },
        Thumbnail { frames: Frames::All, ..small(OutputFormat::Webp) },
        small(OutputFormat::Source),
    ]
}

/// Renders and checks what holds for every file. True when there was an image.
fn works(path: &Path) -> bool {
    let start = Instant::now();
    let requests = requests();
    let rendered = render(&Source::file(path), &requests, &Limits::default(), &data::guard());
    let took = start.elapsed();
    assert!(took < LONGEST, "{} took {took:?}", path.display());
    match rendered {
        Ok(renditions) => {
            assert_eq!(renditions.len(), requests.len());
            for rendition in renditions {
                assert!(!rendition.bytes.is_empty() && rendition.frames >= 1);
                assert!(rendition.width <= 64 && rendition.height <= 64);
            }
            true
        }
        Err(error) => {
            let typed = matches!(
                error,
                ImageError::NotAnImage
                    | ImageError::Corrupt { .. }
                    | ImageError::Unsupported { .. }
                    | ImageError::Limit { .. }
            );
            assert!(typed, "{}: {error:?}", path.display());
            false
        }
    }
}

#[test]
fn every_file_of_the_image_rs_collection_gives_an_image_or_a_typed_error() {
    let Some(root) = data::folder("image-rs-tests") else { return };
    let refused: Vec<_> = data::files(&root.join("tests/images"))
        .into_iter()
        .filter(|path| is_ours(path) && !works(path))
        .collect();
    // What no decoder here reads; a file that leaves this list may be removed, one that enters it is a regression.
    let known = ["bmp/images/lenient/rle_overflow.bmp", "tiff/testsuite/ycbcr_lzw_bt709.tif"];
    let unexpected: Vec<_> =
        refused.iter().filter(|path| !known.iter().any(|known| path.ends_with(known))).collect();
    assert!(unexpected.is_empty(), "refused: {unexpected:#?}");
}

#[test]
fn bad_files_and_foreign_formats_are_refused() {
    let Some(root) = data::folder("image-rs-tests") else { return };
    for path in data::files(&root.join("tests/bad")) {
        works(&path);
    }
    for path in data::files(&root.join("tests/images")).iter().filter(|path| !is_ours(path)) {
        assert!(!works(path), "{} is in no format that we read", path.display());
    }
}

fn is_ours(path: &Path) -> bool {
    let extension = path.extension().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
    ["bmp", "gif", "ico", "jpg", "pbm", "pgm", "png", "ppm", "tif", "tiff", "webp"].contains(&extension)
}

#[test]
fn every_file_of_the_png_suites_gives_an_image_or_a_typed_error() {
    let Some(root) = data::folder("pngsuite-image-png") else { return };
    let pngs: Vec<_> =
        data::files(&root).into_iter().filter(|path| path.extension().is_some_and(|e| e == "png")).collect();
    let images = pngs.iter().filter(|path| works(path)).count();
    assert!(pngs.len() > 150 && images > 150, "{images} of {} are images", pngs.len());
}
