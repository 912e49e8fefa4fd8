//! Submitting: every kind of body, waiting, repeating.

use darkroom_api::{
    Code, ImageSource, Job, JobRequest,
    client::{ListOptions, Options, Upload},
    job::State,
};
use darkroom_core::{Operation, operation::Thumbnail};
use reqwest::multipart::{Form, Part};

use super::{
    app::{App, problem, refused, wait},
    images,
};

fn thumbnail(side: u32) -> Vec<Operation> {
    vec![Operation::Thumbnail(Thumbnail::fit(side, side))]
}

fn request(image: ImageSource) -> JobRequest {
    JobRequest {
        image,
        operations: thumbnail(10),
        queue: None,
        priority: None,
        delay: None,
        run_at: None,
        cache: None,
        name: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_bytes_become_a_thumbnail_within_one_request() {
    let app = App::start().await;
    let sent =
        app.post("/v1/jobs?op=thumbnail&width=30&height=30&format=png&name=Zo%C3%AB.png&artifact=small");
    let response = sent.header("prefer", "wait=30").body(images::png(90, 60)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["preference-applied"], "wait=30");
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let job: Job = response.json().await.unwrap();
    assert_eq!(location, format!("/v1/jobs/{}", job.summary.id));
    assert_eq!((job.summary.state, job.summary.name.as_deref()), (State::Succeeded, Some("Zoë.png")));
    assert_eq!(job.summary.input.media_type, "image/png");
    assert_eq!((job.attempts.len(), job.results.len()), (1, 1));
    let artifact = &job.results[0].artifacts[0];
    assert_eq!((artifact.name.as_str(), artifact.media_type.as_str()), ("small.png", "image/png"));
    let bytes = app.artifact(&job, "small.png").await;
    assert_eq!(images::measure(&bytes), (30, 20, "image/png"));
    assert_eq!(bytes.len() as u64, artifact.bytes);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_are_taken_in_any_order() {
    let app = App::start().await;
    let image = || Part::bytes(images::png(40, 40)).file_name("../../etc/cat.png");
    let operations = r#"[{"op":"thumbnail","width":10},{"op":"thumbnail","width":20,"format":"webp"}]"#;
    let forms = [
        Form::new().part("image", image()).text("operations", operations).text("priority", "5"),
        Form::new().text("operations", operations).text("priority", "5").part("file", image()),
    ];
    for form in forms {
        let response = app.post("/v1/jobs?wait=30").multipart(form).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let job: Job = response.json().await.unwrap();
        assert_eq!((job.summary.name.as_deref(), job.summary.priority), (Some("cat.png"), 5));
        let names: Vec<&str> = job.results.iter().map(|result| result.artifacts[0].name.as_str()).collect();
        assert_eq!(names, ["thumbnail.jpg", "thumbnail.webp"]);
    }
    let one = Form::new().part("image", image()).text("op", "thumbnail").text("width", "7");
    let response = app.post("/v1/jobs?wait=30").multipart(one).send().await.unwrap();
    assert_eq!(response.status(), 200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_takes_base64_in_every_spelling_and_stored_blobs() {
    let app = App::start().await;
    let png = images::png(20, 20);
    let plain = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(&png)
    };
    let spellings = [
        plain.clone(),
        format!("data:image/png;base64,{plain}"),
        plain.trim_end_matches('=').to_owned(),
        plain.replace('+', "-").replace('/', "_"),
        plain.as_bytes().chunks(60).map(|line| String::from_utf8_lossy(line).into_owned() + "\r\n").collect(),
    ];
    let mut blob = None;
    for text in spellings {
        let job = app.client.submit_json(&request(ImageSource::Base64(text)), &wait()).await.unwrap();
        assert_eq!(job.summary.state, State::Succeeded);
        blob = Some(job.summary.input.blob);
    }
    let stored = request(ImageSource::Blob(blob.unwrap()));
    assert_eq!(app.client.submit_json(&stored, &wait()).await.unwrap().summary.state, State::Succeeded);
    let unknown = request(ImageSource::Blob("0".repeat(64)));
    assert_eq!(refused(app.client.submit_json(&unknown, &wait()).await).code, Code::UnknownBlob);
    let damaged = request(ImageSource::Base64("***".to_owned()));
    assert_eq!(refused(app.client.submit_json(&damaged, &wait()).await).code, Code::InvalidJob);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_waiting_the_job_is_accepted_and_found_later() {
    let app = App::start().await;
    let upload = Upload::bytes(images::png(20, 20), "a.png", thumbnail(10));
    let job = app.client.submit(upload, &Options::default()).await.unwrap();
    let ended = app.client.wait(&job.summary.id).await.unwrap();
    assert_eq!(ended.summary.state, State::Succeeded);
    assert!(ended.summary.finished_at >= ended.summary.started_at);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_with_202_when_the_time_is_over() {
    let app = App::start().await;
    app.client.pause("slow").await.unwrap();
    let sent = app.post("/v1/jobs?op=thumbnail&width=5&queue=slow&wait=0.05").body(images::png(9, 9));
    let response = sent.send().await.unwrap();
    assert_eq!(response.status(), 202);
    let job: Job = response.json().await.unwrap();
    assert_eq!(job.summary.state, State::Held);
    app.client.resume("slow").await.unwrap();
    assert_eq!(app.client.wait(&job.summary.id).await.unwrap().summary.state, State::Succeeded);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_gives_the_same_job_and_another_body_is_a_conflict() {
    let app = App::start().await;
    let keyed = || Options { idempotency_key: Some("k-1".to_owned()), ..wait() };
    let upload = |side| Upload::bytes(images::png(side, 9), "a.png", thumbnail(5));
    let first = app.client.submit(upload(9), &keyed()).await.unwrap();
    let again = app.client.submit(upload(9), &keyed()).await.unwrap();
    assert_eq!(first.summary.id, again.summary.id);
    assert_eq!(refused(app.client.submit(upload(10), &keyed()).await).code, Code::IdempotencyConflict);
    let other = Upload::bytes(images::png(9, 9), "a.png", thumbnail(6));
    assert_eq!(refused(app.client.submit(other, &keyed()).await).code, Code::IdempotencyConflict);
    let raw =
        app.post("/v1/jobs?op=thumbnail&width=5").header("idempotency-key", "a b").body(images::png(9, 9));
    assert_eq!(problem(raw.send().await.unwrap()).await.code, Code::InvalidParameter);
    assert_eq!(app.client.jobs(&ListOptions::default()).await.unwrap().jobs.len(), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delayed_jobs_wait_for_their_time() {
    let app = App::start().await;
    let later =
        app.post("/v1/jobs?op=thumbnail&width=5&delay=3600").body(images::png(9, 9)).send().await.unwrap();
    let later: Job = later.json().await.unwrap();
    assert_eq!(later.summary.state, State::Scheduled);
    let ahead = later.summary.run_at.0.since(later.summary.created_at.0);
    assert!((3_599..3_601).contains(&ahead.as_secs()), "{ahead:?}");
    let at =
        app.post("/v1/jobs?op=thumbnail&width=5&run_at=2099-01-01T00:00:00%2B01:00").body(images::png(9, 9));
    let at: Job = at.send().await.unwrap().json().await.unwrap();
    assert_eq!(at.summary.run_at.to_string(), "2098-12-31T23:00:00.000Z");
    let both =
        app.post("/v1/jobs?op=thumbnail&width=5&delay=1&run_at=2099-01-01T00:00:00Z").body(images::png(9, 9));
    assert_eq!(problem(both.send().await.unwrap()).await.code, Code::InvalidJob);
    app.finish().await;
}
