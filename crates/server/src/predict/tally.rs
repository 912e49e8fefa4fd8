//! How often each model was asked lately, and how long it took. In memory: it begins anew with the process.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use darkroom_core::prediction::{Ending, NewPrediction};

/// Answers of a model whose time is kept.
const RECENT: usize = 1_000;

/// Models, and versions of each, that are counted at most.
const MAX_COUNTED: usize = 1_000;

/// What is counted of every model: only of those that were found, so that nobody adds names by asking for them.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<HashMap<String, HashMap<String, Counts>>>);

#[derive(Debug, Default)]
struct Counts {
    asked: u64,
    failed: u64,
    /// Microseconds from asking to the answer, the oldest first.
    recent: VecDeque<u32>,
}

/// What is known of one model since this process started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counted {
    /// Questions that it was asked, those answered from the cache left out.
    pub(crate) asked: u64,
    /// Those without an answer.
    pub(crate) failed: u64,
    /// How many of its last answers were measured.
    pub(crate) measured: u64,
    /// The 50th, 95th and 99th percentile of those, in microseconds.
    pub(crate) latency: Option<[u64; 3]>,
}

impl Tally {
    pub(super) fn add(&self, entry: &NewPrediction) {
        let Some(model) = entry.model.as_ref().filter(|model| model.digest.is_some()) else { return };
        if entry.cached {
            return;
        }
        let version = model.version.as_deref().unwrap_or_default();
        let mut models = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = models.len() < MAX_COUNTED;
        // Looked up by reference first: this is on the way of every answer.
        if !models.contains_key(&model.name) && room {
            models.insert(model.name.clone(), HashMap::new());
        }
        let Some(versions) = models.get_mut(&model.name) else { return };
        if !versions.contains_key(version) && versions.len() < MAX_COUNTED {
            versions.insert(version.to_owned(), Counts::default());
        }
        if let Some(counts) = versions.get_mut(version) {
            counts.add(entry);
        }
    }

    /// What is known of a model.
    pub(crate) fn of(&self, name: &str, version: &str) -> Counted {
        let models = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(counts) = models.get(name).and_then(|versions| versions.get(version)) else {
            return Counted::default();
        };
        let mut recent: Vec<u32> = counts.recent.iter().copied().collect();
        let (asked, failed) = (counts.asked, counts.failed);
        drop(models);
        recent.sort_unstable();
        // The nearest rank: the smallest value that at least this share does not exceed.
        let rank = |percent: usize| recent.get((recent.len() * percent).div_ceil(100).saturating_sub(1));
        let latency = rank(50).zip(rank(95)).zip(rank(99));
        let latency = latency.map(|((p50, p95), p99)| [p50, p95, p99].map(|us| u64::from(*us)));
        Counted { asked, failed, measured: recent.len() as u64, latency }
    }
}

impl Counts {
    fn add(&mut self, entry: &NewPrediction) {
        self.asked += 1;
        self.failed += u64::from(entry.answer.ending() == Ending::Failed);
        let Some(us) = entry.model_us else { return };
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(u32::try_from(us).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use darkroom_core::prediction::{Answer, AskedModel, Surface};

    use super::*;

    fn entry(model: &str, us: u64) -> NewPrediction {
        let (name, version, digest) = (model.to_owned(), Some("1".to_owned()), Some("d".to_owned()));
        NewPrediction {
            at: darkroom_core::Timestamp::from_millis(0),
            surface: Surface::Infer,
            operation: "infer".to_owned(),
            model: Some(AskedModel { name, version, digest }),
            owner: darkroom_core::job::Owner::default(),
            job: None,
            file_name: None,
            input: None,
            answer: Answer::Given(None),
            took_us: us,
            model_us: Some(us),
            cached: false,
        }
    }

    #[test]
    fn percentiles_are_those_of_the_last_answers() {
        let tally = Tally::default();
        (0..5_000).for_each(|_| tally.add(&entry("m", 9_999_999)));
        (1..=1_000).for_each(|us| tally.add(&entry("m", us)));
        assert_eq!(
            tally.of("m", "1"),
            Counted { asked: 6_000, failed: 0, measured: 1_000, latency: Some([500, 950, 990]) }
        );
        assert_eq!(tally.of("m", "2"), Counted::default());
    }

    #[test]
    fn failures_count_and_what_was_remembered_does_not() {
        let tally = Tally::default();
        tally.add(&NewPrediction {
            answer: Answer::failed("overloaded", "Later."),
            model_us: None,
            ..entry("m", 1)
        });
        tally.add(&NewPrediction { cached: true, ..entry("m", 1) });
        let unknown = AskedModel { name: "no-such".to_owned(), version: None, digest: None };
        tally.add(&NewPrediction { model: Some(unknown), ..entry("m", 1) });
        assert_eq!(tally.of("m", "1"), Counted { asked: 1, failed: 1, ..Counted::default() });
        assert_eq!(tally.of("no-such", ""), Counted::default());
    }

    #[test]
    fn a_model_without_end_of_versions_does_not_fill_memory() {
        let tally = Tally::default();
        for number in 0..2 * MAX_COUNTED {
            let mut entry = entry("m", 1);
            entry.model.as_mut().unwrap().version = Some(number.to_string());
            tally.add(&entry);
        }
        assert_eq!(tally.0.lock().unwrap()["m"].len(), MAX_COUNTED);
    }
}
