//! Who may ask, how often, and how every refusal under `/v2` looks.

use std::{net::SocketAddr, time::Duration};

use darkroom_core::user::Role;
use darkroom_server::{accounts::Anonymous, config::ByteSize};
use serde_json::json;

use super::{Served, refused};
use crate::{http::raw, patience::soon};

/// Takes seconds: each of the doublings is quick, but there are many.
fn long() -> serde_json::Value {
    json!({ "inputs": [
        { "name": "times", "shape": [], "datatype": "INT64", "data": [2_000_000_000] },
        { "name": "x", "shape": [1], "datatype": "FP32", "data": [0] },
    ] })
}

#[tokio::test(flavor = "multi_thread")]
async fn models_answer_who_has_a_key_or_a_token() {
    let closed = |config: &mut darkroom_server::Config| config.auth.anonymous = Anonymous::Never;
    let Some(app) = Served::with(closed).await else { return };
    let open = ["/v2", "/v2/health/live", "/v2/health/ready"];
    for path in open {
        assert_eq!(app.get(path).await.status(), 200, "{path}");
    }
    for path in ["/v2/models/digits", "/v2/models/digits/ready", "/v2/models/nobody/config"] {
        let answer = app.get(path).await;
        assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
        assert_eq!(refused(answer).await.0, 401, "{path}");
    }
    for path in ["/v2/models/digits/infer", "/v2/repository/index"] {
        let wrong = app.post(path).bearer_auth("dk_wrong").send().await.unwrap();
        assert_eq!(refused(wrong).await.0, 401, "{path}");
    }
    let key = app.key("ann", Role::User).await;
    let form = [("grant_type", "password"), ("username", "ann"), ("password", crate::http::app::PASSWORD)];
    let token =
        app.post("/token").form(&form).send().await.unwrap().json::<serde_json::Value>().await.unwrap();
    for credential in [key.as_str(), token["access_token"].as_str().unwrap()] {
        let ready = app.http.get(app.at("/v2/models/digits/ready")).bearer_auth(credential);
        assert_eq!(ready.send().await.unwrap().status(), 200);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_has_the_form_of_the_protocol() {
    let Some(app) = Served::with(|config| config.http.max_infer_body = ByteSize(1_000)).await else { return };
    for path in ["/v2/nothing", "/v2/", "/v2/models", "/v2/models/digits/stats", "/v2/models/digits/versions"]
    {
        let (status, _) = match app.get(path).await {
            answer if answer.status() == 200 => {
                assert_eq!(path, "/v2/");
                continue;
            }
            answer => refused(answer).await,
        };
        assert_eq!(status, 404, "{path}");
    }
    for path in ["/v2/systemsharedmemory/region/r/register", "/v2/repository/models/digits/load"] {
        assert_eq!(refused(app.post(path).send().await.unwrap()).await.0, 404, "{path}");
    }
    assert_eq!(refused(app.get("/v2/models/digits/infer").await).await.0, 405);
    assert_eq!(refused(app.http.delete(app.at("/v2")).send().await.unwrap()).await.0, 405);
    assert_eq!(
        refused(app.post("/v2/models/digits/infer").body(vec![b' '; 1_001]).send().await.unwrap()).await.0,
        413
    );
    let answer = raw::get(&app, "/v2/models/%ff/ready").await;
    assert!(answer.status == 400 && answer.text.contains("{\"error\":"), "{}", answer.text);
    // Beside it, problems are problems.
    assert_eq!(app.get("/v2x").await.headers()["content-type"], "application/problem+json");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_question_is_in_the_inference_log() {
    let Some(app) = Served::start().await else { return };
    let image = crate::http::models::one();
    let id = darkroom_core::BlobId::of(&image).to_string();
    let ask = app.post("/v2/models/digits/infer").header("inference-header-content-length", 0).body(image);
    assert_eq!(ask.send().await.unwrap().status(), 200);
    assert_eq!(refused(app.ask("int8", &json!({ "inputs": [] })).await).await.0, 400);
    assert_eq!(refused(app.ask("nobody/versions/7", &json!({})).await).await.0, 404);
    let log: serde_json::Value = app.get("/v1/predictions?surface=infer").await.json().await.unwrap();
    let [unknown, bad, good] = &log["predictions"].as_array().unwrap()[..] else { panic!("{log}") };
    assert_eq!((&good["model"], &good["input"]), (&json!("digits"), &json!(id)), "{good}");
    assert_eq!((&good["class_id"], &good["label"]), (&json!(1), &json!("1")), "{good}");
    assert!(good["score"].as_f64().unwrap() > 0.9 && good["model_us"].as_u64().unwrap() > 0, "{good}");
    assert_eq!((&bad["model"], &bad["code"]), (&json!("int8"), &json!("invalid_job")), "{bad}");
    assert_eq!((&unknown["model"], &unknown["version"]), (&json!("nobody"), &json!("7")), "{unknown}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_waits() {
    let change = |config: &mut darkroom_server::Config| {
        config.auth.anonymous = Anonymous::Never;
        config.quota.requests_per_second = 1;
        config.quota.burst = 2;
    };
    let Some(app) = Served::with(change).await else { return };
    let key = app.key("ann", Role::User).await;
    let ask = async || {
        let asked = app.http.get(app.at("/v2/models/nobody")).bearer_auth(&key).send().await.unwrap();
        refused(asked).await.0
    };
    for _ in 0..2 {
        assert_eq!(ask().await, 404);
    }
    let refusal = async {
        loop {
            match ask().await {
                404 => {}
                other => break other,
            }
        }
    };
    assert_eq!(soon("a refusal of one who asks more than once a second", refusal).await, 429);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_server_says_when_to_come_back() {
    let change = |config: &mut darkroom_server::Config| {
        config.http.max_looks = 1;
        config.http.submission_patience = Duration::from_millis(20);
        config.models.run_time = Duration::from_secs(3);
    };
    let Some(app) = Served::with(change).await else { return };
    let quick = json!({ "inputs": [{ "name": "x", "shape": [1], "datatype": "INT8", "data": [7] }] });
    assert_eq!(app.answer("int8", &quick).await["outputs"][0]["data"], json!([7]));
    let long = async {
        // Until no quick one is in its way.
        loop {
            let (status, told) = refused(app.ask("slow", &long()).await).await;
            assert_eq!(status, 503, "{told}");
            if told.contains("did not answer within 3s") {
                break;
            }
        }
    };
    let busy = async {
        // Until the place is taken, the quick ones are answered.
        loop {
            let answer = app.ask("int8", &quick).await;
            if answer.status() != 200 {
                break refused(answer).await;
            }
        }
    };
    let ((), busy) = soon("a refusal while the one place is taken", async { tokio::join!(long, busy) }).await;
    assert_eq!(busy.0, 503, "{}", busy.1);
    assert_eq!(app.ask("int8", &quick).await.status(), 200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_went_away_keeps_nobody_waiting() {
    /// How many go away, and how long each of their questions would run.
    const GONE: u64 = 6;
    const RUN_TIME: Duration = Duration::from_secs(5);
    let change = |config: &mut darkroom_server::Config| {
        config.models.sessions = 1;
        config.models.run_time = RUN_TIME;
    };
    let Some(app) = Served::with(change).await else { return };
    assert_eq!(app.get("/v2/models/slow/ready").await.status(), 200);
    let running = app.post("/v2/models/slow/infer").body(long().to_string()).send();
    let address: SocketAddr = app.base.trim_start_matches("http://").parse().unwrap();
    let waiting = async || {
        let models: serde_json::Value = app.get("/v1/models").await.json().await.unwrap();
        let models = models["models"].as_array().unwrap();
        models.iter().find(|model| model["name"] == "slow").unwrap()["waiting"].as_u64().unwrap()
    };
    let away = async {
        let body = long().to_string();
        let head = format!(
            "POST /v2/models/slow/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut streams = Vec::new();
        // The first of all questions runs; these wait for it.
        while waiting().await < GONE {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, format!("{head}{body}").as_bytes())
                .await
                .unwrap();
            streams.push(stream);
        }
        drop(streams);
    };
    let (first, ()) = tokio::join!(running, away);
    assert_eq!(refused(first.unwrap()).await.0, 503);
    // Had they been run, each would have taken its time.
    let asked = std::time::Instant::now();
    let ask = json!({ "inputs": [
        { "name": "times", "shape": [], "datatype": "INT64", "data": [1] },
        { "name": "x", "shape": [1], "datatype": "FP32", "data": [4] },
    ] });
    assert_eq!(app.answer("slow", &ask).await["outputs"][0]["data"], json!([8.0]));
    assert!(asked.elapsed() < RUN_TIME * GONE as u32, "{:?}", asked.elapsed());
    app.finish().await;
}
