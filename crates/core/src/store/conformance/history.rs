//! The past: counted by the minute, sampled once in each, and kept whatever the clock says.

use std::time::Duration;

use super::{
    Open,
    fixture::{Bench, NOON, damaged, job, success, unlucky},
    run_fixture::dataset,
};
use crate::{
    Timestamp,
    job::{AttemptLimits, FailureKind, NewJob},
    run::{NewRun, OnError, RunEvent, RunState, Stop},
    store::{Ended, MINUTE, Period, Sample, StoreLimits},
};

const SECOND: Duration = Duration::from_secs(1);

fn first_minute() -> Timestamp {
    NOON.floor(MINUTE)
}

async fn whole(bench: &Bench) -> Vec<Period> {
    let (from, until) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
    bench.store.history(from, until).await.expect("history")
}

async fn sweep(bench: &Bench) {
    bench.store.sweep().await.expect("sweep");
}

async fn failures(bench: &Bench) -> Vec<(FailureKind, u64)> {
    bench.store.counts().await.expect("counts").failures
}

/// What was submitted, how it ended and how long that took.
pub async fn what_happens_is_kept_by_the_minute(open: Open<'_>) {
    let bench = Bench::new(open);
    let ids = bench.submit_all(vec![job("a"), job("b"), job("c"), job("d")]).await;
    bench.store.cancel(ids[3]).await.expect("cancel");
    let leased = bench.claim(bench.session().await, 3).await;
    bench.wait(2 * SECOND);
    bench.finish(leased[0].lease, success("t")).await;
    bench.wait(2 * SECOND);
    bench.finish(leased[1].lease, damaged()).await;
    bench.wait(MINUTE);
    bench.submit(job("e")).await;
    bench.finish(leased[2].lease, success("t")).await;
    let past = whole(&bench).await;
    let counts = |of: &Period| (of.start, of.submitted, of.succeeded, of.failed, of.cancelled);
    let found: Vec<_> = past.iter().map(counts).collect();
    assert_eq!(found, [(first_minute(), 4, 1, 1, 1), (first_minute() + MINUTE, 1, 1, 0, 0)]);
    let shown = |of: &Period, percent| of.latencies.percentile(percent).map_or(0, |took| took.as_secs());
    assert_eq!(past[0].latencies.count(), 2, "who cancels does not measure");
    assert!((1..=2).contains(&shown(&past[0], 50)) && (3..=4).contains(&shown(&past[0], 95)), "{past:?}");
    assert!((62..=66).contains(&shown(&past[1], 50)), "{past:?}");
    let narrow = bench.store.history(first_minute(), first_minute() + MINUTE).await.expect("history");
    assert_eq!(narrow, past[..1]);
    let later = bench.store.history(first_minute() + SECOND, first_minute()).await.expect("history");
    assert_eq!(later, []);
}

/// By the first sweep of each; the others add nothing.
pub async fn the_queue_is_sampled_once_a_minute(open: Open<'_>) {
    let bench = Bench::new(open);
    bench.submit_all(vec![job("a"), job("b"), job("c")]).await;
    bench.claim(bench.session().await, 1).await;
    bench.wait(3 * SECOND);
    sweep(&bench).await;
    bench.submit(job("d")).await;
    sweep(&bench).await;
    let samples = |past: Vec<Period>| past.into_iter().map(|minute| minute.sample).collect::<Vec<_>>();
    let first = Sample { queued: 2, running: 1, oldest_wait: 3 * SECOND };
    assert_eq!(samples(whole(&bench).await), [Some(first)]);
    bench.wait(MINUTE);
    bench.store.pause("default".parse().expect("queue")).await.expect("pause");
    sweep(&bench).await;
    // The session is over by then, so its job is given back, and held like the others; what is held waits for nothing.
    let second = Sample { queued: 0, running: 0, oldest_wait: Duration::ZERO };
    assert_eq!(samples(whole(&bench).await), [Some(first), Some(second)]);
    bench.wait(MINUTE);
    bench.submit(job("e")).await;
    assert_eq!(samples(whole(&bench).await), [Some(first), Some(second), None], "nobody looked");
}

/// Not even if it is the sweep that stops the run: its worker is dead, and the job fails for it.
pub async fn what_a_run_holds_is_not_in_the_samples(open: Open<'_>) {
    let bench = Bench::new(open);
    let fragile = NewRun {
        on_error: OnError::StopAfter(1),
        limits: AttemptLimits { attempts: 1, crashes: 1 },
        ..dataset("fragile")
    };
    let paused = bench.run_of(dataset("paused"), &["a", "b", "c"]).await;
    bench.happen(paused, RunEvent::Pause(Stop::asked("wait"))).await;
    let fragile = bench.run_of(fragile, &["d", "e"]).await;
    bench.claim(bench.session().await, 1).await;
    bench.submit(job("single")).await;
    sweep(&bench).await;
    bench.wait(MINUTE);
    sweep(&bench).await;
    assert_eq!(bench.run(fragile).await.status.state, RunState::Failed);
    bench.happen(paused, RunEvent::Resume).await;
    bench.wait(MINUTE);
    sweep(&bench).await;
    let samples: Vec<_> = whole(&bench).await.into_iter().filter_map(|minute| minute.sample).collect();
    let found: Vec<_> = samples.iter().map(|sample| (sample.queued, sample.running)).collect();
    assert_eq!(found, [(2, 1), (1, 0), (4, 0)]);
}

/// The oldest go first.
pub async fn as_many_minutes_are_kept_as_go_into_their_time(open: Open<'_>) {
    let bench = Bench::with(open, StoreLimits { keep_history: 70 * MINUTE, ..StoreLimits::default() });
    for _ in 0..75 {
        sweep(&bench).await;
        bench.wait(MINUTE);
    }
    let past = whole(&bench).await;
    assert_eq!((past.len(), past[0].start), (70, first_minute() + 5 * MINUTE));
    assert!(past.windows(2).all(|two| two[0].start + MINUTE == two[1].start));
}

/// A clock that is years ahead, or behind, for some minutes costs as many, and what it left goes first.
pub async fn a_wrong_clock_costs_the_history_its_own_minutes_only(open: Open<'_>) {
    let bench = Bench::with(open, StoreLimits { keep_history: 70 * MINUTE, ..StoreLimits::default() });
    let record = async |count: u32| {
        for _ in 0..count {
            bench.submit(job("a")).await;
            sweep(&bench).await;
            bench.wait(MINUTE);
        }
    };
    record(70).await;
    let before = whole(&bench).await;
    let right = first_minute() + 70 * MINUTE;
    for wrong in [right + MINUTE * 5_000_000, Timestamp::from_millis(0)] {
        bench.clock.set(wrong);
        record(3).await;
        let past = whole(&bench).await;
        assert!(past.iter().filter(|minute| before.contains(minute)).count() >= 64, "{past:?}");
        assert_eq!(past.iter().map(|minute| minute.submitted).sum::<u64>(), 70);
    }
    bench.clock.set(right);
    record(10).await;
    let past = whole(&bench).await;
    assert_eq!(
        past.last().map(|minute| minute.start),
        Some(right + 9 * MINUTE),
        "what is far ahead went first"
    );
    assert!(past[0].start > Timestamp::from_millis(MINUTE.as_millis() as i64 * 3), "and what is far behind");
    // Back into a minute that is known: it is counted on, not begun anew.
    bench.clock.set(right);
    bench.submit(job("again")).await;
    let again = bench.store.history(right, right + MINUTE).await.expect("history");
    assert_eq!(again[0].submitted, 2);
}

/// Whatever moves a job into failure and out of it.
pub async fn failures_are_counted_by_their_reason(open: Open<'_>) {
    use FailureKind::{Crashed, StorageUnavailable, Undecodable};
    let bench = Bench::new(open);
    let once = |name| NewJob { limits: AttemptLimits { attempts: 1, crashes: 1 }, ..job(name) };
    let ids = bench.submit_all(vec![once("a"), once("b"), once("c"), once("d"), job("waits")]).await;
    let leased = bench.claim(bench.session().await, 5).await;
    bench.finish(leased[0].lease, damaged()).await;
    bench.finish(leased[1].lease, damaged()).await;
    bench.finish(leased[2].lease, unlucky(SECOND)).await;
    bench.finish(leased[4].lease, unlucky(SECOND)).await;
    bench.wait(MINUTE);
    sweep(&bench).await;
    let ended = bench.store.counts().await.expect("counts").ended;
    assert_eq!(ended, Ended { succeeded: 0, failed: 4, cancelled: 0 });
    assert_eq!(failures(&bench).await, [(Undecodable, 2), (StorageUnavailable, 1), (Crashed, 1)]);
    bench.store.retry(ids[0]).await.expect("retry");
    bench.store.retry(ids[0]).await.expect("retry");
    bench.store.retry(ids[3]).await.expect("retry");
    bench.store.cancel(ids[1]).await.expect("cancelling what has ended changes nothing");
    assert_eq!(failures(&bench).await, [(Undecodable, 1), (StorageUnavailable, 1)]);
    bench.store.delete(ids[1]).await.expect("delete");
    bench.wait(StoreLimits::default().keep_failed);
    sweep(&bench).await;
    assert_eq!(failures(&bench).await, []);
}
