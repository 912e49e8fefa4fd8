//! The inference log over HTTP: everything that was asked is in it, and everybody sees their own.

use base64::{Engine, prelude::BASE64_STANDARD};
use darkroom_api::{
    Client, Code, Prediction, PredictionFormat, PredictionOutcome,
    client::{PredictionOptions, Upload},
    prediction::Surface,
};
use darkroom_core::{
    Clock as _, Operation, SystemClock,
    job::FileName,
    operation::{Classify, Digit, TensorFormat, Thumbnail},
    prediction::{Answer, AskedModel, Best, NewPrediction, Surface as Place},
    user::Role,
};
use darkroom_server::accounts::Anonymous;
use futures_util::StreamExt;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::{
    app::{App, problem, wait},
    models::{any, one, runtime, with},
};

/// An answer to this owner, now: upkeep sweeps away what is old.
fn prediction(owner: &str, label: &str) -> NewPrediction {
    let (version, digest) = (Some("1".to_owned()), Some("d".to_owned()));
    NewPrediction {
        at: SystemClock.now(),
        surface: Place::Digit,
        operation: "digit".to_owned(),
        model: Some(AskedModel { name: "digits".to_owned(), version, digest }),
        owner: owner.parse().unwrap(),
        job: None,
        file_name: None,
        input: None,
        answer: Answer::Given(Some(Best { class: 7, label: Some(label.to_owned()), score: 0.75 })),
        took_us: 1_234,
        model_us: Some(1_000),
        cached: false,
    }
}

async fn logged(client: &Client) -> Vec<Prediction> {
    client.predictions(&PredictionOptions::default()).await.unwrap().predictions
}

async fn exported(client: &Client, options: &PredictionOptions, format: PredictionFormat) -> String {
    let mut chunks = Box::pin(client.export_predictions(options, format).await.unwrap());
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    String::from_utf8(bytes).unwrap()
}

fn form(content: Vec<u8>, name: &'static str) -> Form {
    Form::new().part("file", Part::bytes(content).file_name(name))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_in_the_log_wherever_it_was_given() {
    let Some(runtime) = runtime() else { return };
    let app = App::with(with(runtime)).await;
    let key = app.key("rose", Role::User).await;
    app.post("/mnist/").json(&json!({ "base64": BASE64_STANDARD.encode(one()) })).send().await.unwrap();
    let photo = app.post("/predict").bearer_auth(&key).multipart(form(one(), "photo.png"));
    assert_eq!(photo.send().await.unwrap().status(), 200);
    let operations = vec![
        Operation::Digit(Digit::default()),
        Operation::Thumbnail(Thumbnail::fit(9, 9)),
        Operation::Classify(Classify::default()),
        any(TensorFormat::Json),
    ];
    let job = app.client.submit(Upload::bytes(one(), "one.png", operations), &wait()).await.unwrap();
    let entries = logged(&app.client).await;
    let shown: Vec<_> = entries
        .iter()
        .rev()
        .map(|e| {
            (e.surface, e.operation.as_str(), e.owner.as_str(), e.file_name.as_deref(), e.label.as_deref())
        })
        .collect();
    let (one_png, anonymous) = (Some("one.png"), "anonymous");
    // The entries of a job are recorded with its end, those of answers some time after them.
    let mut expected = vec![
        (Surface::Digit, "digit", anonymous, None, Some("1")),
        (Surface::Predict, "classify", "rose", Some("photo.png"), None),
        (Surface::Job, "digit", anonymous, one_png, Some("1")),
        (Surface::Job, "classify", anonymous, one_png, None),
        (Surface::Job, "model", anonymous, one_png, None),
    ];
    let mut found = shown.clone();
    let order =
        |entry: &(Surface, &str, &str, Option<&str>, Option<&str>)| (entry.0 as u8, entry.1.to_owned());
    expected.sort_by_key(order);
    found.sort_by_key(order);
    assert_eq!(found, expected);
    let digest = job.results[0].document["digest"].as_str().unwrap();
    for entry in &entries {
        assert_eq!(entry.outcome, PredictionOutcome::Answered, "{entry:?}");
        assert_eq!((entry.model.as_deref(), entry.version.as_deref()), (Some("digits"), Some("1")));
        assert_eq!(
            (entry.digest.as_deref(), entry.input.as_ref()),
            (Some(digest), Some(&job.summary.input.blob))
        );
        assert!(entry.model_us.is_some_and(|us| us > 0 && us <= entry.took_us), "{entry:?}");
        assert_eq!(entry.job.is_some(), entry.surface == Surface::Job);
        assert_eq!(
            (entry.class_id, entry.score.is_some()),
            match entry.operation.as_str() {
                "model" => (None, false),
                _ => (Some(1), true),
            }
        );
    }
    let models: Value = app.get("/v1/models").await.json().await.unwrap();
    let digits = &models["models"][0];
    assert_eq!((&digits["requests"], &digits["failures"]), (&json!(5), &json!(0)));
    let latency = |rank: &str| digits["latency"][rank].as_f64().unwrap();
    assert!(0.0 < latency("p50_ms") && latency("p50_ms") <= latency("p99_ms"), "{digits}");
    assert!(digits["latency"]["count"].as_u64() > Some(0), "{digits}");
    assert!(digits["memory_bytes"].as_u64() > Some(1_000), "{digits}");
    app.finish().await;
}

/// Needs no runtime: none of them gets as far as a model.
#[tokio::test(flavor = "multi_thread")]
async fn what_never_reached_a_model_is_in_the_log_too() {
    let app = App::with(|config| "no-such@7".clone_into(&mut config.models.classify)).await;
    let key = app.key("rose", Role::User).await;
    for text in ["???".to_owned(), String::new(), BASE64_STANDARD.encode("no picture")] {
        assert_eq!(app.post("/mnist/").json(&json!({ "base64": text })).send().await.unwrap().status(), 400);
    }
    let photo = app.post("/predict").bearer_auth(&key).multipart(form(one(), "photo.png"));
    assert_eq!(photo.send().await.unwrap().status(), 406);
    let told = |entry: &Prediction| (entry.code.clone().unwrap(), entry.model.clone(), entry.version.clone());
    let entries = logged(&app.client).await;
    let digits = |code: &str| (code.to_owned(), Some("digits".to_owned()), Some("1".to_owned()));
    assert_eq!(
        entries.iter().map(told).collect::<Vec<_>>(),
        [
            ("unknown_model".to_owned(), Some("no-such".to_owned()), Some("7".to_owned())),
            digits("not_an_image"),
            digits("missing_image"),
            digits("invalid_job"),
        ]
    );
    let [unknown, not_an_image, ..] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((unknown.file_name.as_deref(), unknown.digest.as_deref()), (Some("photo.png"), None));
    let bytes = darkroom_core::BlobId::of(b"no picture").to_string();
    assert_eq!(
        (not_an_image.input.as_ref(), not_an_image.outcome),
        (Some(&bytes), PredictionOutcome::Failed)
    );
    assert!(not_an_image.message.as_ref().unwrap().ends_with('.'));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_see_their_own_predictions_and_operators_see_all() {
    let app = App::with(|config| config.auth.anonymous = Anonymous::Never).await;
    let (ann, bob) = (app.user("ann", Role::User).await, app.user("bob", Role::User).await);
    let operator = app.user("op", Role::Operator).await;
    let both = ["ann", "bob"].map(|owner| prediction(owner, owner)).to_vec();
    app.store.record(both).await.unwrap();
    let owners = async |client: &Client, owner: Option<&str>| {
        let options = PredictionOptions { owner: owner.map(str::to_owned), ..PredictionOptions::default() };
        let page = client.predictions(&options).await.unwrap();
        let listed: Vec<String> = page.predictions.into_iter().map(|entry| entry.owner).collect();
        let lines = exported(client, &options, PredictionFormat::Jsonl).await;
        let told = lines.lines().map(|line| serde_json::from_str::<Prediction>(line).unwrap().owner);
        assert_eq!(told.collect::<Vec<_>>(), listed, "both routes show the same");
        listed
    };
    assert_eq!(owners(&ann, None).await, ["ann"]);
    assert_eq!(owners(&bob, Some("bob")).await, ["bob"]);
    assert_eq!(owners(&bob, Some("ann")).await, [] as [&str; 0]);
    assert_eq!(owners(&operator, None).await, ["bob", "ann"]);
    assert_eq!(owners(&operator, Some("ann")).await, ["ann"]);
    for path in ["/v1/predictions", "/v1/predictions/export"] {
        assert_eq!(problem(app.get(path).await).await.code, Code::NotAuthenticated);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_thousands_is_exported_whole_and_a_page_at_a_time() {
    let app = App::start().await;
    let entry = |number: u32| NewPrediction {
        answer: Answer::Given(Some(Best { class: number, label: None, score: 0.5 })),
        ..prediction("ann", "")
    };
    app.store.record((0..1_234).map(entry).collect()).await.unwrap();
    let all = PredictionOptions::default();
    let lines = exported(&app.client, &all, PredictionFormat::Jsonl).await;
    let classes = |text: &str| -> Vec<u32> {
        text.lines().map(|line| serde_json::from_str::<Prediction>(line).unwrap().class_id.unwrap()).collect()
    };
    assert_eq!(classes(&lines), (0..1_234).rev().collect::<Vec<_>>());
    let mut paged = Vec::new();
    let mut options = PredictionOptions { limit: Some(500), ..all.clone() };
    loop {
        let page = app.client.predictions(&options).await.unwrap();
        paged.extend(page.predictions.into_iter().map(|entry| entry.class_id.unwrap()));
        options.cursor = page.next_cursor;
        if options.cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, classes(&lines));
    let table = exported(&app.client, &all, PredictionFormat::Csv).await;
    assert_eq!(table.lines().count(), 1 + 1_234);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_for_tables_holds_no_formulas() {
    let app = App::start().await;
    let name = FileName::clean("=cmd|' 'A0,\"x\".png");
    app.store.record(vec![NewPrediction { file_name: name, ..prediction("ann", "@SUM(1)") }]).await.unwrap();
    let answer = app.get("/v1/predictions/export?format=csv").await;
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8");
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"predictions.csv\"");
    let text = answer.text().await.unwrap();
    assert!(text.contains(r#","'=cmd|' 'A0,""x"".png","#) && text.contains(r#","'@SUM(1)","#), "{text}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_and_mistakes_in_them_are_told() {
    let app = App::start().await;
    let failed = NewPrediction { answer: Answer::failed("overloaded", "Later."), ..prediction("bob", "") };
    app.store.record(vec![prediction("ann", "7"), prediction("ann", "8"), failed]).await.unwrap();
    for (query, count) in [
        ("label=7", 1),
        ("outcome=failed", 1),
        ("outcome=answered&owner=ann", 2),
        ("model=digits&version=1&surface=digit", 3),
        ("surface=job", 0),
        ("since=2023-11-14T22:13:20Z", 3),
        ("until=2023-11-14T22:13:20Z", 0),
        ("until=2123-11-14T22:13:20Z&since=2123-11-14T22:13:20Z", 0),
    ] {
        let page: Value = app.get(&format!("/v1/predictions?{query}")).await.json().await.unwrap();
        assert_eq!(page["predictions"].as_array().unwrap().len(), count, "{query}");
    }
    let wrong =
        ["surface=moon", "outcome=maybe", "since=noon", "limit=0", "cursor=1", "colour=red", "owner=%20"];
    for query in wrong {
        let refused = problem(app.get(&format!("/v1/predictions?{query}")).await).await;
        assert_eq!(refused.code, Code::InvalidParameter, "{query}");
    }
    let refused = problem(app.get("/v1/predictions/export?format=xml").await).await;
    assert_eq!(refused.detail, "`format`: is jsonl or csv");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_switched_off_stays_empty() {
    let app = App::with(|config| config.predictions.enabled = false).await;
    app.post("/mnist/").json(&json!({ "base64": "???" })).send().await.unwrap();
    assert_eq!(logged(&app.client).await, []);
    let metrics = app.get("/metrics").await.text().await.unwrap();
    let counted = r#"darkroom_predictions_total{ending="failed",surface="digit"} 1"#;
    assert!(metrics.contains(counted), "it is counted all the same");
    app.finish().await;
}
