//! A dataset through power cuts, restarts and workers that come back from the dead, over HTTP: the counts are exact, and
//! the sum is the one of a single undisturbed worker, bit by bit.
//!
//! Several servers go through it beside each other, for a worker stands still for longer than its lease, and that is
//! longer than all the rest takes. `DARKROOM_TEST_SEED` repeats the order of what befalls them.

use std::{
    fs,
    hash::{BuildHasher as _, Hasher as _},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use darkroom_api::{ArchivePlace, Client, FolderDepth, Run, RunAggregate, RunRequest, RunSource, RunState};
use darkroom_core::{
    Operation,
    operation::Digit,
    run::{AggregateSpec, OnError},
    store::SESSION_TTL,
};
use futures_util::TryStreamExt as _;
use tempfile::TempDir;

use crate::{
    binary::{Server, run_until, write},
    photographs,
};

/// Images of the dataset.
const IMAGES: u64 = 1_000;

/// Servers that work through it, each with misfortunes of its own.
const SERVERS: u64 = 4;

/// What befalls each of them, in an order of its own: 24 rounds in all.
const BLOWS: [Blow; 6] =
    [Blow::PowerCut, Blow::PowerCut, Blow::PowerCut, Blow::PowerCut, Blow::Shutdown, Blow::Standstill];

/// Images between two blows at least. What was in work when a worker died is worked on first and alone: after so many,
/// none of it is left, and no image dies of three blows in a row.
const IMAGES_BETWEEN_BLOWS: u64 = 40;

/// Nothing here takes longer, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_mins(10);

#[derive(Debug, Clone, Copy)]
enum Blow {
    PowerCut,
    Shutdown,
    /// The process stands still for longer than its lease, with a driver, workers and outcomes in the middle of their
    /// work, and goes on as if nothing had been.
    Standstill,
}

/// Where a server begins, and what it finds.
struct Stage {
    place: TempDir,
    runtime: PathBuf,
}

/// What a run came to, as its clients see it.
#[derive(Debug, PartialEq)]
struct Came {
    counted: [u64; 6],
    bytes: u64,
    paths: Vec<String>,
    gathered: Vec<RunAggregate>,
}

#[test]
fn a_run_over_http_comes_to_the_same_sum_through_kills_and_standstills() {
    let Some(runtime) = photographs::runtime() else { return };
    let stage = Stage { place: in_memory(), runtime };
    let photos = stage.dataset();
    let seed = seed();
    eprintln!("DARKROOM_TEST_SEED={seed}");
    std::thread::scope(|threads| {
        let undisturbed = threads.spawn(|| block_on(work(&stage, &photos, None)));
        let disturbed: Vec<_> = (0..SERVERS)
            .map(|number| {
                let (stage, photos) = (&stage, &photos);
                threads.spawn(move || block_on(work(stage, photos, Some(Fate::new(seed, number)))))
            })
            .collect();
        let expected = undisturbed.join().unwrap();
        assert_eq!(expected.counted, [IMAGES, IMAGES, 0, 0, 0, IMAGES]);
        assert_eq!(expected.gathered[0].count, IMAGES);
        for came in disturbed {
            assert_eq!(came.join().unwrap(), expected);
        }
    });
}

/// One server from the first image to the last: by one worker without any disturbance, or through what fate holds.
async fn work(stage: &Stage, photos: &Path, fate: Option<Fate>) -> Came {
    let data = in_memory();
    let slots = if fate.is_some() { "2" } else { "1" };
    let mut server = stage.server(data.path(), slots);
    let id = Client::new(&server.url).unwrap().make_run(&request(photos, fate.as_ref())).await.unwrap().id;
    if let Some(mut fate) = fate {
        for (left, blow) in (1..=BLOWS.len() as u64).rev().zip(fate.blows()) {
            let done = succeeded(&server, &id).await;
            // However late each look is: there is to be something left for every blow.
            let spare = (IMAGES - done).saturating_sub(left * 2 * IMAGES_BETWEEN_BLOWS);
            let goal = done + IMAGES_BETWEEN_BLOWS + fate.below(60.min(spare).max(1));
            let run = until(&server, &id, |run| run.counts.succeeded >= goal).await;
            assert!(!run.state.is_final(), "the run was over before {blow:?}: nothing was disturbed");
            server = befall(blow, server, || stage.server(data.path(), slots)).await;
        }
    }
    until(&server, &id, |run| run.state.is_final()).await;
    came(&server, &id).await
}

async fn befall(blow: Blow, mut server: Server, start: impl Fn() -> Server) -> Server {
    match blow {
        Blow::PowerCut => {
            server.kill();
            start()
        }
        Blow::Shutdown => {
            server.signal("TERM");
            assert_eq!(server.ended().code(), Some(0));
            start()
        }
        Blow::Standstill => {
            let before = session(&server).await;
            server.signal("STOP");
            // Not a wait for something: this time is what the worker is late by.
            tokio::time::sleep(SESSION_TTL + Duration::from_secs(1)).await;
            server.signal("CONT");
            let mut looks = tokio::time::interval(Duration::from_millis(20));
            let replaced = async {
                while session(&server).await.is_none_or(|now| Some(now) == before) {
                    looks.tick().await;
                }
            };
            tokio::time::timeout(PATIENCE, replaced).await.expect("the worker gets another session");
            server
        }
    }
}

/// The session that the server's worker has now.
async fn session(server: &Server) -> Option<String> {
    let workers = Client::new(&server.url).unwrap().workers().await.unwrap().workers;
    workers.into_iter().next().map(|worker| worker.session)
}

async fn succeeded(server: &Server, id: &str) -> u64 {
    Client::new(&server.url).unwrap().run(id).await.unwrap().counts.succeeded
}

/// The run once `wish` is fulfilled. Until then nothing of it fails.
async fn until(server: &Server, id: &str, wish: impl Fn(&Run) -> bool) -> Run {
    let is_so = |run: &Run| {
        assert_eq!((run.counts.failed, run.counts.cancelled), (0, 0), "{:?}", run.failures);
        wish(run)
    };
    run_until(&Client::new(&server.url).unwrap(), id, is_so).await
}

async fn came(server: &Server, id: &str) -> Came {
    let client = Client::new(&server.url).unwrap();
    let run = client.run(id).await.unwrap();
    assert_eq!((run.state, run.stop), (RunState::Succeeded, None));
    let operations = client.stats().await.unwrap().operations;
    let counted = operations.iter().find(|counted| counted.operation == "digit").unwrap().succeeded;
    let lines: Vec<_> = client.run_results(id).await.unwrap().try_collect().await.unwrap();
    let path = |line: &[u8]| {
        serde_json::from_slice::<serde_json::Value>(line).unwrap()["path"].as_str().unwrap().to_owned()
    };
    let lines = lines.concat();
    let paths = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(path).collect();
    let counts = run.counts;
    Came {
        counted: [run.total, counts.succeeded, counts.queued, counts.running, counts.scheduled, counted],
        bytes: run.bytes,
        paths,
        gathered: client.aggregates(id).await.unwrap().aggregates,
    }
}

/// Every second server reads the images from an archive, the others from the folder.
fn request(photos: &Path, fate: Option<&Fate>) -> RunRequest {
    let path = photos.to_str().unwrap().to_owned();
    let source = if fate.is_some_and(|fate| fate.number % 2 == 1) {
        RunSource::Archive { at: ArchivePlace::File(format!("{path}.tar")), checksum: None }
    } else {
        RunSource::Folder { path, depth: FolderDepth::All, include: Vec::new(), exclude: Vec::new() }
    };
    let gathered =
        r#"[{"pointer":"/scores","kind":"mean","dimensions":10},{"pointer":"/digit","kind":"counts"}]"#;
    let gathered: Vec<AggregateSpec> = serde_json::from_str(gathered).unwrap();
    RunRequest {
        name: None,
        source,
        operations: vec![Operation::Digit(Digit::default())],
        aggregates: Some(gathered),
        on_error: OnError::Continue,
        queue: None,
        high_water: Some(150),
        cache: None,
    }
}

impl Stage {
    /// A thousand small images, each different from the others, and an archive of them in the same order.
    fn dataset(&self) -> PathBuf {
        let photos = self.place.path().join("photos");
        for number in 0..IMAGES as u32 {
            write(&photos, &format!("{:02}/{number:04}.png", number / 100), &drawing(u64::from(number)));
        }
        let mut names: Vec<String> = (0..IMAGES).map(|n| format!("{:02}/{n:04}.png", n / 100)).collect();
        names.sort();
        let list = self.place.path().join("names");
        fs::write(&list, names.join("\n")).unwrap();
        let mut tar = Command::new("tar");
        tar.arg("-cf").arg(photos.with_extension("tar")).arg("-C").arg(&photos).arg("-T").arg(&list);
        assert!(tar.status().unwrap().success());
        photos
    }

    fn server(&self, data: &Path, slots: &str) -> Server {
        let settings = [
            ("DARKROOM__SOURCES__ROOTS", self.place.path().to_str().unwrap()),
            ("DARKROOM__MODELS__RUNTIME", self.runtime.to_str().unwrap()),
            ("DARKROOM__WORKER__SLOTS", slots),
            ("DARKROOM__WORKER__AHEAD", "6"),
        ];
        Server::start(data, &settings)
    }
}

/// What a child might take for a digit: a bright line that wanders over a dark ground.
fn drawing(number: u64) -> Vec<u8> {
    const SIDE: usize = 28;
    let mut fate = Fate::new(1, number);
    let mut pixels = [0_u8; SIDE * SIDE];
    let (mut x, mut y) = (14, 14);
    for _ in 0..60 {
        for (right, down) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            pixels[(y + down) * SIDE + x + right] = 255;
        }
        x = (x + fate.below(3) as usize).clamp(5, 23) - 1;
        y = (y + fate.below(3) as usize).clamp(5, 23) - 1;
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    bytes
}

/// What befalls one server.
struct Fate {
    state: u64,
    number: u64,
}

impl Fate {
    fn new(seed: u64, number: u64) -> Self {
        // Neighbours begin far from each other, and never at nothing.
        Self { state: (seed ^ (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1, number }
    }

    /// Xorshift (Marsaglia, 2003).
    fn below(&mut self, bound: u64) -> u64 {
        for shift in [13, -7, 17_i32] {
            self.state ^= if shift > 0 { self.state << shift } else { self.state >> -shift };
        }
        self.state % bound
    }

    fn blows(&mut self) -> [Blow; BLOWS.len()] {
        let mut blows = BLOWS;
        for place in (1..blows.len()).rev() {
            blows.swap(place, self.below(place as u64 + 1) as usize);
        }
        blows
    }
}

fn seed() -> u64 {
    let given = std::env::var("DARKROOM_TEST_SEED").ok();
    given.map_or_else(|| std::hash::RandomState::new().build_hasher().finish(), |seed| seed.parse().unwrap())
}

/// Killing a process takes nothing from the disk: a folder in memory, where there is one, spares the time of its syncs.
fn in_memory() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
