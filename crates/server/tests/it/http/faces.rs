//! Faces: as jobs, and two images compared at once. With the fetched models where they are.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use darkroom_api::{Client, Code, Comparison, client::Upload};
use darkroom_core::{
    Operation,
    operation::{Crops, Faces, Thumbnail, Which},
};
use darkroom_imaging::{Format, Frame, FrameRequest, Guard, Inspected, Layout, Limits, Source};
use darkroom_server::Config;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::{
    app::{App, problem, wait},
    images,
    models::runtime,
};

/// Where OpenCV finds the astronaut's face: left, top, width, height.
const ASTRONAUT: [f64; 4] = [178.0, 62.6, 90.4, 113.9];

/// What a test of faces needs.
pub(super) struct Stage {
    pub(super) runtime: PathBuf,
    pub(super) models: PathBuf,
    photos: PathBuf,
}

/// `DARKROOM_MODELS`, else `.x/models/models`, where `./x test` puts YuNet and SFace; photographs as elsewhere. Without
/// them a test is skipped; in CI it fails.
pub(super) fn stage() -> Option<Stage> {
    let there = |variable: &str, beside: &str, inside: &str| {
        let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(beside);
        let place = std::env::var_os(variable).map_or_else(beside, PathBuf::from);
        let there = place.join(inside).exists();
        assert!(there || std::env::var_os("CI").is_none(), "CI needs {inside} in {}", place.display());
        #[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
        if !there {
            eprintln!("SKIPPED: there is no {inside} in {} (set {variable})", place.display());
        }
        there.then_some(place)
    };
    let models = there("DARKROOM_MODELS", ".x/models/models", "yunet/3");
    let photos = there("DARKROOM_PHOTOS", ".x/photos", "astronaut.png");
    Some(Stage { runtime: runtime()?, models: models?, photos: photos? })
}

impl Stage {
    pub(super) async fn app(&self) -> App {
        self.app_with(|_| {}).await
    }

    /// A service that has the models, and whose other settings `change` has changed.
    pub(super) async fn app_with(&self, change: impl FnOnce(&mut Config)) -> App {
        App::with(|config: &mut Config| {
            self.set(config);
            change(config);
        })
        .await
    }

    /// Says where the models are.
    pub(super) fn set(&self, config: &mut Config) {
        config.models.runtime = Some(self.runtime.clone());
        config.models.dir = Some(self.models.clone());
    }

    pub(super) fn photo(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.photos.join(name)).unwrap()
    }

    pub(super) fn astronaut(&self) -> Frame {
        let source = Source::bytes(self.photo("astronaut.png"));
        let inspected = Inspected::new(source, Limits::default()).unwrap();
        inspected.frame(&FrameRequest::default(), &guard()).unwrap()
    }
}

fn guard() -> Guard {
    Guard::new(Duration::from_secs(30), Arc::default())
}

pub(super) fn jpeg(frame: &Frame) -> Vec<u8> {
    darkroom_imaging::encode(frame, Format::Jpeg, &guard()).unwrap()
}

/// The frame upside down.
pub(super) fn half_turned(frame: &Frame) -> Frame {
    let pixels = frame.pixels.as_chunks::<3>().0.iter().rev().flatten().copied().collect();
    Frame { pixels, ..frame.clone() }
}

/// A JPEG that says how it is turned (Exif 2.32: a TIFF structure with one entry, the orientation).
pub(super) fn turned(mut jpeg: Vec<u8>, orientation: u8) -> Vec<u8> {
    let mut exif = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    jpeg.splice(2..2, exif);
    jpeg
}

async fn faces(client: &Client, image: Vec<u8>, faces: Faces) -> Value {
    let upload = Upload::bytes(image, "photo", vec![Operation::Faces(faces)]);
    let job = client.submit(upload, &wait()).await.unwrap();
    assert_eq!(job.summary.failure, None);
    job.results.into_iter().next().unwrap().document
}

/// One face, where the astronaut's is, in an image that is `times` as large.
fn is_the_astronaut(document: &Value, times: f64) {
    assert_eq!(document["count"], 1, "{document}");
    let area = &document["faces"][0]["box"];
    for (key, wanted) in ["x", "y", "width", "height"].into_iter().zip(ASTRONAUT) {
        let got = area[key].as_f64().unwrap();
        assert!((got - wanted * times).abs() < 8.0 * times, "{key}: {got} is not {}", wanted * times);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_finds_faces_embeds_them_and_keeps_them_as_images() {
    let Some(stage) = stage() else { return };
    let app = stage.app().await;
    let asked = Faces { crops: Crops::Png, ..Faces::default() };
    let operations = vec![Operation::Faces(asked), Operation::Thumbnail(Thumbnail::fit(64, 64))];
    let upload = Upload::bytes(stage.photo("astronaut.png"), "astronaut.png", operations);
    let job = app.client.submit(upload, &wait()).await.unwrap();
    assert_eq!(job.summary.failure, None);
    let document = &job.results[0].document;
    is_the_astronaut(document, 1.0);
    assert_eq!((&document["model"], &document["embedder"]["model"]), (&json!("yunet"), &json!("sface")));
    let face = &document["faces"][0];
    assert!(face["score"].as_f64().unwrap() > 0.9 && face["clipped"] == false, "{face}");
    let [right, left] = ["right_eye", "left_eye"].map(|eye| face["landmarks"][eye][0].as_f64().unwrap());
    assert!(right < left, "the right eye is at {right}, the left one at {left}");
    let embedding: Vec<f64> = serde_json::from_value(face["embedding"].clone()).unwrap();
    let length = embedding.iter().map(|value| value * value).sum::<f64>();
    assert!(embedding.len() == 128 && (length - 1.0).abs() < 1e-5, "{length}");
    let crop = app.artifact(&job, face["crop"]["artifact"].as_str().unwrap()).await;
    assert_eq!(images::measure(&crop), (112, 112, "image/png"));
    assert_eq!(
        (&face["crop"]["artifact"], &face["crop"]["bytes"]),
        (&json!("face-1.png"), &json!(crop.len()))
    );
    assert_eq!(job.results[1].document["width"], 64);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boxes_are_in_pixels_of_the_upright_image_whatever_the_file() {
    let Some(stage) = stage() else { return };
    let app = stage.app().await;
    let (plain, astronaut) = (Faces { embeddings: false, ..Faces::default() }, stage.astronaut());
    let upside_down = turned(jpeg(&half_turned(&astronaut)), 3);
    is_the_astronaut(&faces(&app.client, upside_down, plain.clone()).await, 1.0);
    // Grey: the green channel alone.
    let green = astronaut.pixels.as_chunks::<3>().0.iter().map(|pixel| pixel[1]).collect();
    let grey = Frame { layout: Layout::Gray, pixels: green, ..astronaut.clone() };
    is_the_astronaut(&faces(&app.client, jpeg(&grey), plain.clone()).await, 1.0);
    // Six times as large: the decoder reduces it, and the answer is in the pixels of the file.
    let wide = 6 * astronaut.width as usize;
    let rows = astronaut.pixels.chunks_exact(astronaut.width as usize * 3);
    let pixels = rows.flat_map(|row| {
        let row: Vec<u8> = row.as_chunks::<3>().0.iter().flat_map(|pixel| pixel.repeat(6)).collect();
        row.repeat(6)
    });
    let large =
        Frame { width: wide as u32, height: wide as u32, layout: Layout::Rgb, pixels: pixels.collect() };
    let document = faces(&app.client, jpeg(&large), plain).await;
    is_the_astronaut(&document, 6.0);
    assert!(document["faces"][0].get("embedding").is_none() && document.get("embedder").is_none());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_without_a_face_is_a_success_with_none() {
    let Some(stage) = stage() else { return };
    let app = stage.app().await;
    for image in [stage.photo("coffee.png"), images::png(1, 1), images::png(1, 3_000)] {
        let document = faces(&app.client, image, Faces::default()).await;
        assert_eq!((&document["count"], &document["faces"]), (&json!(0), &json!([])));
    }
    let strict = Faces { min_size: 200, which: Which::Largest, ..Faces::default() };
    let document = faces(&app.client, stage.photo("astronaut.png"), strict).await;
    assert_eq!(document["count"], 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_none_for_faces_is_refused_with_a_reason() {
    let Some(stage) = stage() else { return };
    let app = stage.app().await;
    for query in ["model=digits", "embedder=yunet"] {
        let answer = app.post(&format!("/v1/jobs?op=faces&wait=20&{query}"));
        let answer = answer.body(stage.photo("astronaut.png")).send().await.unwrap();
        let job: Value = answer.json().await.unwrap();
        let message = job["failure"]["message"].as_str().unwrap();
        assert!(message.contains("no faces"), "{query}: {message}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_faces_of_two_images_are_compared() {
    let Some(stage) = stage() else { return };
    let app = stage.app().await;
    let (one, other) = (stage.photo("astronaut.png"), jpeg(&stage.astronaut()));
    let compared = app.client.compare(one.clone(), other.clone(), None).await.unwrap();
    assert!(compared.same && compared.cosine > 0.95, "{compared:?}");
    assert_eq!((compared.threshold, &compared.embedder["model"]), (0.363, &json!("sface")));
    assert!((f64::from(compared.second.area.x) - ASTRONAUT[0]).abs() < 8.0, "{compared:?}");
    let stranger = app.client.compare(one.clone(), stage.photo("camera.png"), None).await.unwrap();
    assert!(!stranger.same && stranger.cosine < 0.3, "{stranger:?}");

    // As JSON: one in the request, the other stored already.
    let upload = Upload::bytes(other, "x.jpg", vec![Operation::Faces(Faces::default())]);
    let blob = app.client.submit(upload, &wait()).await.unwrap().summary.input.blob;
    let body = json!({
        "first": { "base64": BASE64_STANDARD.encode(&one) }, "second": { "blob": blob }, "threshold": 0.9999,
    });
    let answer = app.post("/v1/faces/compare").json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let strict: Comparison = answer.json().await.unwrap();
    assert_eq!((strict.same, strict.threshold), (false, 0.9999));
    assert!((strict.cosine - compared.cosine).abs() < 1e-5);

    let none = app.client.compare(one, stage.photo("coffee.png"), None).await.unwrap_err();
    assert_eq!(none.code(), Some(Code::NoFace));
    assert!(none.to_string().contains("second image"), "{none}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_that_makes_no_sense_is_refused_with_a_reason() {
    let app = App::start().await;
    let part = || Part::bytes(images::png(9, 9)).file_name("x.png");
    let both = || Form::new().part("first", part()).part("second", part());
    let forms = [
        (Form::new().part("first", part()), Code::MissingImage),
        (both().part("second", part()), Code::InvalidJob),
        (both().text("third", "x"), Code::InvalidJob),
        (both().text("threshold", "high"), Code::InvalidJob),
        (both().text("threshold", "1.1"), Code::InvalidJob),
        (Form::new().part("first", part()).part("second", Part::bytes(Vec::new())), Code::MissingImage),
        // Nothing is wrong with it but that nobody has fetched the models.
        (both(), Code::UnknownModel),
    ];
    for (form, code) in forms {
        let answer = app.post("/v1/faces/compare").multipart(form).send().await.unwrap();
        assert_eq!(problem(answer).await.code, code);
    }
    let bodies = [
        (json!({ "first": { "base64": "" } }), Code::InvalidJob),
        (json!({ "first": { "base64": "?" }, "second": { "base64": "?" } }), Code::InvalidJob),
        (json!({ "first": { "base64": "" }, "second": { "base64": "" } }), Code::MissingImage),
        (json!({ "first": { "base64": "AA==" }, "second": { "blob": "0".repeat(64) } }), Code::UnknownBlob),
        (
            json!({ "first": { "url": "file:///etc/passwd" }, "second": { "base64": "AA==" } }),
            Code::UrlRefused,
        ),
        (
            json!({ "first": { "base64": "AA==" }, "second": { "base64": "AA==" }, "threshold": 2 }),
            Code::InvalidJob,
        ),
    ];
    for (body, code) in bodies {
        let answer = app.post("/v1/faces/compare").json(&body).send().await.unwrap();
        assert_eq!(problem(answer).await.code, code, "{body}");
    }
    let raw = app.post("/v1/faces/compare").header("content-type", "image/png").body(images::png(9, 9));
    assert_eq!(problem(raw.send().await.unwrap()).await.code, Code::UnsupportedMediaType);
    let refused = app.post("/v1/jobs?op=faces").body(images::png(9, 9)).send().await.unwrap();
    let refused = problem(refused).await;
    assert_eq!(refused.code, Code::UnknownModel);
    assert!(refused.detail.contains("darkroom models fetch yunet sface"), "{}", refused.detail);
    app.finish().await;
}
