//! The bounds on one image as settings.

use std::time::Duration;

use darkroom_imaging::Limits;

use crate::{
    config::{ByteSize, Mistake},
    settings,
};

settings! {
    /// Bounds on one image. Beyond them it is refused before any pixel work.
    pub struct ImageLimits in "limits" {
        /// Size of the uploaded file.
        input_bytes: ByteSize = ByteSize::mib(64),
        /// Declared pixels where the format needs the whole frame in memory.
        frame_pixels: u64 = 50_000_000,
        /// Declared pixels where rows stream.
        streamed_pixels: u64 = 400_000_000,
        /// The longer declared side in pixels.
        side: u32 = 65_500,
        /// Frames of an animation when all are asked for.
        frames: u32 = 1_000,
        /// The sum of the pixels of those frames.
        animation_pixels: u64 = 400_000_000,
        /// Scans of a progressive JPEG.
        scans: u32 = 100,
        /// Working memory of one image.
        memory: ByteSize = ByteSize::mib(512),
        /// The longer side of a result in pixels.
        result_side: u32 = 8_192,
        /// Time for one image with all its operations.
        decode_time: Duration = Duration::from_secs(10),
    }
}

impl ImageLimits {
    /// As the imaging crate takes them.
    pub fn limits(&self) -> Limits {
        Limits {
            input_bytes: self.input_bytes.bytes(),
            frame_pixels: self.frame_pixels,
            streamed_pixels: self.streamed_pixels,
            side: self.side,
            frames: self.frames,
            animation_pixels: self.animation_pixels,
            scans: self.scans,
            memory: self.memory.bytes(),
            result_side: self.result_side,
            decode_time: self.decode_time,
        }
    }

    /// What is wrong with them.
    pub fn validate(&self) -> Vec<Mistake> {
        let numbers = [
            ("input_bytes", self.input_bytes.bytes()),
            ("frame_pixels", self.frame_pixels),
            ("streamed_pixels", self.streamed_pixels),
            ("side", u64::from(self.side)),
            ("frames", u64::from(self.frames)),
            ("animation_pixels", self.animation_pixels),
            ("scans", u64::from(self.scans)),
            ("memory", self.memory.bytes()),
            ("result_side", u64::from(self.result_side)),
            ("decode_time", self.decode_time.as_millis() as u64),
        ];
        let zero = numbers.iter().filter(|(_, value)| *value == 0);
        zero.map(|(name, _)| Mistake::new(format!("limits.{name}"), "is at least 1")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_imaging_crate() {
        assert_eq!(ImageLimits::default().limits(), Limits::default());
    }
}
