//! What the inference log costs: writing, bytes an entry, and questions that have to walk through all of it.
//! `benches/store/predictions` builds and runs this.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints a table, or stops")]

use std::{path::Path, sync::Arc, time::Instant};

use darkroom_core::{
    BlobId, Clock as _, SystemClock,
    job::FileName,
    prediction::{Answer, AskedModel, Best, Ending, NewPrediction, Surface},
    store::{Page, PredictionFilter, Predictions as _, StoreLimits},
};
use darkroom_store::Sqlite;

/// Entries of the log that is asked.
const ENTRIES: usize = 1_000_000;

fn main() {
    let entries = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(ENTRIES);
    let folder = tempfile::tempdir_in(std::env::var("TMPDIR").unwrap_or_else(|_| ".".to_owned())).unwrap();
    let path = folder.path().join("log.db");
    let store = Sqlite::open(&path, StoreLimits::default(), Arc::new(SystemClock)).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(write(&store, (&path, entries)));
    runtime.block_on(ask(&store));
}

/// What the digit service logs of an answer, and the classifier with a file's name.
fn entry(number: usize) -> NewPrediction {
    let (version, digest) = (Some("1".to_owned()), Some("d".repeat(64)));
    NewPrediction {
        at: SystemClock.now(),
        surface: if number.is_multiple_of(2) { Surface::Digit } else { Surface::Predict },
        operation: if number.is_multiple_of(2) { "digit" } else { "classify" }.to_owned(),
        model: Some(AskedModel { name: "resnet50".to_owned(), version, digest }),
        owner: format!("user{}", number % 100).parse().unwrap(),
        job: None,
        file_name: (number % 2 == 1).then(|| FileName::clean(&format!("IMG_{number:06}.jpg")).unwrap()),
        input: Some(BlobId::of(&number.to_le_bytes())),
        answer: Answer::Given(Some(Best {
            class: 207,
            label: Some("golden retriever".to_owned()),
            score: 0.913,
        })),
        took_us: 23_456,
        model_us: Some(21_000),
        cached: false,
    }
}

async fn write(store: &Sqlite, (path, entries): (&Path, usize)) {
    for batch in [1, 16, 512] {
        let rounds = (entries / 2 / batch).min(if batch == 1 { 500 } else { entries });
        let (began, cpu) = (Instant::now(), cpu_us());
        for round in 0..rounds {
            store.record((0..batch).map(|n| entry(round * batch + n)).collect()).await.unwrap();
        }
        let (count, spent) = ((rounds * batch) as f64, cpu_us() - cpu);
        let rate = count / began.elapsed().as_secs_f64();
        println!(
            "written {batch:>4} at a time: {rate:>9.0} entries/s, {:>5.1} us CPU an entry",
            spent / count
        );
    }
    let already = newest(store).await;
    for first in (already..entries).step_by(10_000) {
        store.record((first..(first + 10_000).min(entries)).map(entry).collect()).await.unwrap();
    }
    let bytes = path.metadata().unwrap().len() as f64 / newest(store).await as f64;
    println!("{} entries, {bytes:.0} bytes each", newest(store).await);
}

async fn newest(store: &Sqlite) -> usize {
    let page = Page { limit: 1, before: None };
    let found = store.predictions(PredictionFilter::default(), page).await.unwrap();
    found.first().map_or(0, |newest| newest.seq as usize)
}

async fn ask(store: &Sqlite) {
    let default = PredictionFilter::default;
    let nowhere = "no such".to_owned();
    let questions = [
        ("the newest 100", default()),
        ("an owner's newest 100", PredictionFilter { owner: Some("user7".parse().unwrap()), ..default() }),
        ("an owner without any", PredictionFilter { owner: Some("nobody".parse().unwrap()), ..default() }),
        ("a label without any", PredictionFilter { label: Some(nowhere.clone()), ..default() }),
        ("a model without any", PredictionFilter { model: Some(nowhere), ..default() }),
        ("failures, of which there are none", PredictionFilter { ending: Some(Ending::Failed), ..default() }),
    ];
    for (what, filter) in questions {
        let began = Instant::now();
        let page = Page { limit: 100, before: None };
        let found = store.predictions(filter, page).await.unwrap().len();
        println!("{what}: {found} in {:.1} ms", began.elapsed().as_secs_f64() * 1e3);
    }
}

/// Processor time of this process so far, in microseconds, in steps of 10 ms.
fn cpu_us() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = text.rsplit(") ").next().unwrap().split(' ').skip(11).take(2);
    fields.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() * 10_000.0
}
