//! Zstandard as a stream: frame after frame, each with its checksum verified.

use std::io::{self, Read};

use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

use super::super::SourceError;

/// Bytes of an archive that are read at a time.
pub(super) const BUFFER: usize = 128 << 10;

/// Unpacks the frames of `packed`.
pub(super) struct Zstd<R> {
    packed: Watched<R>,
    decoder: FrameDecoder,
    within: bool,
}

impl<R: Read> Zstd<R> {
    /// Frames that need a larger window than `window` bytes are refused.
    pub(super) fn new(packed: R, window: u64) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(window);
        Self { packed: Watched { inner: packed, error: None, ended: false }, decoder, within: false }
    }

    /// Begins the next frame; `false` at the end of the archive.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            let mut magic = [0; 4];
            match super::super::feed::fill(&mut self.packed, &mut magic)? {
                0 => return Ok(false),
                4 => {}
                _ => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
            let frame = magic.as_slice().chain(&mut self.packed);
            match self.decoder.init(frame) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let skipped = io::copy(&mut (&mut self.packed).take(u64::from(length)), &mut io::sink())?;
                    if skipped < u64::from(length) {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(FrameDecoderError::WindowSizeTooBig { max, .. }) => {
                    return Err(SourceError::Limit { limit: "zstd_window", allowed: max }.into_io());
                }
                Err(error) => return Err(self.packed.explain(&error)),
            }
        }
    }

    fn verified(&self) -> io::Result<()> {
        let stored = self.decoder.get_checksum_from_data();
        if stored.is_some() && stored != self.decoder.get_calculated_checksum() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame has a wrong checksum"));
        }
        Ok(())
    }
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.within {
                if !self.begin()? {
                    return Ok(0);
                }
                self.within = true;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let decoded =
                    self.decoder.decode_blocks(&mut self.packed, BlockDecodingStrategy::UptoBlocks(1));
                decoded.map_err(|error| self.packed.explain(&error))?;
            }
            match self.decoder.read(buffer)? {
                0 => {
                    self.verified()?;
                    self.within = false;
                }
                count => return Ok(count),
            }
        }
    }
}

/// Remembers why reading ended: the decoder's errors do not tell.
struct Watched<R> {
    inner: R,
    error: Option<io::Error>,
    ended: bool,
}

impl<R> Watched<R> {
    /// What a failure of the decoder comes to.
    fn explain(&mut self, error: &FrameDecoderError) -> io::Error {
        match self.error.take() {
            Some(error) => error,
            None if self.ended => io::ErrorKind::UnexpectedEof.into(),
            None => io::Error::new(io::ErrorKind::InvalidData, error.to_string()),
        }
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Ok(count) => {
                self.ended |= count == 0 && !buffer.is_empty();
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let told = io::Error::from(error.kind());
                self.error = Some(error);
                Err(told)
            }
        }
    }
}
