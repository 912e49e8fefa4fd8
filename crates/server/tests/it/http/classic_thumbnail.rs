//! The thumbnail service, as its clients call it.

use darkroom_core::operation::OutputFormat;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::{app::App, images, raw};

async fn upload(app: &App, content: Vec<u8>, name: &str) -> (u16, Value) {
    let form = Form::new().part("file", Part::bytes(content).file_name(name.to_owned()));
    let answer = app.post("/upload/").multipart(form).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Uploads and waits for the end; the last status.
async fn finished(app: &App, content: Vec<u8>, name: &str) -> String {
    let (status, answer) = upload(app, content, name).await;
    assert_eq!((status, &answer["message"]), (200, &json!("File uploaded successfully")));
    let id = answer["job_id"].as_str().unwrap().to_owned();
    app.client.wait(&id).await.unwrap();
    let status: Value = app.get(&format!("/job/status/{id}")).await.json().await.unwrap();
    assert_eq!(status["job_id"], id.as_str());
    status["status"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thumbnail_is_exactly_100_by_100_nearest_in_the_format_of_the_upload() {
    let app = App::start().await;
    assert_eq!(app.get("/health").await.text().await.unwrap(), "\"API Running\"");
    let formats = [
        ("a.png", OutputFormat::Png),
        ("b.JPG", OutputFormat::Jpeg),
        ("c.jpeg", OutputFormat::Jpeg),
        ("d.gif", OutputFormat::Gif),
    ];
    for (name, format) in formats {
        let image = images::converted(250, 130, format);
        let media_type = images::measure(&image).2;
        assert_eq!(finished(&app, image, name).await, "succeeded");
        let thumbnail = app.get(&format!("/thumb/thumb_{name}")).await;
        assert_eq!(thumbnail.headers()["content-type"], media_type);
        assert_eq!(thumbnail.headers()["content-disposition"], format!("inline; filename=\"thumb_{name}\""));
        assert_eq!(images::measure(&thumbnail.bytes().await.unwrap()), (100, 100, media_type));
    }
    let (_, _, source) = images::pixels(&images::png(250, 130));
    let (width, height, made) = images::pixels(&app.get("/thumb/thumb_a.png").await.bytes().await.unwrap());
    assert_eq!((width, height), (100, 100));
    // The source pixel under the middle of each result pixel, as Pillow's NEAREST takes it.
    for y in 0..100_usize {
        for x in 0..100_usize {
            let (sx, sy) = ((2 * x + 1) * 250 / 200, (2 * y + 1) * 130 / 200);
            assert_eq!(made[y * 100 + x], source[sy * 250 + sx], "{x}, {y}");
        }
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_upload_of_a_name_is_served() {
    let app = App::start().await;
    finished(&app, images::converted(250, 130, OutputFormat::Png), "a.png").await;
    let first = app.get("/thumb/thumb_a.png").await.bytes().await.unwrap();
    finished(&app, images::png(100, 100), "a.png").await;
    let second = app.get("/thumb/thumb_a.png").await;
    let etag = second.headers()["etag"].clone();
    assert_eq!(second.headers()["cache-control"], "private, no-cache");
    assert_ne!(second.bytes().await.unwrap(), first);
    assert_eq!(finished(&app, b"broken".to_vec(), "a.png").await, "failed");
    assert_eq!(app.get("/thumb/thumb_a.png").await.headers()["etag"], etag, "what failed hides nothing");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_newest_first_with_a_link_to_the_rest() {
    let app = App::start().await;
    for name in ["a.png", "b.png", "c.png"] {
        finished(&app, images::png(9, 9), name).await;
    }
    let names = |list: &Value| -> Vec<String> {
        let items = list.as_array().unwrap();
        assert!(items.iter().all(|item| item["job_id"].is_string()));
        items.iter().map(|item| item["filename"].as_str().unwrap().to_owned()).collect()
    };
    let all: Value = app.get("/job/all").await.json().await.unwrap();
    assert_eq!(names(&all), ["c.png", "b.png", "a.png"]);
    let part = app.get("/job/all?limit=2").await;
    let link = part.headers()["link"].to_str().unwrap().to_owned();
    assert_eq!(names(&part.json().await.unwrap()), ["c.png", "b.png"]);
    let next = link.trim_start_matches('<').split('>').next().unwrap();
    let rest = app.get(next).await;
    assert!(rest.headers().get("link").is_none());
    assert_eq!(names(&rest.json().await.unwrap()), ["a.png"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_in_the_words_of_the_service() {
    let app = App::start().await;
    for name in ["a.webp", "png", "a.png.exe", ""] {
        let answer = upload(&app, images::png(9, 9), name).await;
        assert_eq!(answer, (400, json!({ "detail": "Invalid file extension" })), "{name}");
    }
    let missing = app.post("/upload/").multipart(Form::new().text("other", "x")).send().await.unwrap();
    assert_eq!(missing.status(), 422);
    let fault = json!({ "detail": [{ "loc": ["body", "file"], "msg": "field required", "type": "value_error.missing" }] });
    assert_eq!(missing.json::<Value>().await.unwrap(), fault);
    let own = app.thumbnail(images::png(9, 9), 5).await.summary.id;
    for id in ["x", "018f0000-0000-7000-8000-000000000000", own.as_str()] {
        let unknown = app.get(&format!("/job/status/{id}")).await;
        assert_eq!(unknown.status(), 404);
        assert_eq!(unknown.json::<Value>().await.unwrap(), json!({ "detail": "Job not found" }));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_thumbnails_are_served_and_names_are_never_paths() {
    let app = App::start().await;
    finished(&app, images::png(9, 9), "a.png").await;
    let targets = [
        "/thumb/a.png",
        "/thumb/thumb_",
        "/thumb/thumb_b.png",
        "/thumb/..%2f..%2fetc%2fpasswd",
        "/thumb/thumb_..%2fthumb_a.png",
        "/thumb/thumb_.%2fa.png",
        "/thumb/thumb_%2e%2e",
        "/thumb/thumb_a.png%00",
        "/thumb/thumb_a.png%20",
        "/thumb/thumb_%5ca.png",
    ];
    for target in targets {
        let answer = raw::get(&app, target).await;
        assert_eq!(answer.status, 404, "{target}: {}", answer.text);
        assert!(answer.text.ends_with(r#"{"error":"File not found"}"#), "{target}: {}", answer.text);
    }
    app.finish().await;
}
