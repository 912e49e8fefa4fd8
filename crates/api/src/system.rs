//! What the server says about itself: operations, workers, readiness.

use std::collections::BTreeMap;

use darkroom_core::{Timestamp, store::LiveWorker};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::Time;

/// Every operation with the JSON Schema of its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Operations {
    /// The operations.
    pub operations: Vec<OperationInfo>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OperationInfo {
    /// What `op` is set to.
    pub name: String,
    /// What it does, in a sentence.
    pub description: String,
    /// JSON Schema (2020-12) of its parameters.
    #[schema(value_type = Object)]
    pub parameters: Value,
}

/// Every live worker process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Workers {
    /// The workers.
    pub workers: Vec<Worker>,
}

/// One live worker process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Worker {
    /// Its session, new at every start.
    #[schema(format = Uuid)]
    pub session: String,
    /// Its host.
    pub host: String,
    /// Its process id.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// Jobs that it works on at a time.
    pub slots: u32,
    /// Jobs that it works on now.
    pub running: u32,
    /// Attempts that succeeded since it started.
    pub done: u64,
    /// Attempts that failed since it started.
    pub failed: u64,
    /// Attempts that ended a minute, over its life.
    pub rate_per_minute: f64,
    /// The host's load average over one minute.
    pub load: f32,
    /// When it started.
    pub since: Time,
    /// When it last said that it lives.
    pub last_heartbeat: Time,
}

/// Whether the server can do its work, dependency by dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// Whether all of them are there.
    pub ready: bool,
    /// `ok`, or what is missing, by dependency: `store`, `blobs`, `workers`.
    pub checks: BTreeMap<String, String>,
}

/// What is running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// `darkroom`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Where to go from `/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Index {
    /// `darkroom`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What is where.
    pub links: BTreeMap<String, String>,
}

/// Asks for a temporary address of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignRequest {
    /// The job.
    #[schema(format = Uuid)]
    pub job: String,
    /// The artifact's name within the job, or `original`.
    pub artifact: String,
    /// Seconds that the address works, 1 to 604,800 (a week); an hour if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 604_800)]
    pub expires_in: Option<u32>,
}

/// A temporary address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Signed {
    /// The address, relative to the server.
    pub url: String,
    /// Until when it works.
    pub expires_at: Time,
}

impl Worker {
    /// The worker as seen at `now`.
    pub fn at(now: Timestamp, worker: &LiveWorker) -> Self {
        let minutes = (now.since(worker.since).as_secs_f64() / 60.0).max(1.0 / 60.0);
        let ended = worker.stats.succeeded + worker.stats.failed;
        Self {
            session: worker.session.to_string(),
            host: worker.info.host.clone(),
            pid: worker.info.pid,
            version: worker.info.version.clone(),
            slots: worker.info.slots,
            running: worker.stats.running,
            done: worker.stats.succeeded,
            failed: worker.stats.failed,
            rate_per_minute: ended as f64 / minutes,
            load: worker.stats.load,
            since: worker.since.into(),
            last_heartbeat: worker.last_beat.into(),
        }
    }
}
