//! How many jobs of a queue may run at a time.

use std::{fmt, str::FromStr};

/// Jobs of one queue that may run at a time, 1 to [`MaxRunning::MAX`]. None at all is a paused queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MaxRunning(u32);

/// The limit is zero, or above [`MaxRunning::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("1 to {} jobs of a queue may run at a time; pause it to let none", MaxRunning::MAX)]
pub struct InvalidMaxRunning;

impl MaxRunning {
    /// The highest.
    pub const MAX: u32 = 100_000;

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u64> for MaxRunning {
    type Error = InvalidMaxRunning;
    fn try_from(value: u64) -> Result<Self, InvalidMaxRunning> {
        let value = u32::try_from(value).map_err(|_| InvalidMaxRunning)?;
        if (1..=Self::MAX).contains(&value) { Ok(Self(value)) } else { Err(InvalidMaxRunning) }
    }
}

impl FromStr for MaxRunning {
    type Err = InvalidMaxRunning;
    fn from_str(text: &str) -> Result<Self, InvalidMaxRunning> {
        text.parse::<u64>().map_err(|_| InvalidMaxRunning)?.try_into()
    }
}

impl fmt::Display for MaxRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
