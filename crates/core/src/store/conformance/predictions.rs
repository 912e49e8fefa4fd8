//! The inference log: what is recorded is listed, once, for as long as it is kept.

use std::time::Duration;

use super::{
    Open,
    fixture::{Bench, NOON, damaged, job, prediction, success},
};
use crate::{
    Timestamp,
    job::{Outcome, Timings},
    prediction::{Answer, AskedModel, Ending, NewPrediction, Prediction, Surface},
    store::{
        Beside, Lease, MAX_BATCH, MAX_FORGOTTEN, Page, PredictionFilter, Settled, Settlement, StoreError,
        StoreLimits,
    },
};

const HOUR: Duration = Duration::from_hours(1);

async fn listed(bench: &Bench, filter: PredictionFilter) -> Vec<Prediction> {
    bench.store.predictions(filter, Page { limit: 1_000, before: None }).await.expect("list")
}

async fn labels(bench: &Bench, filter: PredictionFilter) -> Vec<String> {
    let label = |logged: Prediction| match logged.entry.answer {
        Answer::Given(best) => best.and_then(|best| best.label).unwrap_or_default(),
        Answer::Failed { code, .. } => code,
    };
    listed(bench, filter).await.into_iter().map(label).collect()
}

fn failed(code: &str) -> NewPrediction {
    NewPrediction {
        model: None,
        file_name: None,
        input: None,
        model_us: None,
        answer: Answer::failed(code, "It did not work."),
        ..prediction("ann", "")
    }
}

/// Every field of them, newest first, page by page.
pub async fn predictions_are_listed_as_they_were_recorded(open: Open<'_>) {
    let bench = Bench::new(open);
    let unknown = AskedModel { name: "no-such".to_owned(), version: Some("3".to_owned()), digest: None };
    let entries = vec![
        prediction("ann", "7"),
        failed("not_an_image"),
        NewPrediction {
            job: Some(crate::JobId::new(NOON)),
            surface: Surface::Job,
            cached: true,
            ..prediction("bob", "golden retriever")
        },
        NewPrediction { model: Some(unknown), ..failed("unknown_model") },
        NewPrediction { answer: Answer::Given(None), ..prediction("ann", "") },
    ];
    bench.store.record(entries[..3].to_vec()).await.expect("record");
    bench.store.record(entries[3..].to_vec()).await.expect("record");
    bench.store.record(Vec::new()).await.expect("nothing is no mistake");
    let newest_first: Vec<NewPrediction> = entries.into_iter().rev().collect();
    let all = listed(&bench, PredictionFilter::default()).await;
    assert!(all.windows(2).all(|two| two[0].seq > two[1].seq));
    assert_eq!(all.iter().map(|logged| logged.entry.clone()).collect::<Vec<_>>(), newest_first);
    let mut paged = Vec::new();
    let mut before = None;
    loop {
        let page = Page { limit: 2, before };
        let part = bench.store.predictions(PredictionFilter::default(), page).await.expect("list");
        let Some(last) = part.last() else { break };
        before = Some(last.seq);
        paged.extend(part);
    }
    assert_eq!(paged, all);
    let too_many = vec![failed("x"); MAX_BATCH + 1];
    assert!(matches!(bench.store.record(too_many).await, Err(StoreError::BatchTooLarge)));
    assert_eq!(listed(&bench, PredictionFilter::default()).await.len(), 5);
}

/// As [`PredictionFilter::shows`] says, alone and together.
pub async fn every_filter_of_predictions_narrows_as_it_says(open: Open<'_>) {
    let bench = Bench::new(open);
    let mut entries = Vec::new();
    for number in 0..60_u64 {
        let model = AskedModel {
            name: format!("m{}", number % 3),
            version: (number % 4 > 0).then(|| format!("{}", number % 2)),
            digest: (number % 4 > 1).then(|| "d".to_owned()),
        };
        let base = prediction(if number % 5 == 0 { "ann" } else { "bob" }, &format!("{}", number % 6));
        entries.push(NewPrediction {
            at: NOON + Duration::from_secs(number),
            surface: Surface::ALL[number as usize % Surface::ALL.len()],
            model: (number % 7 > 0).then_some(model),
            answer: if number % 8 == 0 {
                Answer::failed("overloaded", "Later.")
            } else {
                base.answer.clone()
            },
            ..base
        });
    }
    bench.store.record(entries.clone()).await.expect("record");
    let default = PredictionFilter::default;
    let text = |text: &str| Some(text.to_owned());
    let filters = vec![
        PredictionFilter { model: text("m1"), ..default() },
        PredictionFilter { model: text("M1"), ..default() },
        PredictionFilter { version: text("1"), ..default() },
        PredictionFilter { model: text("m2"), version: text("0"), ..default() },
        PredictionFilter { surface: Some(Surface::Infer), ..default() },
        PredictionFilter { ending: Some(Ending::Failed), ..default() },
        PredictionFilter { ending: Some(Ending::Answered), label: text("3"), ..default() },
        PredictionFilter { label: text("no such label"), ..default() },
        PredictionFilter { owner: Some("ann".parse().expect("owner")), ..default() },
        PredictionFilter { owner: Some("nobody".parse().expect("owner")), ..default() },
        PredictionFilter {
            since: Some(NOON + Duration::from_secs(10)),
            until: Some(NOON + Duration::from_secs(20)),
            ..default()
        },
    ];
    for filter in filters {
        let shown = entries.iter().rev().filter(|entry| filter.shows(entry)).cloned().collect::<Vec<_>>();
        let found = listed(&bench, filter.clone()).await;
        assert_eq!(found.into_iter().map(|logged| logged.entry).collect::<Vec<_>>(), shown, "{filter:?}");
    }
}

async fn settle(bench: &Bench, lease: Lease, outcome: Outcome, label: &str) -> Settled {
    let beside = Beside { predictions: vec![prediction("ann", label)], ..Beside::default() };
    let settlement = Settlement { lease, outcome, timings: Timings::default(), beside };
    bench.store.settle(vec![settlement]).await.expect("settle")[0]
}

/// With the outcome: not if that is stale, and not again if it is reported again. A failure is logged as well.
pub async fn a_settlement_logs_its_predictions_once(open: Open<'_>) {
    let bench = Bench::new(open);
    bench.submit_all(vec![job("a"), job("b")]).await;
    let gone = bench.session().await;
    let old = bench.claim_one(gone).await;
    bench.store.close_session(gone).await.expect("close");
    assert_eq!(settle(&bench, old, success("t"), "late").await, Settled::Stale);
    let session = bench.session().await;
    let (first, second) = (bench.claim_one(session).await, bench.claim_one(session).await);
    assert_eq!(settle(&bench, first, success("t"), "good").await, Settled::Accepted);
    assert_eq!(settle(&bench, first, success("t"), "good").await, Settled::Stale);
    assert_eq!(settle(&bench, second, damaged(), "bad").await, Settled::Accepted);
    assert_eq!(labels(&bench, PredictionFilter::default()).await, ["bad", "good"]);
}

/// The log is no part of the job: it is bounded by its own retention.
pub async fn a_job_that_is_deleted_leaves_its_predictions(open: Open<'_>) {
    let bench = Bench::new(open);
    let id = bench.submit(job("a")).await;
    let lease = bench.claim_one(bench.session().await).await;
    settle(&bench, lease, success("t"), "7").await;
    bench.store.delete(id).await.expect("delete");
    assert_eq!(labels(&bench, PredictionFilter::default()).await, ["7"]);
}

/// Not a moment longer, and to the moment.
pub async fn predictions_are_kept_for_their_time(open: Open<'_>) {
    let bench = Bench::with(open, StoreLimits { keep_predictions: HOUR, ..StoreLimits::default() });
    let at = |at: Timestamp, label: &str| NewPrediction { at, ..prediction("ann", label) };
    let half = Duration::from_mins(30);
    let entries = vec![at(NOON, "old"), at(NOON, "as old"), at(NOON + half, "young")];
    bench.store.record(entries).await.expect("record");
    bench.wait(HOUR.saturating_sub(Duration::from_millis(1)));
    assert_eq!(bench.store.sweep().await.expect("sweep").predictions, 0);
    bench.wait(Duration::from_millis(1));
    assert_eq!(bench.store.sweep().await.expect("sweep").predictions, 2);
    assert_eq!(labels(&bench, PredictionFilter::default()).await, ["young"]);
    bench.wait(HOUR);
    assert_eq!(bench.store.sweep().await.expect("sweep").predictions, 1);
    assert!(listed(&bench, PredictionFilter::default()).await.is_empty());
    bench.store.record(vec![prediction("ann", "new")]).await.expect("record");
    assert_eq!(listed(&bench, PredictionFilter::default()).await[0].seq, 4, "no number is given twice");
}

/// The newest ones.
pub async fn predictions_are_kept_up_to_their_number(open: Open<'_>) {
    let bench = Bench::with(open, StoreLimits { max_predictions: 3, ..StoreLimits::default() });
    let entries = ["1", "2", "3", "4", "5"].map(|label| prediction("ann", label)).to_vec();
    bench.store.record(entries).await.expect("record");
    assert_eq!(bench.store.sweep().await.expect("sweep").predictions, 2);
    assert_eq!(labels(&bench, PredictionFilter::default()).await, ["5", "4", "3"]);
    assert_eq!(bench.store.sweep().await.expect("sweep").predictions, 0);
}

/// The rest waits for the next one.
pub async fn a_sweep_forgets_a_bounded_number_of_predictions(open: Open<'_>) {
    let bench = Bench::with(open, StoreLimits { max_predictions: 1, ..StoreLimits::default() });
    let plenty = vec![prediction("ann", "7"); MAX_BATCH];
    bench.store.record(plenty).await.expect("record");
    bench.store.record(vec![prediction("ann", "8"); 5]).await.expect("record");
    assert_eq!(bench.store.sweep().await.expect("sweep").predictions, MAX_FORGOTTEN as u64);
    assert_eq!(bench.store.sweep().await.expect("sweep").predictions, 4);
}
