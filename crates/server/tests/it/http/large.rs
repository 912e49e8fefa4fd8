//! Uploads larger than memory should hold.

use std::{
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

/// Resident bytes of this process may grow by this much, whatever is uploaded. Most of it is what the other tests of
/// this process take meanwhile.
const GROWTH: u64 = 300 << 20;

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

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_megabytes_pass_through_a_few() {
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
