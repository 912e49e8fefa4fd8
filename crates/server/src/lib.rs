//! The service: HTTP API, workers, upkeep and blobs. It never knows which store it runs on.

#[macro_use]
pub mod config;
pub mod blobs;
pub mod host;
pub mod http;
pub mod telemetry;
pub mod upkeep;
pub mod worker;

mod failpoint;

use std::sync::Arc;

use darkroom_core::{Clock, store::Store};

pub use config::Config;

use blobs::Blobs;

/// What the service is built from.
#[derive(Clone)]
pub struct Parts {
    /// Where jobs live.
    pub store: Arc<dyn Store>,
    /// Where images and artifacts live.
    pub blobs: Blobs,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Every setting, valid.
    pub config: Config,
}
