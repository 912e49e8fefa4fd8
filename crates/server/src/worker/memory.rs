//! Admission by bytes: one budget for all images in work, drawn on by what each header says its decode will need.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::telemetry::Metrics;

/// Bytes of one permit.
const UNIT: u64 = 64 << 10;

/// The least budget: one image at the default limit.
const FLOOR: u64 = 64 << 20;

/// Memory that all images in work may need together. Clones are the same budget.
#[derive(Debug, Clone)]
pub(super) struct MemoryBudget {
    units: Arc<Semaphore>,
    total: u64,
    metrics: Arc<Metrics>,
}

/// A part of the budget, returned when dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    _permit: OwnedSemaphorePermit,
    bytes: u64,
    metrics: Arc<Metrics>,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.metrics.memory_reserved.sub(self.bytes as i64);
    }
}

/// The image needs more than the whole budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BeyondBudget {
    /// The budget in bytes.
    pub(super) total: u64,
}

impl MemoryBudget {
    /// A budget of `bytes`; 0 takes half of what this process may use.
    pub(super) fn new(bytes: u64, metrics: Arc<Metrics>) -> Self {
        let total = if bytes == 0 { (crate::host::memory() / 2).max(FLOOR) } else { bytes };
        metrics.memory_budget.set(total as i64);
        let units = Arc::new(Semaphore::new((total / UNIT) as usize));
        Self { units, total, metrics }
    }

    /// Waits until `bytes` are free. First come, first served: a large image is not overtaken for ever by small ones.
    pub(super) async fn reserve(&self, bytes: u64) -> Result<Reservation, BeyondBudget> {
        let units = self.units_of(bytes)?;
        // The semaphore is never closed, so the error cannot come; refusing is right should it come all the same.
        let permit = Arc::clone(&self.units).acquire_many_owned(units).await;
        Ok(self.reservation(permit.map_err(|_| BeyondBudget { total: self.total })?, bytes))
    }

    /// As [`Self::reserve`], for those who cannot wait: `None` while `bytes` are not free or somebody waits for some.
    pub(super) fn try_reserve(&self, bytes: u64) -> Result<Option<Reservation>, BeyondBudget> {
        let permit = Arc::clone(&self.units).try_acquire_many_owned(self.units_of(bytes)?);
        Ok(permit.ok().map(|permit| self.reservation(permit, bytes)))
    }

    fn units_of(&self, bytes: u64) -> Result<u32, BeyondBudget> {
        let units = bytes.div_ceil(UNIT).max(1);
        let possible = units <= self.total / UNIT;
        u32::try_from(units).ok().filter(|_| possible).ok_or(BeyondBudget { total: self.total })
    }

    fn reservation(&self, permit: OwnedSemaphorePermit, bytes: u64) -> Reservation {
        self.metrics.memory_reserved.add(bytes as i64);
        Reservation { _permit: permit, bytes, metrics: Arc::clone(&self.metrics) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn images_wait_for_each_other_when_the_budget_is_spent() {
        let budget = MemoryBudget::new(100 << 20, Arc::default());
        let first = budget.reserve(80 << 20).await.unwrap();
        assert!(budget.reserve(30 << 20).now_or_never().is_none());
        assert!(budget.try_reserve(30 << 20).unwrap().is_none());
        drop(first);
        assert!(budget.try_reserve(30 << 20).unwrap().is_some());
        assert!(budget.reserve(30 << 20).now_or_never().is_some());
    }

    #[tokio::test]
    async fn who_cannot_wait_does_not_overtake_who_does() {
        let budget = MemoryBudget::new(100 << 20, Arc::default());
        let first = budget.reserve(80 << 20).await.unwrap();
        let mut large = Box::pin(budget.reserve(90 << 20));
        assert!(large.as_mut().now_or_never().is_none());
        assert!(budget.try_reserve(10 << 20).unwrap().is_none());
        drop(first);
        assert!(large.now_or_never().is_some());
    }

    #[tokio::test]
    async fn what_can_never_be_admitted_is_refused_at_once() {
        let budget = MemoryBudget::new(100 << 20, Arc::default());
        let refused =
            [budget.reserve(101 << 20).await.unwrap_err(), budget.try_reserve(101 << 20).unwrap_err()];
        assert_eq!(refused, [BeyondBudget { total: 100 << 20 }; 2]);
    }
}
