//! Random schedules on the file, compared with the store in memory after each step.

mod seen;
mod side;
mod steps;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use darkroom_core::{
    ManualClock,
    job::{QueueName, State},
    store::{Counts, StoreLimits, conformance::NOON},
};
use darkroom_store::{Memory, Sqlite};
use proptest::prelude::*;

use crate::sqlite::PATIENT;
use side::Side;
use steps::{Ids, New, Step, step};

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_schedule_tells_the_file_from_the_model(steps in prop::collection::vec(step(), 1..120)) {
        crate::block_on(compare(steps));
    }
}

async fn compare(steps: Vec<Step>) {
    let _kept = Kept(&steps);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("jobs.db");
    let clock = Arc::new(ManualClock::at(NOON));
    let mut model = Side::new(Arc::new(Memory::new(limits(), clock.clone())));
    let mut file = Side::new(open_file(&path, &clock));
    let mut ids = Ids::default();
    let mut before = Counts::default();
    for (number, step) in steps.iter().enumerate() {
        let new = New::of(step, &clock);
        new.note(&mut ids);
        match step {
            Step::Wait { ms } => clock.advance(Duration::from_millis((*ms).into())),
            Step::Reopen => {
                file.store.close();
                file.store = open_file(&path, &clock);
                model.store.restart();
            }
            _ => {}
        }
        let (expected, answered) = (model.take(step, &new, &ids).await, file.take(step, &new, &ids).await);
        assert_eq!(answered, expected, "step {number}: {step:?}");
        let (expected, seen) = (model.visible(&ids).await, file.visible(&ids).await);
        assert_eq!(seen, expected, "after step {number}: {step:?}");
        assert!(within_limits(&before, &seen.counts), "after step {number}: {step:?}");
        before = seen.counts;
    }
}

/// Whether no queue that has a limit gained running jobs above it.
fn within_limits(before: &Counts, after: &Counts) -> bool {
    let running = |counts: &Counts, name: &QueueName| {
        let queue = counts.queues.iter().find(|queue| queue.queue == *name);
        queue.map_or(0, |queue| queue.states[State::Running as usize])
    };
    after.queues.iter().all(|queue| {
        let now = running(after, &queue.queue);
        now <= running(before, &queue.queue) || queue.max_running.is_none_or(|max| now <= max.get().into())
    })
}

fn open_file(path: &PathBuf, clock: &Arc<ManualClock>) -> Arc<Sqlite> {
    Arc::new(Sqlite::open_reading(path, limits(), clock.clone(), PATIENT).expect("open"))
}

/// Says which schedule it was that failed, before shorter ones are tried: should it have failed by chance, they tell
/// nothing.
struct Kept<'a>(&'a [Step]);

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        static SAID: AtomicBool = AtomicBool::new(false);
        if std::thread::panicking() && !SAID.swap(true, Ordering::Relaxed) {
            eprintln!("this schedule was the first that failed: {:?}", self.0);
        }
    }
}

fn limits() -> StoreLimits {
    StoreLimits {
        max_waiting: 12,
        keep_finished: Duration::from_secs(40),
        keep_failed: Duration::from_secs(90),
        max_deleted_per_sweep: 2,
        keep_predictions: Duration::from_mins(1),
        max_predictions: 8,
        keep_cached: Duration::from_secs(50),
        max_cached: 2,
        keep_history: Duration::from_hours(1),
    }
}
