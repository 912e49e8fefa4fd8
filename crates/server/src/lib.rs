//! The service: HTTP API, workers, upkeep and blobs. It never knows which store it runs on.

#[macro_use]
pub mod config;
pub mod accounts;
pub mod blobs;
pub mod disk;
pub mod host;
pub mod http;
pub mod predict;
pub mod results;
pub mod runs;
pub mod sources;
pub mod telemetry;
pub mod upkeep;
pub mod worker;

mod failpoint;
mod npy;
mod web;

use std::{io, net::SocketAddr, sync::Arc};

use darkroom_api::SettingInfo;
use darkroom_core::{Clock, store::Store};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

pub use config::Config;

use blobs::Blobs;
use http::{Http, SigningKey, Wiring};
use predict::{Journal, JournalTask, Predictor};
use runs::Drivers;
use sources::Sources;
use telemetry::Metrics;
use upkeep::Upkeep;
use worker::Worker;

/// What the service is built from.
#[derive(Clone)]
pub struct Parts {
    /// Where jobs live.
    pub store: Arc<dyn Store>,
    /// Where images and artifacts live.
    pub blobs: Blobs,
    /// Where the images of runs come from.
    pub sources: Sources,
    /// Who answers questions about images.
    pub predictor: Predictor,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Every setting, valid.
    pub config: Config,
    /// The same and those of the store, as they are shown to administrators.
    pub settings: Arc<[SettingInfo]>,
}

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// What `http.listen` says.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The machine gives no more threads.
    #[error("cannot start the worker's threads")]
    Threads(#[source] io::Error),
}

/// Builds the whole service, in the order in which its pieces depend on each other, and starts it.
pub async fn start(parts: Parts, signing_key: SigningKey) -> Result<Running, StartError> {
    let address = parts.config.http.listen;
    let refused = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;

    let metrics = Arc::new(Metrics::default());
    let stop = CancellationToken::new();
    let worker = Worker::start(&parts, Arc::clone(&metrics)).map_err(StartError::Threads)?;
    let upkeep = Upkeep::start(&parts, Arc::clone(&metrics));
    let drivers = Drivers::start(&parts);
    let (journal, recorder) = Journal::start(&parts, Arc::clone(&metrics));
    let http = Http::new(&parts, Wiring { metrics, signing_key, journal, stop: stop.clone() });
    let server = tokio::spawn(http::serve(listener, http));
    Ok(Running { address, stop, server, worker, drivers, recorder, upkeep })
}

/// A running service.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    server: JoinHandle<io::Result<()>>,
    worker: Worker,
    drivers: Drivers,
    recorder: JournalTask,
    upkeep: Upkeep,
}

impl Running {
    /// Where it listens; the port is the real one even if port 0 was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, lets those and the jobs in work end within their time, gives back the rest.
    pub async fn shutdown(self) {
        self.stop.cancel();
        let (served, (), ()) = tokio::join!(self.server, self.worker.shutdown(), self.drivers.shutdown());
        if let Err(error) = served.unwrap_or_else(|panic| Err(io::Error::other(panic))) {
            tracing::error!(%error, "the HTTP server ended badly");
        }
        // Whoever was answered is logged: the last answers are out by now.
        self.recorder.shutdown().await;
        self.upkeep.shutdown().await;
    }
}
