//! Previews: what they look like, who gets them, and what they may cost.

use std::{io::Write, time::Duration};

use darkroom_api::{
    Code,
    client::{Options, Upload},
};
use darkroom_core::{
    Operation, SystemClock,
    job::{Input, NewJob},
    operation::{OutputFormat, Thumbnail},
    store::StoreLimits,
    user::Role,
};
use darkroom_server::{accounts::Anonymous, config::ByteSize};
use darkroom_store::Memory;
use reqwest::StatusCode;

use super::{
    app::{App, problem, refused},
    images,
};
use crate::patience::soon;

/// A job that nobody works on, so that only its preview is made.
async fn held(app: &App, image: Vec<u8>) -> String {
    app.client.pause("held").await.unwrap();
    let upload = Upload::bytes(image, "image", vec![Operation::Thumbnail(Thumbnail::fit(9, 9))]);
    let options = Options { queue: Some("held".to_owned()), ..Options::default() };
    app.client.submit(upload, &options).await.unwrap().summary.id
}

/// A held job on these bytes, which nobody has looked at: as a damaged disk or another program leaves them.
async fn unchecked(app: &App, content: &[u8]) -> String {
    app.client.pause("held").await.unwrap();
    let stored = app.blobs.put(content.to_vec()).await.unwrap();
    let media_type = "application/octet-stream".to_owned();
    let input = Input { blob: stored.id, bytes: stored.bytes, media_type, name: None, place: None };
    let now = darkroom_core::Clock::now(&SystemClock);
    let mut new = NewJob::new(now, input, vec![Operation::Thumbnail(Thumbnail::fit(9, 9))]).unwrap();
    new.queue = "held".parse().unwrap();
    let id = new.id.to_string();
    app.store.submit(vec![new]).await.unwrap();
    id
}

fn path(id: &str, query: &str) -> String {
    format!("/v1/jobs/{id}/preview{query}")
}

/// Half of it shines through.
fn transparent(side: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(png::ColorType::Rgba);
    let pixels = [200, 30, 40, 128].repeat((side * side) as usize);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    file
}

/// A PNG of one bit a pixel: more work than any test waits for, in few bytes.
fn endless() -> Vec<u8> {
    const SIDE: u32 = 60_000;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE, SIDE);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().unwrap();
    let mut rows = writer.stream_writer().unwrap();
    for _ in 0..SIDE {
        rows.write_all(&[0; SIDE as usize / 8]).unwrap();
    }
    rows.finish().unwrap();
    writer.finish().unwrap();
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_fits_its_box_in_every_format() {
    let app = App::start().await;
    let formats = [OutputFormat::Jpeg, OutputFormat::Png, OutputFormat::Webp, OutputFormat::Avif];
    for format in formats {
        let id = held(&app, images::converted(400, 300, format)).await;
        let answer = app.get(&path(&id, "")).await;
        assert_eq!(answer.status(), 200, "{format}");
        assert_eq!(answer.headers()["content-type"], "image/jpeg", "{format}");
        let small = answer.bytes().await.unwrap();
        assert_eq!(images::measure(&small), (160, 120, "image/jpeg"), "{format}");
        assert!(small.len() < 20_000, "{format}: {} bytes", small.len());
    }
    let id = held(&app, images::png(40, 30)).await;
    for (query, expected) in [("?size=16", (16, 12)), ("?size=1024", (40, 30))] {
        let small = app.get(&path(&id, query)).await.bytes().await.unwrap();
        let (width, height, _) = images::measure(&small);
        assert_eq!((width, height), expected, "{query}: never larger than the image");
    }
    assert_eq!(images::measure(&app.client.preview(&id, 20).await.unwrap()).0, 20);
    let id = held(&app, transparent(300)).await;
    let clear = app.client.preview(&id, 100).await.unwrap();
    assert_eq!(images::measure(&clear), (100, 100, "image/png"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_that_the_client_has_is_not_made_again() {
    let app = App::start().await;
    let id = held(&app, images::png(90, 90)).await;
    let first = app.get(&path(&id, "?size=50")).await;
    let etag = first.headers()["etag"].clone();
    assert_eq!(first.headers()["cache-control"], "private, max-age=86400");
    let again = async |query: &str| {
        let request = app.http.get(app.at(&path(&id, query))).header("if-none-match", etag.clone());
        request.send().await.unwrap()
    };
    // Without the blob nothing could be made: the answer comes from the tag alone.
    let job = app.client.job(&id).await.unwrap();
    std::fs::remove_file(app.blobs.local_path(job.summary.input.blob.parse().unwrap())).unwrap();
    let known = again("?size=50").await;
    assert_eq!((known.status(), known.headers()["etag"].clone()), (StatusCode::NOT_MODIFIED, etag.clone()));
    assert!(known.bytes().await.unwrap().is_empty());
    assert_eq!(problem(again("?size=51").await).await.code, Code::ArtifactNotFound);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_shown_says_why() {
    let app = App::start().await;
    let text = unchecked(&app, b"These are not pixels.").await;
    let cut = unchecked(&app, &images::converted(300, 300, OutputFormat::Webp)[..200]).await;
    let heic = unchecked(&app, b"\0\0\0\x18ftypheic\0\0\0\0heicmif1").await;
    let bomb = unchecked(&app, &images::png_claiming(65_000, 65_000)).await;
    let expected = [
        (&text, Code::NotAnImage),
        (&cut, Code::DamagedImage),
        (&heic, Code::UnsupportedImage),
        (&bomb, Code::ImageLimit),
    ];
    for (id, code) in expected {
        assert_eq!(problem(app.get(&path(id, "")).await).await.code, code);
    }
    for wrong in ["?size=15", "?size=1025", "?size=0", "?size=-1", "?size=x", "?width=100"] {
        assert_eq!(problem(app.get(&path(&text, wrong)).await).await.code, Code::InvalidParameter, "{wrong}");
    }
    for nobody in ["x", "018f0000-0000-7000-8000-000000000000"] {
        assert_eq!(problem(app.get(&path(nobody, "")).await).await.code, Code::JobNotFound);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_of_another_users_job_does_not_exist() {
    let app = App::with(|config| config.auth.anonymous = Anonymous::Never).await;
    let (ann, bob) = (app.user("ann", Role::User).await, app.user("bob", Role::User).await);
    let upload = Upload::bytes(images::png(9, 9), "a", vec![Operation::Thumbnail(Thumbnail::fit(4, 4))]);
    let id = ann.submit(upload, &Options::default()).await.unwrap().summary.id;
    assert_eq!(images::measure(&ann.preview(&id, 16).await.unwrap()).0, 9);
    assert_eq!(refused(bob.preview(&id, 16).await).code, Code::JobNotFound);
    app.user("op", Role::Operator).await.preview(&id, 16).await.unwrap();
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_may_take_so_much_memory_and_time() {
    let app = App::with(|config| config.http.preview_memory = ByteSize::mib(2)).await;
    let large = held(&app, images::converted(1_500, 1_500, OutputFormat::Avif)).await;
    let refusal = refused(app.client.preview(&large, 160).await);
    assert_eq!(refusal.code, Code::ImageLimit);
    assert!(refusal.detail.starts_with("Memory is "), "{}", refusal.detail);
    app.finish().await;
    let app = App::with(|config| {
        config.limits.streamed_pixels = 60_000 * 60_000;
        config.http.preview_time = Duration::from_millis(50);
    })
    .await;
    let slow = held(&app, endless()).await;
    let refusal = refused(app.client.preview(&slow, 160).await);
    assert_eq!(refusal.code, Code::ImageLimit);
    assert!(refusal.detail.contains("longer than 50ms"), "{}", refusal.detail);
    app.finish().await;
}

/// So many are made at a time and no more; and nobody's absence keeps a place.
#[tokio::test(flavor = "multi_thread")]
async fn previews_wait_for_their_turn_and_end_with_those_who_wait() {
    let store = Memory::new(StoreLimits::default(), std::sync::Arc::new(SystemClock));
    let app = App::over(std::sync::Arc::new(store), |config| {
        config.limits.streamed_pixels = 60_000 * 60_000;
        config.limits.decode_time = Duration::from_mins(10);
        config.http.preview_time = Duration::from_mins(10);
        config.http.max_previews = 1;
        config.http.submission_patience = Duration::from_millis(20);
    })
    .await;
    let (slow, quick) = (held(&app, endless()).await, held(&app, images::png(9, 9)).await);
    let client = app.client.clone();
    // It asks again where a quick one was in its way.
    let working = tokio::spawn(async move { while client.preview(&slow, 160).await.is_err() {} });
    let refusal = soon("a refusal while the one place is taken", async {
        loop {
            let answer = app.get(&path(&quick, "")).await;
            if answer.status() == 503 {
                break problem(answer).await;
            }
        }
    });
    assert_eq!(refusal.await.code, Code::Overloaded);
    working.abort();
    let free = async { while app.get(&path(&quick, "")).await.status() != 200 {} };
    soon("the end of work for one who has gone", free).await;
    app.finish().await;
}
