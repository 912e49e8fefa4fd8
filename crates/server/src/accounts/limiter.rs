//! How often somebody may do something: token buckets, bounded in number.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use darkroom_core::Timestamp;

/// Buckets that are kept at most.
const MAX_BUCKETS: usize = 100_000;

/// What a bucket holds, and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// What it holds at most.
    pub burst: f64,
    /// What flows in a second.
    pub per_second: f64,
}

impl Rate {
    /// `count` within `window`.
    pub fn within(count: f64, window: Duration) -> Self {
        Self { burst: count, per_second: count / window.as_secs_f64().max(0.001) }
    }

    /// The same, so many times.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { burst: self.burst * factor, per_second: self.per_second * factor }
    }
}

/// One bucket for each `K`. A bucket that is full is as good as none, and is forgotten when room is needed.
#[derive(Debug)]
pub struct Limiter<K> {
    buckets: Mutex<HashMap<K, Bucket>>,
    most: usize,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    rate: Rate,
    level: f64,
    at: Timestamp,
}

impl Bucket {
    fn level_at(&self, now: Timestamp) -> f64 {
        (self.level + now.since(self.at).as_secs_f64() * self.rate.per_second).min(self.rate.burst)
    }
}

impl<K> Default for Limiter<K> {
    fn default() -> Self {
        Self { buckets: Mutex::new(HashMap::new()), most: MAX_BUCKETS }
    }
}

impl<K: Eq + Hash> Limiter<K> {
    /// Takes `amount` out of the bucket of `key`, or says how long to wait until it is there. Nothing is taken then.
    /// More than a bucket holds can never be taken; the wait is then the time to fill it.
    pub fn take(&self, key: K, amount: f64, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        let mut buckets = self.lock();
        if buckets.len() >= self.most && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| bucket.level_at(now) < bucket.rate.burst);
            if buckets.len() >= self.most {
                return Err(Duration::from_secs(1));
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket { rate, level: rate.burst, at: now });
        let level = bucket.level_at(now);
        let missing = amount - level;
        if missing > 1e-9 {
            let missing = missing.min(rate.burst - level).max(0.001);
            return Err(Duration::from_secs_f64((missing / rate.per_second).clamp(0.001, 86_400.0)));
        }
        *bucket = Bucket { rate, level: level - amount, at: now };
        Ok(())
    }

    /// Puts back what was taken and not used.
    pub fn give_back(&self, key: &K, amount: f64) {
        if let Some(bucket) = self.lock().get_mut(key) {
            bucket.level = (bucket.level + amount).min(bucket.rate.burst);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let limiter = Limiter::default();
        let rate = Rate { burst: 3.0, per_second: 2.0 };
        let take = |key: u8, now| limiter.take(key, 1.0, rate, now);
        assert!((0..3).all(|_| take(1, NOON).is_ok()));
        assert_eq!(take(1, NOON), Err(Duration::from_millis(500)));
        assert!(take(2, NOON).is_ok(), "others have their own");
        let later = NOON + Duration::from_millis(500);
        assert!(take(1, later).is_ok() && take(1, later).is_err());
        let much_later = NOON + Duration::from_hours(1);
        assert_eq!((0..10).filter(|_| take(1, much_later).is_ok()).count(), 3);
        limiter.give_back(&1, 1.0);
        assert!(take(1, much_later).is_ok());
    }

    #[test]
    fn a_clock_that_is_set_back_neither_fills_nor_empties() {
        let limiter = Limiter::default();
        let rate = Rate { burst: 1.0, per_second: 1.0 };
        assert!(limiter.take((), 1.0, rate, NOON).is_ok());
        assert!(limiter.take((), 1.0, rate, NOON - Duration::from_hours(1)).is_err());
    }

    #[test]
    fn more_than_a_bucket_holds_is_never_given() {
        let limiter = Limiter::default();
        let rate = Rate::within(10.0, Duration::from_secs(10));
        assert!(limiter.take((), 11.0, rate, NOON).is_err());
        assert!(limiter.take((), 10.0, rate, NOON).is_ok());
    }

    #[test]
    fn the_number_of_buckets_is_bounded_and_full_ones_make_room() {
        let limiter = Limiter { buckets: Mutex::new(HashMap::new()), most: 2 };
        let rate = Rate { burst: 2.0, per_second: 1.0 };
        let take = |key: u8, now| limiter.take(key, 1.0, rate, now);
        assert!(take(1, NOON).is_ok() && take(2, NOON).is_ok());
        assert!(take(3, NOON).is_err());
        assert!(take(1, NOON).is_ok(), "who is known is served");
        assert!(take(3, NOON + Duration::from_secs(1)).is_ok(), "the second is full again and was forgotten");
        assert_eq!(limiter.lock().len(), 2);
    }
}
