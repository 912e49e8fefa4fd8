//! Every bound on one image, with its name and default.

use std::time::Duration;

/// Bounds on one image. All are checked from the header, before any pixel work, except `decode_time`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the encoded image.
    pub input_bytes: u64,
    /// Declared pixels of one frame where the format needs the full frame in memory.
    pub frame_pixels: u64,
    /// Declared pixels where rows stream through a reducer.
    pub streamed_pixels: u64,
    /// The longer declared side.
    pub side: u32,
    /// Frames of an animation when all are asked for.
    pub frames: u32,
    /// The sum of the pixels of those frames.
    pub animation_pixels: u64,
    /// Progressive scans of a JPEG: each makes the decoder walk the whole image.
    pub scans: u32,
    /// Estimated bytes of working memory of one decode.
    pub memory: u64,
    /// The longer side of a result.
    pub result_side: u32,
    /// Wall-clock time of one decode with all its thumbnails.
    pub decode_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            input_bytes: 64 << 20,
            frame_pixels: 50_000_000,
            streamed_pixels: 400_000_000,
            side: 65_500,
            frames: 1_000,
            animation_pixels: 400_000_000,
            scans: 100,
            memory: 512 << 20,
            result_side: 8_192,
            decode_time: Duration::from_secs(10),
        }
    }
}
