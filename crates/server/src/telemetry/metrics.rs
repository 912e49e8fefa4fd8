//! Every metric, with its closed set of labels.

use std::time::Duration;

use darkroom_core::{
    Timestamp,
    job::{FailureKind, Shown, Timings},
    prediction::{Ending, Surface},
    store::Counts,
};
use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder, core::Collector,
};

/// Seconds, from a quarter of a millisecond to ten seconds.
const SECONDS: [f64; 15] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What is counted. One instance a service.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    /// Requests that are being answered.
    pub requests_in_flight: IntGauge,
    /// Bytes of images taken in.
    pub upload_bytes: IntCounter,
    /// Passwords that were checked.
    pub password_checks: IntCounter,
    jobs: IntGaugeVec,
    oldest_queued_seconds: Gauge,
    attempts: IntCounterVec,
    failures: IntCounterVec,
    attempt_seconds: HistogramVec,
    work_seconds: HistogramVec,
    /// Images that can be worked on at once.
    pub slots: IntGauge,
    /// Jobs that this process holds.
    pub leased: IntGauge,
    /// Memory that all images together may need.
    pub memory_budget: IntGauge,
    /// Memory that the images in work were admitted with.
    pub memory_reserved: IntGauge,
    /// Jobs settled together.
    pub settle_batch: Histogram,
    /// Jobs returned because their worker had stopped beating.
    pub rescued: IntCounter,
    /// Jobs that retention deleted.
    pub outlived: IntCounter,
    /// Blobs removed because no job names them.
    pub collected_blobs: IntCounter,
    /// Their bytes.
    pub collected_bytes: IntCounter,
    predictions: IntCounterVec,
    /// Predictions that are missing in the inference log.
    pub unlogged: IntCounter,
    cache: IntCounterVec,
}

/// The labels of a finished request.
#[derive(Debug, Clone, Copy)]
pub struct HttpLabels {
    /// The method, one of the standard ones or `OTHER`.
    pub method: &'static str,
    /// The template of the route (`/v1/jobs/{id}`), never the path; `unmatched` where none fits.
    pub route: &'static str,
    /// The status of the answer.
    pub status: u16,
}

impl Default for Metrics {
    #[rustfmt::skip]
    fn default() -> Self {
        let registry = Registry::new();
        let r = &registry;
        Self {
            requests: counters(r, "darkroom_http_requests_total", "Answered requests.", &["method", "route", "status"]),
            request_seconds: histograms(r, "darkroom_http_request_seconds", "Time from the first byte in to the last byte out.", &["route"]),
            requests_in_flight: gauge(r, "darkroom_http_requests_in_flight", "Requests that are being answered."),
            upload_bytes: counter(r, "darkroom_upload_bytes_total", "Bytes of images taken in."),
            password_checks: counter(r, "darkroom_password_checks_total", "Passwords that were checked, those of unknown users included."),
            jobs: gauges(r, "darkroom_jobs", "Jobs in the store, by state; held: queued ones of a paused queue or of a run that is paused or was stopped.", &["state"]),
            oldest_queued_seconds: seconds(r, "darkroom_oldest_queued_seconds", "How long the oldest queued job has waited; held ones do not count."),
            attempts: counters(r, "darkroom_attempts_total", "Ended attempts of this process, by how they ended.", &["end"]),
            failures: counters(r, "darkroom_attempt_failures_total", "Failed attempts of this process, by reason.", &["kind"]),
            attempt_seconds: histograms(r, "darkroom_attempt_seconds", "Where the time of an attempt went.", &["part"]),
            work_seconds: histograms(r, "darkroom_attempt_work_seconds", "Where the work of an attempt went, for each step that it took.", &["step"]),
            slots: gauge(r, "darkroom_worker_slots", "Images that this process works on at once."),
            leased: gauge(r, "darkroom_worker_leased_jobs", "Jobs that this process holds."),
            memory_budget: gauge(r, "darkroom_worker_memory_budget_bytes", "Memory that all images together may need."),
            memory_reserved: gauge(r, "darkroom_worker_memory_reserved_bytes", "Memory that the images in work were admitted with."),
            settle_batch: batch_sizes(r, "darkroom_settle_batch_jobs", "Jobs settled together."),
            rescued: counter(r, "darkroom_rescued_jobs_total", "Jobs taken back from workers that stopped beating."),
            outlived: counter(r, "darkroom_outlived_jobs_total", "Finished jobs that retention deleted."),
            collected_blobs: counter(r, "darkroom_collected_blobs_total", "Blobs removed because no job names them."),
            collected_bytes: counter(r, "darkroom_collected_bytes_total", "Bytes of those blobs."),
            predictions: counters(r, "darkroom_predictions_total", "Questions to models, by where they were asked and how they ended.", &["surface", "ending"]),
            unlogged: counter(r, "darkroom_predictions_unlogged_total", "Predictions that could not be written to the inference log."),
            cache: counters(r, "darkroom_cache_lookups_total", "Results that were looked for in the cache.", &["result"]),
            registry,
        }
    }
}

impl Metrics {
    /// Counts an answered request.
    pub fn answered(&self, labels: HttpLabels, took: Duration) {
        let class = ["1xx", "2xx", "3xx", "4xx", "5xx"];
        let status = class.get(usize::from(labels.status / 100).wrapping_sub(1)).unwrap_or(&"other");
        self.requests.with_label_values(&[labels.method, labels.route, status]).inc();
        self.request_seconds.with_label_values(&[labels.route]).observe(took.as_secs_f64());
    }

    /// Counts an ended attempt: `end` is how, `failure` is why unless it succeeded.
    pub fn attempt_ended(&self, end: &'static str, failure: Option<FailureKind>, timings: &Timings) {
        self.attempts.with_label_values(&[end]).inc();
        if let Some(kind) = failure {
            self.failures.with_label_values(&[kind.as_str()]).inc();
        }
        let parts = [
            ("read", timings.read_us),
            ("wait", timings.wait_us),
            ("work", timings.work_us),
            ("write", timings.write_us),
        ];
        for (part, us) in parts {
            self.attempt_seconds.with_label_values(&[part]).observe(us as f64 / 1e6);
        }
        let steps =
            [("decode", timings.decode_us), ("infer", timings.infer_us), ("encode", timings.encode_us)];
        for (step, us) in steps.into_iter().filter(|(_, us)| *us > 0) {
            self.work_seconds.with_label_values(&[step]).observe(us as f64 / 1e6);
        }
    }

    /// Counts a question to a model.
    pub fn predicted(&self, surface: Surface, ending: Ending) {
        self.predictions.with_label_values(&[surface.as_str(), ending.as_str()]).inc();
    }

    /// Counts results that were looked for in the cache.
    pub fn looked_for(&self, found: u64, missed: u64) {
        self.cache.with_label_values(&["hit"]).inc_by(found);
        self.cache.with_label_values(&["miss"]).inc_by(missed);
    }

    /// Takes over what the store counts; call it before [`Metrics::render`].
    pub fn take_counts(&self, counts: &Counts, now: Timestamp) {
        for state in Shown::ALL {
            self.jobs.with_label_values(&[state.as_str()]).set(counts.shown(state) as i64);
        }
        let waited = counts.oldest_queued.map_or(Duration::ZERO, |since| now.since(since));
        self.oldest_queued_seconds.set(waited.as_secs_f64());
    }

    /// Prometheus text exposition, version 0.0.4.
    pub fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

/// Adds a metric of the list above. The list is literal, so a refusal (a name twice, a bad name) is found by the
/// first test that makes a `Metrics`.
#[allow(clippy::expect_used, reason = "literal input, see above")]
fn add<M: Collector + Clone + 'static>(registry: &Registry, metric: prometheus::Result<M>) -> M {
    let metric = metric.expect("the list has valid names");
    registry.register(Box::new(metric.clone())).expect("the list has no name twice");
    metric
}

fn counter(registry: &Registry, name: &str, help: &str) -> IntCounter {
    add(registry, IntCounter::new(name, help))
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    add(registry, IntCounterVec::new(Opts::new(name, help), labels))
}

fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    add(registry, IntGauge::new(name, help))
}

fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    add(registry, IntGaugeVec::new(Opts::new(name, help), labels))
}

fn seconds(registry: &Registry, name: &str, help: &str) -> Gauge {
    add(registry, Gauge::new(name, help))
}

fn histograms(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
    add(registry, HistogramVec::new(HistogramOpts::new(name, help).buckets(SECONDS.to_vec()), labels))
}

fn batch_sizes(registry: &Registry, name: &str, help: &str) -> Histogram {
    let buckets = vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
    add(registry, Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets)))
}

#[cfg(test)]
mod tests {
    use darkroom_core::store::QueueCounts;

    use super::*;

    #[test]
    fn steps_of_work_are_counted_by_those_that_took_them() {
        let metrics = Metrics::default();
        let timings = Timings { work_us: 9, decode_us: 5, encode_us: 4, ..Timings::default() };
        metrics.attempt_ended("succeeded", None, &timings);
        let text = metrics.render();
        for (step, count) in [("decode", 1), ("encode", 1)] {
            let line = format!("darkroom_attempt_work_seconds_count{{step=\"{step}\"}} {count}");
            assert!(text.contains(&line), "{text}");
        }
        assert!(!text.contains("step=\"infer\""), "{text}");
    }

    #[test]
    fn what_a_run_or_a_queue_holds_is_counted_as_held() {
        let queue = |name: &str, paused, held| QueueCounts {
            queue: name.parse().expect("a queue"),
            paused,
            max_running: None,
            oldest_queued: None,
            held,
            states: [1, 5, 2, 0, 0, 0],
        };
        let queues = vec![queue("a", false, 3), queue("b", true, 0)];
        let metrics = Metrics::default();
        metrics.take_counts(&Counts { queues, ..Counts::default() }, Timestamp::from_millis(0));
        let text = metrics.render();
        let expected = [
            ("scheduled", 2),
            ("queued", 2),
            ("held", 8),
            ("running", 4),
            ("succeeded", 0),
            ("cancelled", 0),
        ];
        for (state, count) in expected {
            let line = format!("darkroom_jobs{{state=\"{state}\"}} {count}\n");
            assert!(text.contains(&line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn requests_are_counted_by_route_and_status_class() {
        let metrics = Metrics::default();
        let labels = HttpLabels { method: "GET", route: "/v1/jobs/{id}", status: 404 };
        metrics.answered(labels, Duration::from_millis(3));
        let text = metrics.render();
        let line = r#"darkroom_http_requests_total{method="GET",route="/v1/jobs/{id}",status="4xx"} 1"#;
        assert!(text.contains(line), "{text}");
    }
}
