//! Any bytes give renditions of the size that was asked for, or a typed error.
#![no_main]

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use darkroom_core::operation::{Frames, Gravity, Light, Metadata, Mode, OutputFormat, Thumbnail};
use darkroom_imaging::{Guard, Limits, Source, render};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Small limits: what is found has nothing to do with size, and small images are decoded more often.
    let limits = Limits {
        frame_pixels: 1 << 18,
        streamed_pixels: 1 << 19,
        animation_pixels: 1 << 20,
        frames: 8,
        memory: 64 << 20,
        ..Limits::default()
    };
    let guard = Guard::new(Duration::from_secs(5), Arc::new(AtomicBool::new(false)));
    let requests = requests();
    if let Ok(renditions) = render(&Source::bytes(bytes), &requests, &limits, &guard) {
        assert_eq!(renditions.len(), requests.len());
        for rendition in renditions {
            assert!(rendition.width <= 33 && rendition.height <= 33 && !rendition.bytes.is_empty());
        }
    }
});

/// Every mode, every way of reducing that differs, and both formats that can be animated.
fn requests() -> [Thumbnail; 3] {
    [
        Thumbnail { metadata: Metadata::Keep, ..Thumbnail::fit(17, 33) },
        Thumbnail {
            mode: Mode::Fill,
            gravity: Gravity::Smart,
            light: Light::Linear,
            format: OutputFormat::Png,
            ..Thumbnail::fit(33, 17)
        },
        Thumbnail {
            mode: Mode::Pad,
            frames: Frames::All,
            format: OutputFormat::Gif,
            ..Thumbnail::fit(16, 16)
        },
    ]
}
