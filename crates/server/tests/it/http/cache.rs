//! The result cache, as clients see it: results that say so, and nothing of it across users.

use darkroom_api::{
    Job,
    client::{PredictionOptions, Upload},
};
use darkroom_core::{
    Operation,
    operation::{Digit, TensorFormat, Thumbnail},
    user::Role,
};
use darkroom_server::accounts::Anonymous;
use reqwest::multipart::{Form, Part};
use serde_json::Value;

use super::{
    app::{App, wait},
    images,
    models::{any, one, runtime, with},
};

fn cached(job: &Job) -> Vec<bool> {
    assert_eq!(job.summary.failure, None);
    job.results.iter().map(|result| result.cached).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_work_is_not_done_twice_for_an_owner_and_never_shared() {
    let app = App::with(|config| config.auth.anonymous = Anonymous::Never).await;
    let (ann, bob) = (app.user("ann", Role::User).await, app.user("bob", Role::User).await);
    let upload = |name: &str| {
        let operations = vec![Operation::Thumbnail(Thumbnail::fit(20, 20))];
        Upload::bytes(images::png(64, 48), name.to_owned(), operations)
    };
    let first = ann.submit(upload("a.png"), &wait()).await.unwrap();
    assert_eq!(cached(&first), [false]);
    let again = ann.submit(upload("b.png"), &wait()).await.unwrap();
    assert_eq!(cached(&again), [true]);
    assert_eq!(again.attempts[0].timings.work_us, 0, "nothing was decoded");
    let (made, recalled) = (&first.results[0], &again.results[0]);
    assert_eq!((&recalled.document, &recalled.artifacts[0].blob), (&made.document, &made.artifacts[0].blob));
    assert_eq!(cached(&bob.submit(upload("a.png"), &wait()).await.unwrap()), [false], "another user's");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_can_refuse_the_cache() {
    let app = App::start().await;
    let submit = async |query: &str| -> Job {
        let path = format!("/v1/jobs?op=thumbnail&width=9&wait=30{query}");
        app.post(&path).body(images::png(30, 30)).send().await.unwrap().json().await.unwrap()
    };
    assert_eq!(cached(&submit("&cache=false").await), [false]);
    assert_eq!(cached(&submit("").await), [false], "what refuses the cache is not remembered");
    assert_eq!(cached(&submit("&cache=false").await), [false]);
    assert_eq!(cached(&submit("&cache=true").await), [true]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_deletes_a_job_deletes_what_is_remembered_of_it() {
    let app = App::start().await;
    let first = app.thumbnail(images::png(40, 40), 10).await;
    let blob = first.results[0].artifacts[0].blob.parse().unwrap();
    app.client.delete(&first.summary.id).await.unwrap();
    let again = app.thumbnail(images::png(40, 40), 10).await;
    assert_eq!(cached(&again), [false]);
    app.client.delete(&again.summary.id).await.unwrap();
    app.gone(blob).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_nobody_remembers_is_worked_out() {
    let Some(runtime) = runtime() else { return };
    let app = App::with(with(runtime)).await;
    let submit = async |operations: Vec<Operation>| {
        app.client.submit(Upload::bytes(one(), "one.png", operations), &wait()).await.unwrap()
    };
    let npy = || any(TensorFormat::Npy);
    let first = submit(vec![Operation::Digit(Digit::default()), npy()]).await;
    assert_eq!(cached(&first), [false, false]);
    let cover = Thumbnail { name: Some("cover".to_owned()), ..Thumbnail::fit(9, 9) };
    let second = submit(vec![npy(), Operation::Thumbnail(cover), Operation::Digit(Digit::default())]).await;
    assert_eq!(cached(&second), [true, false, true]);
    let scores = |job: &Job, place: usize| -> Vec<f32> {
        serde_json::from_value(job.results[place].document["scores"].clone()).unwrap()
    };
    assert_eq!(scores(&second, 2), scores(&first, 0));
    assert_eq!(second.results[0].artifacts[0].blob, first.results[1].artifacts[0].blob);
    let names: Vec<_> = second.results.iter().flat_map(|r| &r.artifacts).map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["digits-logits.npy", "cover.jpg"]);
    let entries = app.client.predictions(&PredictionOptions::default()).await.unwrap().predictions;
    assert_eq!(entries.iter().map(|entry| entry.cached).collect::<Vec<_>>(), [true, true, false, false]);
    let models: Value = app.get("/v1/models").await.json().await.unwrap();
    assert_eq!(models["models"][0]["requests"], 2, "what is remembered asks no model");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_classifier_remembers_its_answers() {
    let Some(runtime) = runtime() else { return };
    let app = App::with(with(runtime)).await;
    let key = app.key("rose", Role::User).await;
    let ask = async || -> Value {
        let form = Form::new().part("file", Part::bytes(one()).file_name("one.png"));
        let answer = app.post("/predict").bearer_auth(&key).multipart(form).send().await.unwrap();
        let mut answer: Value = answer.json().await.unwrap();
        answer["date"].take();
        answer
    };
    let first = ask().await;
    // Reading the log has what was answered before written, and remembered with it.
    app.client.predictions(&PredictionOptions::default()).await.unwrap();
    assert_eq!(ask().await, first);
    let entries = app.client.predictions(&PredictionOptions::default()).await.unwrap().predictions;
    let told: Vec<_> = entries.iter().map(|entry| (entry.cached, entry.model_us.is_some())).collect();
    assert_eq!(told, [(true, false), (false, true)]);
    let metrics = app.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains(r#"darkroom_cache_lookups_total{result="hit"} 1"#), "{metrics}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_is_switched_off_remembers_nothing() {
    let app = App::with(|config| config.cache.enabled = false).await;
    for _ in 0..2 {
        assert_eq!(cached(&app.thumbnail(images::png(40, 40), 10).await), [false]);
    }
    app.finish().await;
}
