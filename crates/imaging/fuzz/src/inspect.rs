//! Any bytes give a header or a typed error.
#![no_main]

use darkroom_imaging::{Limits, Source, inspect};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    if let Ok(header) = inspect(&Source::bytes(bytes), &limits) {
        assert!(header.width.max(header.height) <= limits.side && header.held <= limits.memory);
    }
});
