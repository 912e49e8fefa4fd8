//! The resize service, as its clients call it.

use std::collections::HashSet;

use darkroom_api::JobPage;
use darkroom_core::operation::OutputFormat;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::{app::App, images};
use crate::patience::soon;

async fn upload(app: &App, form: Form) -> (u16, Value) {
    let answer = app.post("/uploadFile").multipart(form).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn file(content: Vec<u8>, name: &str) -> Form {
    Form::new().part("file", Part::bytes(content).file_name(name.to_owned()))
}

/// The status once it is none of the two that pass.
async fn settled(app: &App, file_id: &str) -> Value {
    let look = async {
        loop {
            let answer = app.get(&format!("/queryFileStatus/{file_id}")).await;
            assert_eq!(answer.status(), 200);
            let status: Value = answer.json().await.unwrap();
            assert_eq!(status["file_id"], file_id);
            if !["STAGING STAGE", "PROCESSING STAGE"].contains(&status["result"].as_str().unwrap()) {
                return status;
            }
            tokio::task::yield_now().await;
        }
    };
    soon("a status that does not pass", look).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_brought_inside_500_by_500() {
    let app = App::start().await;
    let beating: Value = app.get("/heartbeat").await.json().await.unwrap();
    assert_eq!(beating, json!({ "result": "beating" }));
    let cases = [
        ("wide.JPEG", 1200, 600, (500, 250)),
        ("tall.jpg", 300, 900, (167, 500)),
        ("small.PnG", 40, 30, (40, 30)),
    ];
    for (name, width, height, expected) in cases {
        let image = match name {
            "small.PnG" => images::png(width, height),
            _ => images::converted(width, height, OutputFormat::Jpeg),
        };
        let (status, answer) = upload(&app, file(image, name)).await;
        assert_eq!((status, &answer["result"]), (200, &json!("File Uploaded successfully !!")));
        let file_id = answer["file_id"].as_str().unwrap();
        assert!(file_id.len() == 20 && file_id.bytes().all(|b| b.is_ascii_digit()), "{file_id}");
        assert_eq!(settled(&app, file_id).await["result"], "COMPLETION STAGE");
        let page: JobPage = app.get("/v1/jobs?origin=resize&limit=1").await.json().await.unwrap();
        let job = app.client.job(&page.jobs[0].id).await.unwrap();
        let artifact = &job.results[0].artifacts[0];
        let stem = name.split('.').next().unwrap();
        assert_eq!(artifact.name, format!("{stem}.thumbnail"));
        let made = app.artifact(&job, &artifact.name).await;
        assert_eq!(images::measure(&made), (expected.0, expected.1, "image/jpeg"));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_is_answered_in_the_words_of_the_service() {
    let app = App::start().await;
    let absent = json!({ "result": "file key not found in request" });
    let empty = json!({ "result": "Empty file received" });
    let refused = json!({ "result": "Files other than jpg,jpeg and png are not allowed" });
    let png = || images::png(9, 9);
    let cases = [
        (Form::new().text("other", "x"), 400, &absent),
        (Form::new().text("file", "no file"), 400, &absent),
        (file(png(), ""), 400, &empty),
        (file(Vec::new(), "a.png"), 400, &empty),
        (file(png(), "a.gif"), 415, &refused),
        (file(png(), "png"), 415, &refused),
        (file(png(), "a.png.exe"), 415, &refused),
    ];
    for (form, status, answer) in cases {
        assert_eq!(upload(&app, form).await, (status, answer.clone()));
    }
    for (kind, body) in
        [("application/json", "{}"), ("multipart/form-data", ""), ("multipart/form-data; boundary=x", "--x")]
    {
        let answer = app.post("/uploadFile").header("content-type", kind).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.json::<Value>().await.unwrap(), absent);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_ids_are_unknown_however_they_look() {
    let app = App::start().await;
    let (_, known) = upload(&app, file(images::png(9, 9), "a.png")).await;
    let known = known["file_id"].as_str().unwrap();
    settled(&app, known).await;
    for id in ["2014", "*", "%25", &known[..19], "00000000000000000000", "..%2F..", "' OR 1=1 --"] {
        let answer = app.get(&format!("/queryFileStatus/{id}")).await;
        assert_eq!(answer.status(), 400, "{id}");
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["result"], "ID NOT FOUND !!");
        assert!(answer["file_id"].is_string());
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_image_ends_as_failed_with_a_reason() {
    let app = App::start().await;
    for content in [b"no image".to_vec(), images::png(300, 300)[..200].to_vec()] {
        let (status, answer) = upload(&app, file(content, "a.png")).await;
        assert_eq!(status, 200);
        let ended = settled(&app, answer["file_id"].as_str().unwrap()).await;
        assert_eq!(ended["result"], "FAILED STAGE");
        assert!(!ended["reason"].as_str().unwrap().is_empty());
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn same_names_at_the_same_time_get_different_ids() {
    let app = std::sync::Arc::new(App::start().await);
    let uploads = (0..40).map(|_| {
        let app = std::sync::Arc::clone(&app);
        tokio::spawn(async move { upload(&app, file(images::png(9, 9), "same.png")).await })
    });
    let mut ids = HashSet::new();
    for upload in uploads.collect::<Vec<_>>() {
        let (status, answer) = upload.await.unwrap();
        assert_eq!(status, 200);
        assert!(ids.insert(answer["file_id"].as_str().unwrap().to_owned()));
    }
    for id in &ids {
        assert_eq!(settled(&app, id).await["result"], "COMPLETION STAGE");
    }
    std::sync::Arc::into_inner(app).unwrap().finish().await;
}
