//! How much an archive may unpack to.

use std::io::{self, Read};

use super::super::{Config, SourceError};

/// Bytes that an archive may unpack to whatever its size: the ratio of something small says nothing.
const FREE: u64 = 256 << 20;

/// Counts what an archive unpacks to, and ends what exceeds the bounds.
pub(super) struct Budget {
    unpacked: u64,
    most: u64,
    ratio: u32,
}

impl Budget {
    pub(super) fn new(config: &Config) -> Self {
        Self { unpacked: 0, most: config.archive_unpacked.bytes(), ratio: config.archive_ratio }
    }

    /// Takes `count` more bytes that came of an archive of which `packed` bytes were read.
    pub(super) fn take(&mut self, count: usize, packed: u64) -> Result<(), SourceError> {
        self.unpacked += count as u64;
        if self.unpacked > self.most {
            return Err(SourceError::Limit { limit: "archive_unpacked", allowed: self.most });
        }
        if self.unpacked > FREE && self.unpacked / u64::from(self.ratio) > packed {
            return Err(SourceError::Limit { limit: "archive_ratio", allowed: u64::from(self.ratio) });
        }
        Ok(())
    }
}

/// A reader whose bytes come out of the budget.
pub(super) struct Metered<R, P> {
    inner: R,
    budget: Budget,
    packed: P,
}

impl<R: Read, P: Fn() -> u64> Metered<R, P> {
    /// `packed` says how many bytes of the archive were read.
    pub(super) fn new(inner: R, config: &Config, packed: P) -> Self {
        Self { inner, budget: Budget::new(config), packed }
    }
}

impl<R: Read, P: Fn() -> u64> Read for Metered<R, P> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.budget.take(count, (self.packed)()).map_err(SourceError::into_io)?;
        Ok(count)
    }
}
