//! Where ONNX Runtime is, for tests.

use std::path::{Path, PathBuf};

/// `DARKROOM_ONNX_RUNTIME`, else `.x/runtime` of the workspace, where `./x test` puts it. Without it a test is skipped,
/// loudly; in CI it fails.
pub(crate) fn place() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.x/runtime");
    let place = std::env::var_os("DARKROOM_ONNX_RUNTIME").map_or_else(beside, PathBuf::from);
    let there = place.is_file() || place.join("libonnxruntime.so.1.31.1").is_file();
    assert!(there || std::env::var_os("CI").is_none(), "CI needs ONNX Runtime at {}", place.display());
    if there {
        return Some(place);
    }
    eprintln!("SKIPPED: there is no ONNX Runtime at {} (set DARKROOM_ONNX_RUNTIME)", place.display());
    None
}
