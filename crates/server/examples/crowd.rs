//! A server with as many live workers as told, for the tests of the dashboard: `crowd ADDRESS WORKERS`. The workers have
//! sessions in the store as those of other machines have, and beat as they do; none of them claims anything.
#![allow(clippy::unwrap_used, reason = "a program of tests, which stops where it cannot go on")]

use std::{sync::Arc, time::Duration};

use darkroom_core::{
    SessionId, SystemClock,
    store::{BEAT_INTERVAL, Store, StoreLimits, WorkerInfo, WorkerStats},
};
use darkroom_server::{Config, Parts, blobs::Blobs, http::SigningKey, predict::Predictor, runs};
use darkroom_store::Sqlite;
use futures_util::future::join_all;
use tokio::{signal::unix, time::interval};

/// Workers that one machine runs.
const PER_HOST: u32 = 16;

/// Jobs that each works on at a time.
const SLOTS: u32 = 8;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, address, workers] = &arguments[..] else { panic!("say the address and how many workers") };
    let data = tempfile::tempdir().unwrap();
    let store =
        Sqlite::open(data.path().join("darkroom.db"), StoreLimits::default(), Arc::new(SystemClock)).unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    let mut config = Config::default();
    config.http.listen = address.parse().unwrap();
    let blobs = Blobs::open(data.path().join("blobs")).unwrap();
    let parts = Parts {
        store: Arc::clone(&store),
        blobs: blobs.clone(),
        sources: runs::sources(&config, &blobs, data.path()),
        predictor: Predictor::open(&config.models, data.path(), None).unwrap(),
        clock: Arc::new(SystemClock),
        config,
        settings: Arc::default(),
    };
    let running = darkroom_server::start(parts, SigningKey::from_bytes([7; 32])).await.unwrap();
    let crowd = join_all((0..workers.parse().unwrap()).map(|number| appear(&*store, number))).await;
    let mut ended = unix::signal(unix::SignalKind::terminate()).unwrap();
    let mut beats = interval(BEAT_INTERVAL);
    for round in 0.. {
        tokio::select! {
            _ = ended.recv() => break,
            _ = beats.tick() => {
                join_all(crowd.iter().zip(0..).map(|(session, number)| beat(&*store, *session, (number, round)))).await;
            }
        }
    }
    running.shutdown().await;
}

async fn appear(store: &dyn Store, number: u32) -> SessionId {
    let host = match number / PER_HOST {
        // One of them has the name that clouds give.
        0 => "ip-10-20-30-40.eu-central-1.compute.internal.cameras.example".to_owned(),
        host => format!("camera-hall-{host:03}"),
    };
    let version = env!("CARGO_PKG_VERSION").to_owned();
    store.open_session(WorkerInfo { host, pid: 4_000 + number, version, slots: SLOTS }).await.unwrap()
}

/// Says what a worker in the middle of its work would say.
async fn beat(store: &dyn Store, session: SessionId, (number, round): (u32, u32)) {
    let done = u64::from(round) * u64::from(number % 7) * BEAT_INTERVAL.as_secs();
    let load = (number % 90) as f32 / 10.0;
    let stats =
        WorkerStats { running: (number + round) % (SLOTS + 1), succeeded: done, failed: done / 50, load };
    let told = tokio::time::timeout(Duration::from_secs(2), store.beat(session, stats)).await;
    assert!(told.is_ok_and(|told| told.is_ok_and(|beat| !beat.lost)), "a worker was lost");
}
