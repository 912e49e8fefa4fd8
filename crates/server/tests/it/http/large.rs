//! Uploads larger than memory should hold.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use darkroom_api::{Code, client::Upload};
use darkroom_core::{Operation, operation::Thumbnail};
use darkroom_server::config::ByteSize;
use futures_util::stream;

use super::{
    app::{App, refused, wait},
    images,
};

/// Bytes of the upload.
const SIZE: usize = 600 << 20;

/// Resident bytes of the process may grow by this much, whatever is uploaded.
const GROWTH: u64 = 200 << 20;

/// Set for the process that does the upload and nothing else: what other tests take meanwhile is not to count.
const ALONE: &str = "DARKROOM_TEST_ALONE";

/// Resident bytes of this process (Linux, proc(5)).
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// Keeps the highest that was seen, looking every few milliseconds.
async fn watch(highest: Arc<AtomicU64>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    loop {
        ticks.tick().await;
        highest.fetch_max(resident(), Ordering::Relaxed);
    }
}

/// A small image, and behind its end as much as it takes, chunk by chunk.
fn padded(size: usize) -> reqwest::Body {
    const CHUNK: usize = 1 << 20;
    let image = Bytes::from(images::png(64, 64));
    let zeros = Bytes::from(vec![0; CHUNK]);
    let rest = size / CHUNK;
    let chunks = (0..=rest)
        .map(move |index| Ok::<_, std::io::Error>(if index == 0 { image.clone() } else { zeros.clone() }));
    reqwest::Body::wrap_stream(stream::iter(chunks))
}

#[test]
fn hundreds_of_megabytes_pass_through_a_few() {
    if std::env::var_os(ALONE).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        return runtime.block_on(upload_much());
    }
    let (_, name) =
        std::any::type_name_of_val(&hundreds_of_megabytes_pass_through_a_few).split_once("::").unwrap();
    let mut alone = Command::new(std::env::current_exe().unwrap());
    let told = alone.args(["--exact", name, "--nocapture"]).env(ALONE, "1").output().unwrap();
    let [out, err] = [told.stdout, told.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(told.status.success() && out.contains("1 passed"), "{out}{err}");
}

async fn upload_much() {
    let app = App::with(|config| {
        config.limits.input_bytes = ByteSize::mib(4_096);
        config.limits.memory = ByteSize::mib(4_096);
    })
    .await;
    let before = resident();
    let operations = vec![Operation::Thumbnail(Thumbnail::fit(10, 10))];
    let upload = Upload::stream(padded(SIZE), "large.png", operations);
    let highest = Arc::new(AtomicU64::new(before));
    let watch = tokio::spawn(watch(Arc::clone(&highest)));
    let job = app.client.submit(upload, &wait()).await.unwrap();
    watch.abort();
    assert!(job.summary.input.bytes >= SIZE as u64);
    let grown = highest.load(Ordering::Relaxed) - before;
    assert!(grown < GROWTH, "memory grew by {} MiB", grown >> 20);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn past_the_cap_an_upload_is_refused_before_it_has_ended() {
    let app = App::with(|config| config.limits.input_bytes = ByteSize::mib(1)).await;
    let operations = vec![Operation::Thumbnail(Thumbnail::fit(10, 10))];
    let form = Upload::stream(padded(3 << 20), "large.png", operations);
    assert_eq!(refused(app.client.submit(form, &wait()).await).code, Code::BodyTooLarge);
    app.finish().await;
}
