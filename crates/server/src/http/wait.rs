//! Waiting for a job to end within one request.

use std::time::Duration;

use axum::http::HeaderMap;
use darkroom_core::{JobId, job::Job};
use tokio::time::Instant;

use super::{Http, failure::Failure, query::Query};
use darkroom_api::Code;

/// How long the client wants to wait, by `?wait=` or `Prefer: wait=` (RFC 7240, 4.3), cut to what is allowed.
pub(super) fn wanted(
    http: &Http,
    query: &mut Query,
    headers: &HeaderMap,
) -> Result<Option<Duration>, Failure> {
    let asked = match query.parse::<f64>("wait")? {
        Some(seconds) if !(0.0..=3_600.0).contains(&seconds) => {
            return Err(Failure::parameter("wait", "is 0 to 3600 seconds"));
        }
        Some(seconds) => Some(Duration::from_secs_f64(seconds)),
        None => preferred(headers),
    };
    Ok(asked.map(|time| time.min(http.config.max_wait)))
}

/// Preferences that are not understood are ignored (RFC 7240, 2).
fn preferred(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all("prefer").into_iter().filter_map(|value| value.to_str().ok());
    let mut preferences = lines.flat_map(|line| line.split([',', ';']));
    preferences.find_map(|preference| {
        let (name, value) = preference.split_once('=')?;
        let seconds: u32 = value.trim().trim_matches('"').parse().ok()?;
        name.trim().eq_ignore_ascii_case("wait").then(|| Duration::from_secs(u64::from(seconds)))
    })
}

/// The job once it has ended, or as it is when the time is over or the service stops.
pub(super) async fn ended(http: &Http, id: JobId, time: Duration) -> Result<Job, Failure> {
    let deadline = Instant::now() + time;
    let waiter = http.notices.waiter(id);
    loop {
        let job = http.store.job(id).await?.ok_or_else(|| Failure::plain(Code::JobNotFound))?;
        if job.status.state.is_final() || Instant::now() >= deadline {
            return Ok(job);
        }
        tokio::select! {
            () = waiter.changed() => {}
            () = tokio::time::sleep_until(deadline) => {}
            () = http.stop.cancelled() => return Ok(job),
        }
    }
}
