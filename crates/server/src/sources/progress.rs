//! How far the reading of a source is.

use std::sync::{
    Arc,
    atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
};

use serde::Serialize;

/// What is being done with a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The archive is fetched; nothing is read before its checksum is verified.
    Downloading,
    /// The checksum is computed.
    Verifying,
    /// Items are met (and the archive may still be fetched beside it).
    Reading,
    /// Everything was met.
    Done,
}

/// How far the reading of a source is. Bytes are those of the archive as it is stored, compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Bytes that were fetched; 0 if nothing is fetched.
    pub downloaded: u64,
    /// Bytes that were read of what was fetched or was there.
    pub read: u64,
    /// Bytes in total, if the source says so.
    pub size: Option<u64>,
    /// What was met so far, images and others, including what was met before an interruption.
    pub met: u64,
    /// What there is to meet at most, if the source says so (a list, a zip archive).
    pub most: Option<u64>,
}

impl Progress {
    /// The part that was read, 0 to 1, if it can be told.
    pub fn fraction(&self) -> Option<f64> {
        let part = |done: u64, all: u64| (all > 0).then(|| (done as f64 / all as f64).min(1.0));
        match self.phase {
            Phase::Done => Some(1.0),
            _ => self.most.map_or_else(|| part(self.read, self.size?), |most| part(self.met, most)),
        }
    }
}

/// What readers and downloads write their progress to.
#[derive(Debug, Default, Clone)]
pub(super) struct Gauge(Arc<Readings>);

#[derive(Debug, Default)]
struct Readings {
    phase: AtomicU8,
    downloaded: AtomicU64,
    read: AtomicU64,
    size: AtomicU64,
    met: AtomicU64,
    most: AtomicU64,
}

const PHASES: [Phase; 4] = [Phase::Reading, Phase::Downloading, Phase::Verifying, Phase::Done];

impl Gauge {
    pub(super) fn progress(&self) -> Progress {
        let known = |value: &AtomicU64| Some(value.load(Relaxed)).filter(|value| *value > 0);
        let readings = &self.0;
        Progress {
            phase: PHASES[usize::from(readings.phase.load(Relaxed)) % PHASES.len()],
            downloaded: readings.downloaded.load(Relaxed),
            read: readings.read.load(Relaxed),
            size: known(&readings.size),
            met: readings.met.load(Relaxed),
            most: known(&readings.most),
        }
    }

    pub(super) fn enter(&self, phase: Phase) {
        let number = PHASES.iter().position(|known| *known == phase).unwrap_or_default();
        self.0.phase.store(number as u8, Relaxed);
    }

    pub(super) fn downloaded(&self, bytes: u64) {
        self.0.downloaded.store(bytes, Relaxed);
    }

    pub(super) fn read(&self) -> u64 {
        self.0.read.load(Relaxed)
    }

    pub(super) fn add_read(&self, bytes: u64) {
        self.0.read.fetch_add(bytes, Relaxed);
    }

    pub(super) fn size(&self, bytes: u64) {
        self.0.size.store(bytes, Relaxed);
    }

    pub(super) fn met(&self, count: u64) {
        self.0.met.store(count, Relaxed);
    }

    pub(super) fn most(&self, count: u64) {
        self.0.most.store(count, Relaxed);
    }
}
