//! The past, as a dashboard draws it, and how long things take.

use darkroom_core::{Latencies, store::Period};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Time;

/// How long something took, in milliseconds; what jobs took is within 1/32 of the true values.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Latency {
    /// How many were measured; the others are null where it is 0.
    pub count: u64,
    /// Half of them took no longer.
    pub p50_ms: Option<f64>,
    /// 95 of 100 took no longer.
    pub p95_ms: Option<f64>,
    /// 99 of 100 took no longer.
    pub p99_ms: Option<f64>,
}

/// What happened within some time that ends now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct History {
    /// How much time.
    pub span: Span,
    /// How long each point is: 60, 900 or 7,200 seconds.
    pub step_seconds: u32,
    /// Every point of the span, oldest first; the last one is not over yet.
    pub points: Vec<HistoryPoint>,
}

/// How much of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// 60 points of a minute.
    Hour,
    /// 96 points of 15 minutes.
    Day,
    /// 84 points of 2 hours.
    Week,
}

/// What happened within one step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HistoryPoint {
    /// When it began.
    pub at: Time,
    /// Jobs that were submitted.
    pub submitted: u64,
    /// Jobs that succeeded.
    pub succeeded: u64,
    /// Jobs that failed.
    pub failed: u64,
    /// Jobs that were cancelled.
    pub cancelled: u64,
    /// From submission to success or failure, half of the jobs took no longer. Null where none ended so.
    pub latency_p50_ms: Option<f64>,
    /// 95 of 100 took no longer.
    pub latency_p95_ms: Option<f64>,
    /// 99 of 100 took no longer.
    pub latency_p99_ms: Option<f64>,
    /// Jobs that waited for a worker and that one could have taken, so without held ones: the most of what was looked at
    /// once a minute. Null where nobody looked, as while the server did not run.
    pub queued: Option<u64>,
    /// Jobs that were worked on; as `queued`.
    pub running: Option<u64>,
    /// How long the oldest job that was not held had waited; as `queued`.
    pub oldest_wait_seconds: Option<f64>,
}

impl Span {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    /// How many seconds a point of it has, and how many points it has.
    pub fn steps(self) -> (u32, usize) {
        match self {
            Self::Hour => (60, 60),
            Self::Day => (900, 96),
            Self::Week => (7_200, 84),
        }
    }
}

impl std::str::FromStr for Span {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Hour, Self::Day, Self::Week]
            .into_iter()
            .find(|span| span.as_str() == text)
            .ok_or("is hour, day or week")
    }
}

impl From<&Latencies> for Latency {
    fn from(latencies: &Latencies) -> Self {
        let percentile = |percent| latencies.percentile(percent).map(|took| took.as_secs_f64() * 1e3);
        Self {
            count: latencies.count(),
            p50_ms: percentile(50),
            p95_ms: percentile(95),
            p99_ms: percentile(99),
        }
    }
}

impl From<&Period> for HistoryPoint {
    fn from(period: &Period) -> Self {
        let latency = Latency::from(&period.latencies);
        Self {
            at: period.start.into(),
            submitted: period.submitted,
            succeeded: period.succeeded,
            failed: period.failed,
            cancelled: period.cancelled,
            latency_p50_ms: latency.p50_ms,
            latency_p95_ms: latency.p95_ms,
            latency_p99_ms: latency.p99_ms,
            queued: period.sample.map(|sample| sample.queued),
            running: period.sample.map(|sample| sample.running),
            oldest_wait_seconds: period.sample.map(|sample| sample.oldest_wait.as_secs_f64()),
        }
    }
}
