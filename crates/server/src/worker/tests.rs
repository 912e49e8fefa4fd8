use std::io::Write;

use darkroom_core::{
    Clock, JobId, Operation, SystemClock,
    job::{AttemptEnd, FailureKind, Input, Job, NewJob, State},
    operation::Thumbnail,
    prediction::Answer,
    store::{Admin, Ledger, Notice, Page, PredictionFilter, Predictions, Queue, StoreLimits},
};
use darkroom_store::Memory;
use futures_util::StreamExt;
use tempfile::TempDir;

use super::*;
use crate::Config as Settings;

/// No job of these tests takes longer to change, unless the machine stands still.
const PATIENCE: Duration = Duration::from_mins(5);

/// A worker on a store in memory.
struct Shop {
    store: Arc<Memory>,
    parts: Parts,
    _folder: TempDir,
}

impl Shop {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Memory::new(StoreLimits::default(), Arc::new(SystemClock)));
        let mut config = Settings::default();
        config.worker.retry_base = Duration::ZERO;
        config.limits.streamed_pixels = 60_000 * 60_000;
        change(&mut config);
        let blobs = Blobs::open(folder.path()).unwrap();
        let sources = crate::runs::sources(&config, &blobs, folder.path());
        let parts = Parts {
            sources,
            store: Arc::clone(&store) as Arc<dyn Store>,
            predictor: Predictor::open(&config.models, folder.path(), None).unwrap(),
            blobs,
            clock: Arc::new(SystemClock),
            config,
            settings: Arc::default(),
        };
        Self { store, parts, _folder: folder }
    }

    fn work(&self) -> Worker {
        Worker::start(&self.parts, Arc::default()).unwrap()
    }

    async fn submit(&self, image: Vec<u8>, thumbnails: &[Thumbnail]) -> JobId {
        let stored = self.parts.blobs.put(image).await.unwrap();
        let media_type = "application/octet-stream".to_owned();
        let input = Input { blob: stored.id, bytes: stored.bytes, media_type, name: None, place: None };
        let operations = thumbnails.iter().cloned().map(Operation::Thumbnail).collect();
        self.submit_new(NewJob::new(SystemClock.now(), input, operations).unwrap()).await
    }

    async fn submit_new(&self, new: NewJob) -> JobId {
        let id = new.id;
        self.store.submit(vec![new]).await.unwrap();
        id
    }

    /// The job once it is as wished. Wakes by the store's notices.
    async fn until(&self, id: JobId, wish: impl Fn(&Job) -> bool) -> Job {
        let mut notices = self.store.watch();
        let look = async {
            loop {
                let job = self.store.job(id).await.unwrap().unwrap();
                if wish(&job) {
                    return job;
                }
                while !matches!(notices.next().await, Some(Notice::Job(other)) if other == id) {}
            }
        };
        let wished = tokio::time::timeout(PATIENCE, look).await;
        wished.expect("the job comes to be as it is waited for")
    }

    async fn end(&self, id: JobId) -> Job {
        self.until(id, |job| job.status.state.is_final()).await
    }
}

/// A grey PNG of one colour: small as a file, as much work as its pixels.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![128; (width * height) as usize]).unwrap();
    writer.finish().unwrap();
    bytes
}

/// So many pixels that the work is still going on when a test interferes, however fast the machine.
fn endless() -> Vec<u8> {
    bits(60_000)
}

/// A square PNG of one bit a pixel: the most work for its bytes.
fn bits(side: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().unwrap();
    let mut rows = writer.stream_writer().unwrap();
    for _ in 0..side {
        rows.write_all(&vec![0; side as usize / 8]).unwrap();
    }
    rows.finish().unwrap();
    writer.finish().unwrap();
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn one_job_gives_a_result_for_every_operation() {
    let shop = Shop::new(|_| {});
    let worker = shop.work();
    let cover = Thumbnail { name: Some("cover".to_owned()), ..Thumbnail::fit(50, 50) };
    let id = shop.submit(png(400, 200), &[Thumbnail::fit(100, 100), Thumbnail::fit(20, 20), cover]).await;
    let job = shop.end(id).await;
    assert_eq!(job.status.state, State::Succeeded, "{:?}", job.failure);
    let artifacts = job.results.iter().flat_map(|result| &result.artifacts);
    let names: Vec<&str> = artifacts.clone().map(|artifact| artifact.name.as_str()).collect();
    assert_eq!(names, ["thumbnail.jpg", "thumbnail-2.jpg", "cover.jpg"]);
    let widths: Vec<_> =
        job.results.iter().map(|result| result.document["width"].as_u64().unwrap()).collect();
    assert_eq!(widths, [100, 20, 50]);
    for artifact in artifacts {
        assert_eq!(shop.parts.blobs.get(artifact.blob).await.unwrap().bytes(), artifact.bytes);
    }
    worker.shutdown().await;
}

/// The time of the parts lies within that of the whole, whether or not there was a result.
#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_says_where_its_work_went() {
    let shop = Shop::new(|_| {});
    let worker = shop.work();
    let id = shop.submit(png(900, 900), &[Thumbnail::fit(300, 300), Thumbnail::fit(20, 20)]).await;
    let timings = shop.end(id).await.attempts[0].timings;
    assert!(timings.decode_us > 0 && timings.encode_us > 0, "{timings:?}");
    assert_eq!(timings.infer_us, 0, "no model was asked");
    assert!(timings.decode_us + timings.encode_us <= timings.work_us, "{timings:?}");
    let mut cut = png(900, 900);
    cut.truncate(cut.len() / 2);
    let damaged = shop.end(shop.submit(cut, &[Thumbnail::fit(300, 300)]).await).await;
    let attempt = &damaged.attempts[0];
    assert_eq!(attempt.end, AttemptEnd::Failed);
    assert!(attempt.timings.decode_us > 0 && attempt.timings.encode_us == 0, "{:?}", attempt.timings);
    assert!(attempt.timings.decode_us <= attempt.timings.work_us, "{:?}", attempt.timings);
    worker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_image_fails_at_once_and_for_good() {
    let shop = Shop::new(|_| {});
    let worker = shop.work();
    let id = shop.submit(b"These are not pixels.".to_vec(), &[Thumbnail::default()]).await;
    let job = shop.end(id).await;
    assert_eq!((job.status.state, job.attempts.len()), (State::Failed, 1));
    assert_eq!(job.failure.unwrap().kind, FailureKind::Undecodable);
    worker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_gone_fails_with_that_reason() {
    let shop = Shop::new(|_| {});
    let id = shop.submit(png(10, 10), &[Thumbnail::default()]).await;
    let blob = shop.store.job(id).await.unwrap().unwrap().input.blob;
    std::fs::remove_file(shop.parts.blobs.local_path(blob)).unwrap();
    let worker = shop.work();
    assert_eq!(shop.end(id).await.failure.unwrap().kind, FailureKind::InputMissing);
    worker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_needs_more_memory_than_there_is_is_refused() {
    let shop = Shop::new(|config| config.worker.memory = ByteSize(64 << 10));
    let worker = shop.work();
    let id = shop.submit(png(3_000, 3_000), &[Thumbnail::fit(2_000, 2_000)]).await;
    assert_eq!(shop.end(id).await.failure.unwrap().kind, FailureKind::LimitExceeded);
    worker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_takes_too_long_is_stopped_and_says_so() {
    let shop = Shop::new(|config| config.limits.decode_time = Duration::from_millis(50));
    let worker = shop.work();
    let id = shop.submit(endless(), &[Thumbnail::default()]).await;
    loop {
        let settled = |job: &Job| job.status.state.is_final() || job.status.state == State::Scheduled;
        let job = shop.until(id, settled).await;
        assert_eq!(job.failure.as_ref().unwrap().kind, FailureKind::TimedOut);
        if job.status.state == State::Failed {
            break;
        }
        // Other tests kept the processors busy: another attempt is due at once, which upkeep would notice.
        shop.store.sweep().await.unwrap();
        shop.until(id, |job| job.status.state != State::Scheduled).await;
    }
    worker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_job_stops_in_the_middle_of_its_pixels() {
    let shop = Shop::new(|_| {});
    let worker = shop.work();
    let id = shop.submit(endless(), &[Thumbnail::default()]).await;
    shop.until(id, |job| job.status.state == State::Running).await;
    shop.store.cancel(id).await.unwrap();
    let job = shop.end(id).await;
    assert_eq!((job.status.state, job.attempts[0].end), (State::Cancelled, AttemptEnd::Cancelled));
    worker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_a_shutdown_interrupts_gets_its_attempt_back() {
    let shop = Shop::new(|config| config.worker.drain = Duration::ZERO);
    let worker = shop.work();
    let id = shop.submit(endless(), &[Thumbnail::default()]).await;
    shop.until(id, |job| job.status.state == State::Running).await;
    worker.shutdown().await;
    let job = shop.store.job(id).await.unwrap().unwrap();
    assert_eq!((job.status.state, job.status.used, job.status.crashes), (State::Queued, 0, 0));
    assert_eq!(job.attempts[0].end, AttemptEnd::Interrupted);
    assert!(shop.store.workers().await.unwrap().is_empty(), "the session is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_session_is_lost_drops_its_work_and_goes_on_with_a_new_one() {
    let shop = Shop::new(|config| config.worker.poll_floor = Duration::from_millis(10));
    let worker = shop.work();
    let id = shop.submit(bits(20_000), &[Thumbnail::default()]).await;
    shop.until(id, |job| job.status.state == State::Running).await;
    shop.store.restart();
    // Something new to claim makes the worker meet the end of its session.
    let other = shop.submit(png(10, 10), &[Thumbnail::default()]).await;
    assert_eq!(shop.end(other).await.status.state, State::Succeeded);
    let job = shop.end(id).await;
    assert_eq!((job.status.state, job.attempts[0].end), (State::Succeeded, AttemptEnd::Lost));
    let lost = job.attempts.iter().filter(|attempt| attempt.end == AttemptEnd::Lost).count();
    assert_eq!(lost, 1, "{:?}", job.attempts);
    worker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_were_in_a_crash_are_worked_on_alone() {
    let shop = Shop::new(|_| {});
    let mut ids = Vec::new();
    for side in 10..20 {
        ids.push(shop.submit(png(side, side), &[Thumbnail::default()]).await);
    }
    // A worker that vanishes with four of them.
    let info =
        darkroom_core::store::WorkerInfo { host: String::new(), pid: 1, version: String::new(), slots: 4 };
    let session = shop.store.open_session(info).await.unwrap();
    assert_eq!(shop.store.claim(session, 4).await.unwrap().len(), 4);
    shop.store.restart();
    let worker = shop.work();
    let mut alone = 0;
    for id in ids {
        let job = shop.end(id).await;
        assert_eq!(job.status.state, State::Succeeded);
        // Claimed among others it is given back, and claimed once more alone.
        alone += usize::from(job.attempts.iter().any(|attempt| attempt.end == AttemptEnd::Interrupted));
    }
    assert_eq!(alone, 4);
    worker.shutdown().await;
}

/// Whether each result was remembered.
fn cached(job: &Job) -> Vec<bool> {
    assert_eq!(job.status.state, State::Succeeded, "{:?}", job.failure);
    job.results.iter().map(|result| result.cached).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_remembered_is_not_worked_out_and_is_called_as_this_job_says() {
    let shop = Shop::new(|_| {});
    let worker = shop.work();
    let cover = Thumbnail { name: Some("cover".to_owned()), ..Thumbnail::fit(50, 50) };
    let first = shop.submit(png(400, 200), &[Thumbnail::fit(50, 50)]).await;
    let first = shop.end(first).await;
    let second = shop.submit(png(400, 200), &[Thumbnail::fit(20, 20), cover, Thumbnail::fit(50, 50)]).await;
    let second = shop.end(second).await;
    assert_eq!((cached(&first), cached(&second)), (vec![false], vec![false, true, true]));
    let artifacts: Vec<_> = second.results.iter().flat_map(|result| &result.artifacts).collect();
    let names: Vec<&str> = artifacts.iter().map(|artifact| artifact.name.as_str()).collect();
    assert_eq!(names, ["thumbnail.jpg", "cover.jpg", "thumbnail-2.jpg"]);
    assert_eq!(second.results[1].document["artifact"], "cover.jpg");
    let made = &first.results[0].artifacts[0];
    assert!(artifacts[1..].iter().all(|same| same.blob == made.blob && same.bytes == made.bytes));
    worker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remembered_result_whose_blob_is_gone_is_worked_out_again() {
    let shop = Shop::new(|_| {});
    let worker = shop.work();
    let first = shop.submit(png(400, 200), &[Thumbnail::fit(50, 50)]).await;
    let blob = shop.end(first).await.results[0].artifacts[0].blob;
    std::fs::remove_file(shop.parts.blobs.local_path(blob)).unwrap();
    let second = shop.submit(png(400, 200), &[Thumbnail::fit(50, 50)]).await;
    let second = shop.end(second).await;
    assert_eq!((cached(&second), second.results[0].artifacts[0].blob), (vec![false], blob));
    assert!(shop.parts.blobs.get(blob).await.is_ok(), "no row without its blob");
    worker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_none_is_a_prediction_that_failed() {
    let shop = Shop::new(|_| {});
    let worker = shop.work();
    let stored = shop.parts.blobs.put(b"no picture".to_vec()).await.unwrap();
    let media_type = "image/png".to_owned();
    let input = Input { blob: stored.id, bytes: stored.bytes, media_type, name: None, place: None };
    let operations = vec![
        Operation::Thumbnail(Thumbnail::fit(9, 9)),
        Operation::Digit(darkroom_core::operation::Digit::default()),
    ];
    let id = shop.submit_new(NewJob::new(SystemClock.now(), input, operations).unwrap()).await;
    assert_eq!(shop.end(id).await.failure.unwrap().kind, FailureKind::Undecodable);
    let page = Page { limit: 10, before: None };
    let entries = shop.store.predictions(PredictionFilter::default(), page).await.unwrap();
    let [logged] = &entries[..] else { panic!("a thumbnail asks no model: {entries:?}") };
    assert_eq!((logged.entry.job, logged.entry.input), (Some(id), Some(stored.id)));
    assert_eq!(logged.entry.model.as_ref().map(|model| model.name.as_str()), Some("digits"));
    assert!(matches!(&logged.entry.answer, Answer::Failed { code, .. } if code == "undecodable"));
    worker.shutdown().await;
}
