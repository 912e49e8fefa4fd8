//! Every setting of the service. Each component owns its section; this file only sums them.

mod setting;
mod value;

pub use setting::{Mistake, Section, Setting};
pub use value::{ByteSize, Secret, Value};

use crate::{accounts, blobs, http, predict, runs, sources, telemetry, upkeep, worker};

/// The settings of the whole service. The default works as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// The HTTP API.
    pub http: http::Config,
    /// Who may ask.
    pub auth: accounts::Config,
    /// How much.
    pub quota: accounts::Quota,
    /// Where images and artifacts are kept.
    pub blobs: blobs::Config,
    /// Jobs that are worked on in this process.
    pub worker: worker::Config,
    /// Bounds on one image.
    pub limits: worker::ImageLimits,
    /// Datasets that are worked through.
    pub runs: runs::Config,
    /// Where the images of runs come from.
    pub sources: sources::Config,
    /// Models.
    pub models: predict::Config,
    /// The inference log.
    pub predictions: predict::JournalConfig,
    /// The result cache.
    pub cache: predict::CacheConfig,
    /// Housekeeping.
    pub upkeep: upkeep::Config,
    /// Logs.
    pub log: telemetry::Config,
}

impl Config {
    /// Every section, in the order of the reference page.
    pub fn sections(&mut self) -> Vec<&mut dyn Section> {
        vec![
            &mut self.http,
            &mut self.auth,
            &mut self.quota,
            &mut self.blobs,
            &mut self.worker,
            &mut self.limits,
            &mut self.runs,
            &mut self.sources,
            &mut self.models,
            &mut self.predictions,
            &mut self.cache,
            &mut self.upkeep,
            &mut self.log,
        ]
    }

    /// Everything that is wrong, each with the key that it concerns; empty if the service can start with it.
    pub fn validate(&self) -> Vec<Mistake> {
        [
            self.http.validate(),
            self.auth.validate(),
            self.quota.validate(),
            self.blobs.validate(),
            self.worker.validate(),
            self.limits.validate(),
            self.runs.validate(),
            self.sources.validate(),
            self.models.validate(),
            self.predictions.validate(),
            self.upkeep.validate(),
            self.log.validate(),
        ]
        .concat()
    }
}
