//! What the server says about itself, and what surrounds every answer.

use darkroom_api::{Code, Stats, client::ListOptions};

use super::{
    app::{App, problem},
    images,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_path_with_and_without_a_slash_is_the_same_route() {
    let app = App::start().await;
    for (method, path) in darkroom_server::http::routes() {
        let path = path
            .replace("{id}", "x")
            .replace("{name}", "x")
            .replace("{file}", "start.js")
            .replace("{file_id}", "1");
        let plain = path.trim_end_matches('/').to_owned();
        if plain.is_empty() || path.contains("/metrics") {
            continue;
        }
        let method: reqwest::Method = method.as_str().to_uppercase().parse().unwrap();
        let ask = async |path: &str| {
            let answer = app.http.request(method.clone(), app.at(path)).send().await.unwrap();
            (answer.status(), answer.headers().get("content-type").cloned())
        };
        assert_eq!(ask(&plain).await, ask(&format!("{plain}/")).await, "{path}");
    }
    let sent =
        app.post("/v1/jobs/?op=thumbnail&width=5&wait=30").body(images::png(9, 9)).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_methods_are_told_the_known_ones() {
    let app = App::start().await;
    for (path, allowed) in [("/v1/jobs", ["GET", "POST"]), ("/v1/jobs/x", ["GET", "DELETE"])] {
        for method in ["PUT", "PATCH", "OPTIONS", "TRACE", "BREW"] {
            let answer = app.http.request(method.parse().unwrap(), app.at(path)).send().await.unwrap();
            let allow = answer.headers()["allow"].to_str().unwrap().to_owned();
            assert!(allowed.iter().all(|method| allow.contains(method)), "{method} {path}: {allow}");
            assert_eq!(problem(answer).await.code, Code::MethodNotAllowed);
        }
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_ids_are_taken_over_if_they_are_sane() {
    let app = App::start().await;
    let ask = async |id: &str| {
        let answer = app.http.get(app.at("/nowhere")).header("x-request-id", id).send().await.unwrap();
        problem(answer).await.request_id
    };
    assert_eq!(ask("trace-7.b_C").await, "trace-7.b_C");
    for odd in ["", "a b", "a\"b", "{}", &"a".repeat(65)] {
        let given = ask(odd).await;
        assert!(given != odd && given.len() == 36, "{odd} gave {given}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_counts_and_metrics_tell_what_happened() {
    let app = App::start().await;
    app.thumbnail(images::png(9, 9), 5).await;
    assert_eq!(app.get("/livez").await.text().await.unwrap(), "ok");
    let ready: serde_json::Value = app.get("/readyz").await.json().await.unwrap();
    assert_eq!(
        ready,
        serde_json::json!({ "ready": true, "checks": { "store": "ok", "blobs": "ok", "workers": "ok" } })
    );
    let version = app.client.version().await.unwrap();
    assert_eq!(version.name, "darkroom");
    let stats: Stats = app.client.stats().await.unwrap();
    assert_eq!((stats.jobs.succeeded, stats.operations[0].succeeded), (1, 1));
    assert!(stats.finished_per_minute > 0.0);
    let workers = app.client.workers().await.unwrap().workers;
    assert_eq!((workers.len(), workers[0].pid), (1, std::process::id()));
    let operations = app.client.operations().await.unwrap().operations;
    assert_eq!(operations[0].name, "thumbnail");
    assert_eq!(operations[0].parameters["properties"]["mode"]["enum"][0], "fit");
    let metrics = app.get("/metrics").await;
    assert!(metrics.headers()["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    let metrics = metrics.text().await.unwrap();
    let lines = [
        r#"darkroom_http_requests_total{method="POST",route="/v1/jobs",status="2xx"} 1"#,
        r#"darkroom_jobs{state="succeeded"} 1"#,
    ];
    for line in lines {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    let index: serde_json::Value = app.get("/v1").await.json().await.unwrap();
    for path in index["links"].as_object().unwrap().values() {
        assert!(app.get(path.as_str().unwrap()).await.status() != 404, "{path}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_are_held_and_let_go() {
    let app = App::start().await;
    for _ in 0..2 {
        app.client.pause("nightly/big").await.unwrap();
    }
    let sent = app
        .post("/v1/jobs?op=thumbnail&width=5&queue=nightly/big")
        .body(images::png(9, 9))
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 202);
    let queues = app.client.queues().await.unwrap().queues;
    let queue = queues.iter().find(|queue| queue.name == "nightly/big").unwrap();
    assert_eq!((queue.paused, queue.jobs.held, queue.jobs.queued), (true, 1, 0));
    app.client.resume("nightly/big").await.unwrap();
    let job = app.client.jobs(&ListOptions::default()).await.unwrap().jobs.remove(0);
    app.client.wait(&job.id).await.unwrap();
    let wrong = app.post("/v1/queues/a%20b/pause").send().await.unwrap();
    assert_eq!(problem(wrong).await.code, Code::InvalidParameter);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_a_queue_is_set_told_and_lifted() {
    let app = App::start().await;
    let told = async || {
        let queues = app.client.queues().await.unwrap().queues;
        let queue = queues.iter().find(|queue| queue.name == "nightly/big").unwrap();
        (queue.max_running, queue.oldest_queued)
    };
    app.client.limit("nightly/big", Some(3)).await.unwrap();
    assert_eq!(told().await, (Some(3), None));
    app.client.pause("nightly/big").await.unwrap();
    let sent = app.post("/v1/jobs?op=thumbnail&width=5&queue=nightly/big").body(images::png(9, 9));
    assert_eq!(sent.send().await.unwrap().status(), 202);
    let job = app.client.jobs(&ListOptions::default()).await.unwrap().jobs.remove(0);
    assert_eq!(told().await, (Some(3), Some(job.created_at)));
    assert_eq!(app.client.stats().await.unwrap().queues[0].max_running, Some(3));
    let limit = |body: &str| app.post("/v1/queues/nightly%2Fbig/limit").body(body.to_owned());
    let json = |body| limit(body).header("content-type", "application/json");
    let unfit = [
        r#"{"max_running":0}"#,
        r#"{"max_running":100001}"#,
        r#"{"max_running":-1}"#,
        r#"{"max_running":1.5}"#,
        r#"{"max_running":"many"}"#,
        r#"{"max":4}"#,
        "{}",
        "[4]",
    ];
    for body in unfit {
        assert_eq!(problem(json(body).send().await.unwrap()).await.code, Code::InvalidLimit, "{body}");
    }
    assert_eq!(problem(json("{").send().await.unwrap()).await.code, Code::MalformedBody);
    let plain = limit("{}").header("content-type", "text/plain").send().await.unwrap();
    assert_eq!(problem(plain).await.code, Code::UnsupportedMediaType);
    assert_eq!(told().await.0, Some(3), "what is refused changes nothing");
    app.client.limit("nightly/big", None).await.unwrap();
    app.client.resume("nightly/big").await.unwrap();
    app.client.wait(&job.id).await.unwrap();
    assert_eq!(told().await, (None, None));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn web_pages_of_other_origins_may_call_only_when_told() {
    let ask = async |app: &App| {
        let answer =
            app.http.get(app.at("/version")).header("origin", "https://a.example").send().await.unwrap();
        answer.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned())
    };
    let app = App::start().await;
    assert_eq!(ask(&app).await, None);
    app.finish().await;
    let app = App::with(|config| config.http.cors_origins = vec!["https://a.example".to_owned()]).await;
    assert_eq!(ask(&app).await.as_deref(), Some("https://a.example"));
    let preflight =
        app.http.request(reqwest::Method::OPTIONS, app.at("/v1/jobs")).header("origin", "https://a.example");
    let preflight = preflight.header("access-control-request-method", "POST").send().await.unwrap();
    assert_eq!(preflight.status(), 200);
    app.finish().await;
}
