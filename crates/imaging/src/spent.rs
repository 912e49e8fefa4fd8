//! Where the time of pixel work went.

use std::time::{Duration, Instant};

/// Time by step. What is in neither was spent on resampling, colours and turning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// From bytes to pixels. Decoders that reduce an image on their way (JPEG and WebP at scale, all that stream rows)
    /// do that within this time.
    pub decode: Duration,
    /// From pixels to bytes.
    pub encode: Duration,
}

impl Spent {
    /// Adds the time that `work` takes to [`Self::decode`].
    pub fn decoding<T>(&mut self, work: impl FnOnce() -> T) -> T {
        timed(&mut self.decode, work)
    }

    /// Adds the time that `work` takes to [`Self::encode`].
    pub fn encoding<T>(&mut self, work: impl FnOnce() -> T) -> T {
        timed(&mut self.encode, work)
    }
}

fn timed<T>(sum: &mut Duration, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = work();
    *sum += began.elapsed();
    done
}
