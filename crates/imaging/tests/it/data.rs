//! Where test images come from.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use darkroom_core::operation::{OutputFormat, Thumbnail};
use darkroom_imaging::{Guard, ImageError, Limits, Rendition, Source, render};

/// A folder of public test images, or `None` (said loudly) where it is not to be had.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("DARKROOM_TEST_DATA").map_or_else(beside, PathBuf::from).join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!(
        "SKIPPED: there is no {} (set DARKROOM_TEST_DATA to the folder that holds it)",
        folder.display()
    );
    None
}

/// All files below a folder, in a stable order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

pub(crate) fn guard() -> Guard {
    Guard::new(Duration::from_mins(10), Arc::new(AtomicBool::new(false)))
}

/// The one rendition of one request.
pub(crate) fn thumbnail(source: &Source, request: &Thumbnail) -> Result<Rendition, ImageError> {
    let mut renditions = render(source, std::slice::from_ref(request), &Limits::default(), &guard())?;
    assert_eq!(renditions.len(), 1);
    Ok(renditions.remove(0))
}

/// As large as it is, as PNG: the decoded pixels, upright and in sRGB.
pub(crate) fn as_it_is() -> Thumbnail {
    Thumbnail { format: OutputFormat::Png, ..Thumbnail::fit(8192, 8192) }
}
