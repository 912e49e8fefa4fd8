//! EXIF orientation: all eight variants of an image look the same.

use darkroom_core::operation::{OutputFormat, Thumbnail};
use darkroom_imaging::{Limits, Source, inspect};

use crate::{data, picture::Picture};

/// The variants were turned and compressed again by their author, so they are alike, not equal.
const ALIKE: f64 = 28.0;

fn png(path: &std::path::Path) -> Picture {
    let request = Thumbnail { format: OutputFormat::Png, ..Thumbnail::fit(300, 300) };
    Picture::from_png(&data::thumbnail(&Source::file(path), &request).unwrap().bytes)
}

#[test]
fn all_exif_orientations_are_shown_upright() {
    let Some(folder) = data::folder("exif-orientation") else { return };
    for shape in ["Landscape", "Portrait"] {
        let upright = png(&folder.join(format!("{shape}_1.jpg")));
        for value in 0..=8u8 {
            let path = folder.join(format!("{shape}_{value}.jpg"));
            let header = inspect(&Source::file(&path), &Limits::default()).unwrap();
            assert_eq!(header.orientation.exif(), value.max(1));
            let shown = png(&path);
            let psnr = shown.psnr(&upright);
            assert!(psnr > ALIKE, "{shape} {value}: {psnr:.1} dB");
        }
    }
}
