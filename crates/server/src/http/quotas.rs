//! How much one user, or one address without a user, may ask of this process.

use std::{net::IpAddr, time::Duration};

use darkroom_api::Code;
use darkroom_core::{Timestamp, UserId};

use super::{caller::Caller, failure::Failure};
use crate::accounts::{Limiter, Quota, Rate};

/// The time of the quota in bytes.
const DAY: Duration = Duration::from_hours(24);

/// Whom a quota is counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    User(UserId),
    Address(IpAddr),
    /// Nobody counts.
    Exempt,
}

/// What has been asked lately.
#[derive(Debug)]
pub(super) struct Quotas {
    config: Quota,
    requests: Limiter<Subject>,
    bytes: Limiter<Subject>,
}

impl Quotas {
    pub(super) fn new(config: Quota) -> Self {
        Self { config, requests: Limiter::default(), bytes: Limiter::default() }
    }

    /// One more request.
    pub(super) fn charge_request(&self, caller: &Caller, now: Timestamp) -> Result<(), Failure> {
        let (per_second, subject) = (self.config.requests_per_second, caller.subject());
        if per_second == 0 || subject == Subject::Exempt {
            return Ok(());
        }
        let rate = Rate { burst: f64::from(self.config.burst), per_second: f64::from(per_second) };
        let taken = self.requests.take(subject, 1.0, rate, now);
        taken.map_err(|wait| Failure::plain(Code::RateLimited).retry_after(wait))
    }

    /// An image of so many bytes; 0 asks whether anything is left at all.
    pub(super) fn charge_bytes(&self, caller: &Caller, bytes: u64, now: Timestamp) -> Result<(), Failure> {
        let (most, subject) = (self.config.bytes_per_day, caller.subject());
        if most.bytes() == 0 || subject == Subject::Exempt {
            return Ok(());
        }
        let rate = Rate::within(most.bytes() as f64, DAY);
        self.bytes.take(subject, bytes as f64, rate, now).map_err(|wait| {
            let words = format!("Images of {most} may be sent within a day.");
            Failure::new(Code::QuotaExceeded, words).retry_after(wait)
        })
    }

    /// Jobs that may be open at once.
    pub(super) fn open_jobs(&self, subject: Subject) -> Option<u64> {
        (self.config.open_jobs > 0 && subject != Subject::Exempt).then_some(self.config.open_jobs)
    }

    /// There are as many already.
    pub(super) fn too_many_open(&self) -> Failure {
        let words = format!("{} jobs of one user may be open at once.", self.config.open_jobs);
        Failure::new(Code::QuotaExceeded, words)
    }
}
