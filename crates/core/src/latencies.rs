//! How long things took, as a histogram with logarithmic buckets: adding is one count, two of them add up to one, and
//! every percentile is known within 1/32 of its value, however many values there were.
//!
//! A value of microseconds below 16 has a bucket of its own; above, each power of two is divided into 16 (the linear
//! division of a logarithmic scale that `HdrHistogram` uses). There are 976 buckets for all of `u64`, and only those
//! that hold something are kept: a service's values fall into a few dozen.

use std::time::Duration;

/// Buckets of one power of two, as a power of two.
const FINENESS: u32 = 4;

/// Values below have a bucket each.
const EXACT: u64 = 1 << FINENESS;

/// Buckets for all values.
const BUCKETS: u64 = (64 - FINENESS as u64 + 1) << FINENESS;

/// How long things took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Latencies {
    /// How many values fell into which bucket, by bucket; none without a value.
    buckets: Vec<(u16, u64)>,
}

impl Latencies {
    /// Adds one value.
    pub fn add(&mut self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.add_to(bucket_of(us), 1);
    }

    /// Adds what another one holds.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.buckets {
            self.add_to(*bucket, *count);
        }
    }

    /// How many values it holds.
    pub fn count(&self) -> u64 {
        self.buckets.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// The smallest value that at least `percent` of 100 values do not exceed (the nearest rank), as the middle of its
    /// bucket; `None` without values.
    pub fn percentile(&self, percent: u8) -> Option<Duration> {
        let rank = (u128::from(self.count()) * u128::from(percent)).div_ceil(100).max(1);
        let mut seen = 0;
        let holds_rank = |(_, count): &&(u16, u64)| {
            seen += u128::from(*count);
            seen >= rank
        };
        self.buckets.iter().find(holds_rank).map(|(bucket, _)| Duration::from_micros(middle_of(*bucket)))
    }

    /// As [`Latencies::from_bytes`] reads it: of each bucket how far it is from the one before, and its count, both in
    /// LEB128.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.buckets.len() * 2);
        let mut before = 0;
        for (bucket, count) in &self.buckets {
            write(&mut bytes, u64::from(bucket - before));
            write(&mut bytes, *count);
            before = *bucket;
        }
        bytes
    }

    /// Reads what [`Latencies::to_bytes`] wrote; `None` for anything else.
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let mut buckets: Vec<(u16, u64)> = Vec::new();
        while !bytes.is_empty() {
            let (step, count) = (read(&mut bytes)?, read(&mut bytes)?);
            let last = buckets.last().map(|(bucket, _)| u64::from(*bucket));
            let bucket = last.unwrap_or_default().checked_add(step).filter(|bucket| *bucket < BUCKETS)?;
            if count == 0 || last == Some(bucket) {
                return None;
            }
            buckets.push((bucket as u16, count));
        }
        Some(Self { buckets })
    }

    fn add_to(&mut self, bucket: u16, count: u64) {
        match self.buckets.binary_search_by_key(&bucket, |(known, _)| *known) {
            Ok(place) => self.buckets[place].1 = self.buckets[place].1.saturating_add(count),
            Err(place) => self.buckets.insert(place, (bucket, count)),
        }
    }
}

fn bucket_of(value: u64) -> u16 {
    if value < EXACT {
        return value as u16;
    }
    let power = value.ilog2();
    let part = (value >> (power - FINENESS)) & (EXACT - 1);
    (u64::from(power - FINENESS + 1) * EXACT + part) as u16
}

/// The value in the middle of a bucket.
fn middle_of(bucket: u16) -> u64 {
    let bucket = u64::from(bucket);
    if bucket < EXACT {
        return bucket;
    }
    let width = 1_u64 << (bucket / EXACT - 1);
    (EXACT + bucket % EXACT) * width + (width - 1) / 2
}

fn write(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn read(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = u64::from(first & 0x7f);
        if (part << shift) >> shift != part {
            return None;
        }
        number |= part << shift;
        if *first < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::default();
        for us in values {
            latencies.add(Duration::from_micros(us));
        }
        latencies
    }

    #[test]
    fn the_middle_of_a_bucket_is_within_1_32_of_every_value_in_it() {
        let edges = (0..64).flat_map(|power| [-1, 0, 1].map(|by| (1_u64 << power).saturating_add_signed(by)));
        let odd = (0..2_000).map(|n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (n % 64));
        for value in edges.chain(odd).chain([u64::MAX]) {
            let middle = middle_of(bucket_of(value));
            assert!(middle.abs_diff(value) <= value / 32, "{value} is shown as {middle}");
            assert!(u64::from(bucket_of(value)) < BUCKETS);
            assert_eq!(bucket_of(middle), bucket_of(value), "the middle is in the bucket");
        }
    }

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let latencies = of((1..=1_000).rev());
        assert_eq!(latencies.count(), 1_000);
        for (percent, exact) in [(50, 500), (95, 950), (99, 990), (100, 1_000)] {
            let shown = latencies.percentile(percent).unwrap().as_micros() as u64;
            assert!(shown.abs_diff(exact) <= exact / 32, "{percent}: {shown}");
        }
        assert_eq!(of([3]).percentile(0), Some(Duration::from_micros(3)));
        assert_eq!(of([]).percentile(50), None);
    }

    #[test]
    fn two_add_up_to_what_one_would_have_held() {
        let mut first = of([1, 70_000, 70_000, 5]);
        first.merge(&of([70_000, 2, 900_000_000]));
        assert_eq!(first, of([1, 70_000, 70_000, 5, 70_000, 2, 900_000_000]));
    }

    #[test]
    fn what_is_written_is_read_back_and_nothing_else_is() {
        for latencies in [of([]), of([0, 15, 16, 17, u64::MAX]), of((0..5_000).map(|n| n * n * n))] {
            assert_eq!(Latencies::from_bytes(&latencies.to_bytes()), Some(latencies));
        }
        let strange: [&[u8]; 6] = [
            &[1],
            &[1, 0],
            &[1, 1, 0, 1],
            &[0x80],
            &[0xff, 0x7f, 1],
            &[1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2],
        ];
        for bytes in strange {
            assert_eq!(Latencies::from_bytes(bytes), None, "{bytes:?}");
        }
    }
}
