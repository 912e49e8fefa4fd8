//! Every problem of the table, provoked over HTTP, and compared with how it looked last time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use base64::Engine;
use darkroom_api::{Code, Problem};
use darkroom_core::{
    SystemClock,
    store::{StoreError, StoreLimits},
    user::Role,
};
use darkroom_server::config::ByteSize;
use darkroom_store::Memory;
use hmac::{Hmac, Mac};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::{
    app::{App, problem},
    faulty::{Fault, Faulty},
    images, models, raw,
};
use crate::patience::soon;

const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/http/problems.snapshot.json");
const NOBODY: &str = "018f0000-0000-7000-8000-000000000000";

struct Seen(BTreeMap<String, serde_json::Value>);

impl Seen {
    async fn see(&mut self, code: Code, request: RequestBuilder) {
        let found = problem(request.send().await.unwrap()).await;
        self.add(code, found);
    }

    fn add(&mut self, code: Code, found: Problem) {
        assert_eq!(found.code, code, "{}", found.detail);
        let words = found.detail.to_lowercase();
        for internal in ["/tmp", "sqlite", "os error", "panicked", "secret"] {
            assert!(!words.contains(internal), "{code} tells internals: {words}");
        }
        let shown = serde_json::to_value(Problem { request_id: "…".to_owned(), ..found }).unwrap();
        self.0.insert(code.to_string(), shown);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_problem_can_happen_and_looks_as_generated() {
    let mut seen = Seen(BTreeMap::new());
    requests(&mut seen).await;
    images_and_addresses(&mut seen).await;
    jobs_and_artifacts(&mut seen).await;
    runs(&mut seen).await;
    users_and_keys(&mut seen).await;
    store_faults(&mut seen).await;
    crowds(&mut seen).await;
    // That there is no face only fetched models can tell: the tests of faces provoke it.
    let provoked = |code: &&Code| seen.0.contains_key(code.as_str()) || **code == Code::NoFace;
    let missing: Vec<_> = Code::ALL.iter().filter(|code| !provoked(code)).collect();
    assert!(missing.is_empty(), "never provoked: {missing:?}");

    let shown = serde_json::to_string_pretty(&seen.0).unwrap() + "\n";
    if std::env::var_os("DARKROOM_WRITE_DOCS").is_some() {
        std::fs::write(SNAPSHOT, &shown).unwrap();
    }
    let known = std::fs::read_to_string(SNAPSHOT).unwrap_or_default();
    assert_eq!(shown, known, "run with DARKROOM_WRITE_DOCS=1 to accept");
}

async fn requests(seen: &mut Seen) {
    let app = App::start().await;
    let json = || app.post("/v1/jobs").header("content-type", "application/json");
    seen.see(Code::MalformedBody, json().body("{")).await;
    seen.see(Code::InvalidJob, json().body("{}")).await;
    seen.see(Code::InvalidParameter, app.http.get(app.at("/v1/jobs?limit=0"))).await;
    let limit = app.post("/v1/queues/q/limit").header("content-type", "application/json");
    seen.see(Code::InvalidLimit, limit.body(r#"{"max_running":0}"#)).await;
    seen.see(Code::NotFound, app.http.get(app.at("/v3"))).await;
    seen.see(Code::MethodNotAllowed, app.http.put(app.at("/v1/jobs"))).await;
    seen.see(Code::UnsupportedMediaType, app.post("/v1/jobs").header("content-type", "text/plain").body("x"))
        .await;
    seen.see(Code::MissingImage, app.post("/v1/jobs?op=thumbnail&width=5")).await;
    app.finish().await;
    // Of its own: the others are to have all the time that they need.
    let app = App::with(|config| config.http.body_timeout = Duration::from_millis(100)).await;
    let head = "POST /v1/jobs?op=thumbnail&width=5 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 9\r\n\r\n1";
    let answer = raw::send(&app, head.as_bytes()).await;
    let body = answer.text.split("\r\n\r\n").nth(1).unwrap_or_default();
    seen.add(Code::RequestTimeout, serde_json::from_str(body).unwrap());
    app.finish().await;
}

async fn images_and_addresses(seen: &mut Seen) {
    let app = App::with(|config| {
        config.limits.input_bytes = ByteSize(64 << 10);
        config.http.fetch_private = true;
    })
    .await;
    let send = |image: Vec<u8>| app.post("/v1/jobs?op=thumbnail&width=5").body(image);
    seen.see(Code::BodyTooLarge, send(vec![0; 70 << 10])).await;
    seen.see(Code::NotAnImage, send(b"<html>no</html>".to_vec())).await;
    seen.see(Code::UnsupportedImage, send(b"\0\0\0\x18ftypheic\0\0\0\0heicmif1".to_vec())).await;
    seen.see(Code::DamagedImage, send(images::png(9, 9)[..20].to_vec())).await;
    seen.see(Code::ImageLimit, send(images::png_claiming(65_000, 65_000))).await;
    let json = |image: &str| {
        let body = format!(r#"{{"image":{image},"operations":[{{"op":"thumbnail","width":5}}]}}"#);
        app.post("/v1/jobs").header("content-type", "application/json").body(body)
    };
    seen.see(Code::UnknownModel, app.post("/v1/jobs?op=classify&model=nobody").body(images::png(9, 9))).await;
    // No runtime is installed in a new data folder.
    let digit = base64::engine::general_purpose::STANDARD.encode(models::one());
    seen.see(Code::ModelUnavailable, app.post("/mnist/").json(&json!({ "base64": digit }))).await;
    seen.see(Code::UnknownBlob, json(r#"{"blob":"00"}"#)).await;
    seen.see(Code::UrlRefused, json(r#"{"url":"ftp://example.org/a.png"}"#)).await;
    // Nothing listens on the discard port.
    seen.see(Code::UrlFailed, json(r#"{"url":"http://127.0.0.1:9/a.png"}"#)).await;
    let keyed = |width: u32| send(images::png(width, 9)).header("idempotency-key", "k");
    assert_eq!(keyed(9).send().await.unwrap().status(), 202);
    seen.see(Code::IdempotencyConflict, keyed(8)).await;
    app.finish().await;
}

async fn jobs_and_artifacts(seen: &mut Seen) {
    let app = App::start().await;
    let job = app.thumbnail(images::png(9, 9), 5).await;
    let id = &job.summary.id;
    let artifact = app.at(&format!("/v1/jobs/{id}/artifacts/thumbnail.jpg"));
    seen.see(Code::JobNotFound, app.http.get(app.at(&format!("/v1/jobs/{NOBODY}")))).await;
    seen.see(Code::ArtifactNotFound, app.http.get(app.at(&format!("/v1/jobs/{id}/artifacts/no")))).await;
    seen.see(Code::JobSucceeded, app.post(&format!("/v1/jobs/{id}/retry"))).await;
    seen.see(Code::RangeNotSatisfiable, app.http.get(&artifact).header("range", "bytes=999999-")).await;
    seen.see(Code::SignatureInvalid, app.http.get(format!("{artifact}?expires=99999999999&signature=AAAA")))
        .await;
    let mut mac = <Hmac<sha2::Sha256> as Mac>::new_from_slice(&[7; 32]).unwrap();
    mac.update(format!("artifact\n{id}\n1000\nthumbnail.jpg").as_bytes());
    let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    seen.see(Code::SignatureExpired, app.http.get(format!("{artifact}?expires=1000&signature={signature}")))
        .await;
    app.finish().await;
}

async fn runs(seen: &mut Seen) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.png"), images::png(9, 9)).unwrap();
    let root = folder.path().to_str().unwrap().to_owned();
    let app = App::with(|config| config.sources.roots = vec![root.clone()]).await;
    let make = |source: serde_json::Value| {
        let operations = json!([{ "op": "thumbnail", "width": 5 }]);
        app.post("/v1/runs").json(&json!({ "source": source, "operations": operations }))
    };
    seen.see(Code::InvalidRun, make(json!({ "kind": "moon" }))).await;
    seen.see(Code::SourceRefused, make(json!({ "kind": "folder", "path": "/etc" }))).await;
    seen.see(Code::RunNotFound, app.http.get(app.at(&format!("/v1/runs/{NOBODY}")))).await;
    // Nothing of it is worked on, so that it cannot succeed first.
    app.client.pause("default").await.unwrap();
    let answer = make(json!({ "kind": "folder", "path": root })).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let place = answer.headers()["location"].to_str().unwrap().to_owned();
    let cancelled = app.post(&format!("{place}/cancel")).send().await.unwrap();
    assert_eq!(cancelled.status(), 200);
    seen.see(Code::RunState, app.post(&format!("{place}/resume"))).await;
    app.finish().await;
}

async fn users_and_keys(seen: &mut Seen) {
    let app = App::with(|config| {
        config.auth.attempts = 2;
        config.quota.open_jobs = 1;
    })
    .await;
    let (admin, key) = (app.key("root", Role::Admin).await, app.key("ann", Role::User).await);
    let get = |path: &str, key: &str| app.http.get(app.at(path)).bearer_auth(key);
    let post = |path: &str, key: &str, body: serde_json::Value| app.post(path).bearer_auth(key).json(&body);
    seen.see(Code::NotAuthenticated, app.http.get(app.at("/v1/users"))).await;
    seen.see(Code::InvalidToken, get("/v1/me", "dk_wrong")).await;
    seen.see(Code::Forbidden, get("/v1/users", &key)).await;
    seen.see(Code::UserNotFound, post("/v1/users/nobody", &admin, json!({}))).await;
    seen.see(Code::KeyNotFound, app.http.delete(app.at(&format!("/v1/keys/{NOBODY}"))).bearer_auth(&key))
        .await;
    let ann = json!({ "name": "ann", "password": "correct horse" });
    seen.see(Code::UserExists, post("/v1/users", &admin, ann)).await;
    seen.see(Code::LastAdmin, app.http.delete(app.at("/v1/users/root")).bearer_auth(&admin)).await;
    seen.see(Code::InvalidAccount, post("/v1/keys", &key, json!({ "name": "" }))).await;
    let change = json!({ "current": "wrong", "new": "battery staple" });
    for _ in 0..2 {
        seen.see(Code::WrongPassword, post("/v1/me/password", &key, change.clone())).await;
    }
    seen.see(Code::RateLimited, post("/v1/me/password", &key, change)).await;
    app.client.pause("q").await.unwrap();
    let send = || app.post("/v1/jobs?op=thumbnail&width=5&queue=q").bearer_auth(&key).body(images::png(9, 9));
    assert_eq!(send().send().await.unwrap().status(), 202);
    seen.see(Code::QuotaExceeded, send()).await;
    app.finish().await;
}

async fn store_faults(seen: &mut Seen) {
    let store = Arc::new(Faulty::new(Memory::new(StoreLimits::default(), Arc::new(SystemClock))));
    let app = App::over(Arc::clone(&store) as _, |_| {}).await;
    let job = app.at(&format!("/v1/jobs/{NOBODY}"));
    let faults: [(Code, Method, Fault); 5] = [
        (Code::JobOfRun, Method::DELETE, || StoreError::PartOfRun),
        (Code::JobRunning, Method::DELETE, || StoreError::Running),
        (Code::StoreUnavailable, Method::GET, || StoreError::Unavailable("secret".to_owned())),
        (Code::Internal, Method::GET, || StoreError::Internal("secret".into())),
        (Code::DiskFull, Method::DELETE, || StoreError::DiskFull),
    ];
    for (code, method, fault) in faults {
        store.set(Some(fault));
        seen.see(code, app.http.request(method, &job)).await;
    }
    store.set(Some(|| StoreError::Unavailable("the database is locked".to_owned())));
    seen.see(Code::NotReady, app.http.get(app.at("/readyz"))).await;
    store.set(None);
    assert_eq!(app.get("/readyz").await.status(), 200);
    // Where blobs are written is a file now.
    let blob = app.blobs.local_path(darkroom_core::BlobId::of(b""));
    let tmp = blob.ancestors().nth(2).unwrap().join("tmp");
    std::fs::remove_dir_all(&tmp).unwrap();
    std::fs::write(&tmp, b"").unwrap();
    let send = app.post("/v1/jobs?op=thumbnail&width=5").body(images::png(9, 9));
    seen.see(Code::BlobsUnavailable, send).await;
    app.finish().await;
}

async fn crowds(seen: &mut Seen) {
    let limits = StoreLimits { max_waiting: 1, ..StoreLimits::default() };
    let store = Memory::new(limits, Arc::new(SystemClock));
    let app = App::over(Arc::new(store), |config| {
        config.http.max_submissions = 1;
        config.http.submission_patience = Duration::from_millis(20);
    })
    .await;
    app.client.pause("q").await.unwrap();
    let send = || app.post("/v1/jobs?op=thumbnail&width=5&queue=q").body(images::png(9, 9));
    assert_eq!(send().send().await.unwrap().status(), 202);
    seen.see(Code::QueueFull, send()).await;
    let mut slow = raw::connect(&app).await;
    let head = "POST /v1/jobs?op=thumbnail&width=5 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1";
    slow.write_all(head.as_bytes()).await.unwrap();
    // The one place is taken as soon as the server has read the head.
    let refusal = async {
        loop {
            let answer = send().send().await.unwrap();
            if answer.status() == 503 {
                break problem(answer).await;
            }
        }
    };
    seen.add(Code::Overloaded, soon("a refusal while the one place is taken", refusal).await);
    drop(slow);
    app.finish().await;
}
