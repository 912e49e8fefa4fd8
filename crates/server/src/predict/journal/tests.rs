use darkroom_core::{
    SystemClock, Timestamp,
    job::Owner,
    prediction::{Answer, Surface},
    store::{Page, PredictionFilter, Predictions as _, StoreLimits},
};
use darkroom_store::Memory;
use tempfile::TempDir;

use super::*;
use crate::{Config, blobs::Blobs, predict::Predictor};

struct Desk {
    store: Arc<Memory>,
    metrics: Arc<Metrics>,
    journal: Journal,
    task: JournalTask,
    _folder: TempDir,
}

impl Desk {
    fn new(change: impl FnOnce(&mut JournalConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Memory::new(StoreLimits::default(), Arc::new(SystemClock)));
        let mut config = Config::default();
        change(&mut config.predictions);
        let blobs = Blobs::open(folder.path().join("blobs")).unwrap();
        let parts = Parts {
            store: Arc::clone(&store) as Arc<dyn Store>,
            sources: crate::runs::sources(&config, &blobs, folder.path()),
            blobs,
            predictor: Predictor::open(&config.models, folder.path(), None).unwrap(),
            clock: Arc::new(SystemClock),
            config,
            settings: Arc::default(),
        };
        let metrics = Arc::new(Metrics::default());
        let (journal, task) = Journal::start(&parts, Arc::clone(&metrics));
        Self { store, metrics, journal, task, _folder: folder }
    }

    async fn logged(&self) -> usize {
        let page = Page { limit: 1_000, before: None };
        self.store.predictions(PredictionFilter::default(), page).await.unwrap().len()
    }
}

fn entry() -> NewPrediction {
    NewPrediction {
        at: Timestamp::from_millis(1),
        surface: Surface::Infer,
        operation: "infer".to_owned(),
        model: None,
        owner: Owner::default(),
        job: None,
        file_name: None,
        input: None,
        answer: Answer::Given(None),
        took_us: 1,
        model_us: None,
        cached: false,
    }
}

#[tokio::test]
async fn whoever_reads_sees_what_was_noted_before() {
    let desk = Desk::new(|config| config.flush = Duration::from_secs(50));
    for _ in 0..3 {
        desk.journal.note(entry()).await;
    }
    desk.journal.flushed().await;
    assert_eq!(desk.logged().await, 3);
    desk.task.shutdown().await;
}

#[tokio::test]
async fn a_shutdown_writes_what_waits() {
    let desk = Desk::new(|config| config.flush = Duration::from_secs(50));
    for _ in 0..700 {
        desk.journal.note(entry()).await;
    }
    let Desk { store, journal, task, metrics, .. } = desk;
    task.shutdown().await;
    let page = Page { limit: 1_000, before: None };
    assert_eq!(store.predictions(PredictionFilter::default(), page).await.unwrap().len(), 700);
    journal.note(entry()).await;
    assert_eq!(metrics.unlogged.get(), 1, "nothing is lost silently");
}

#[tokio::test]
async fn full_batches_do_not_wait_for_the_time() {
    let flush = Duration::from_secs(50);
    let desk = Desk::new(|config| config.flush = flush);
    for _ in 0..BATCH {
        desk.journal.note(entry()).await;
    }
    let written = async {
        while desk.logged().await < BATCH {
            tokio::task::yield_now().await;
        }
    };
    timeout(flush / 2, written).await.expect("a full batch is written before its time");
    desk.task.shutdown().await;
}

#[tokio::test]
async fn an_answer_waits_for_room_and_not_for_ever() {
    let desk = Desk::new(|config| config.waiting = 2);
    // The recorder runs in this thread, too: until this test waits, it takes nothing.
    desk.journal.note(entry()).await;
    desk.journal.note(entry()).await;
    assert_eq!(desk.metrics.unlogged.get(), 0);
    desk.journal.note(entry()).await;
    desk.journal.flushed().await;
    assert_eq!((desk.logged().await, desk.metrics.unlogged.get()), (3, 0), "it has waited for room");
    let Desk { journal, metrics, task, .. } = desk;
    task.task.abort();
    let _ = task.task.await;
    journal.note(entry()).await;
    assert_eq!(metrics.unlogged.get(), 1);
}

#[tokio::test]
async fn a_log_that_is_switched_off_counts_and_writes_nothing() {
    let desk = Desk::new(|config| config.enabled = false);
    desk.journal.note(entry()).await;
    desk.journal.flushed().await;
    assert_eq!(desk.logged().await, 0);
    let line = r#"darkroom_predictions_total{ending="answered",surface="infer"} 1"#;
    assert!(desk.metrics.render().contains(line), "{}", desk.metrics.render());
    desk.task.shutdown().await;
}

#[test]
fn limits_that_make_no_sense_are_told() {
    let config = JournalConfig {
        flush: Duration::ZERO,
        waiting: 0,
        patience: Duration::MAX,
        ..JournalConfig::default()
    };
    let keys: Vec<String> = config.validate().into_iter().map(|mistake| mistake.key).collect();
    assert_eq!(keys, ["predictions.flush", "predictions.waiting", "predictions.patience"]);
    assert_eq!(JournalConfig::default().validate(), []);
}
