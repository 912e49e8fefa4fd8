//! Requests that mean no good.

use std::time::Duration;

use darkroom_api::{Code, client::ListOptions};
use tokio::io::AsyncWriteExt;

use super::{
    app::{App, problem},
    images, raw,
};
use crate::patience::soon;

#[tokio::test(flavor = "multi_thread")]
async fn paths_lead_nowhere() {
    let app = App::start().await;
    let targets = [
        "/..",
        "/../etc/passwd",
        "/v1/../v1/jobs",
        "//v1/jobs",
        "/v1//jobs",
        "/v1/jobs/%2e%2e/%2e%2e",
        "/docs/..%2f..%2fetc%2fpasswd",
        "/docs/%00",
        "/%ff",
    ];
    for target in targets {
        let answer = raw::get(&app, target).await;
        assert!([400, 404].contains(&answer.status), "{target}: {}", answer.text);
    }
    let long = format!("/v1/jobs/{}", "a".repeat(60_000));
    assert_eq!(raw::get(&app, &long).await.status, 404);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn header_tricks_are_refused() {
    let app = App::start().await;
    let heads = [
        ("GET / HTTP/1.1\r\nHost: localhost\r\nA: b\0c\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
        (
            "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\nConnection: close\r\n\r\n",
            400,
        ),
        ("NONSENSE\r\n\r\n", 400),
    ];
    for (head, status) in heads {
        let answer = raw::send(&app, head.as_bytes()).await;
        assert_eq!(answer.status, status, "{head:?}: {}", answer.text);
    }
    let many = "GET / HTTP/1.1\r\nHost: localhost\r\n".to_owned() + &"A: b\r\n".repeat(200) + "\r\n";
    assert_eq!(raw::send(&app, many.as_bytes()).await.status, 431);
    let large = format!("GET / HTTP/1.1\r\nHost: localhost\r\nA: {}\r\n\r\n", "a".repeat(200_000));
    assert_eq!(raw::send(&app, large.as_bytes()).await.status, 431);
    let injected = app.http.get(app.at("/nowhere%0d%0aX-Evil:%201")).send().await.unwrap();
    assert!(injected.headers().get("x-evil").is_none());
    assert_eq!(problem(injected).await.code, Code::NotFound);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_forms_are_refused() {
    let app = App::start().await;
    let kinds = ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=X"];
    let bodies = [
        "",
        "--X",
        "--X--",
        "--X\r\n\r\n",
        "--X\r\nContent-Disposition: form-data; name=image\r\n\r\nabc",
        "\0\u{1}\u{2}",
    ];
    for kind in kinds {
        for body in bodies {
            let sent = app.post("/v1/jobs?op=thumbnail&width=5").header("content-type", kind).body(body);
            let code = problem(sent.send().await.unwrap()).await.code;
            assert!(matches!(code, Code::MalformedBody | Code::MissingImage), "{kind} {body:?}: {code}");
        }
    }
    let twice = "--X\r\nContent-Disposition: form-data; name=image\r\n\r\na\r\n--X\r\nContent-Disposition: form-data; name=file\r\n\r\nb\r\n--X--";
    let sent = app.post("/v1/jobs").header("content-type", "multipart/form-data; boundary=X").body(twice);
    assert_eq!(problem(sent.send().await.unwrap()).await.code, Code::InvalidJob);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_no_job_though_its_items_would_fit() {
    let app = App::start().await;
    let blob = r#"[{"blob":"00"},[{"op":"thumbnail","width":5}],null,null,null,null,null]"#;
    let sent = app.post("/v1/jobs").header("content-type", "application/json").body(format!(" {blob}"));
    assert_eq!(problem(sent.send().await.unwrap()).await.code, Code::InvalidJob);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_that_are_none_are_refused_with_the_reason() {
    let app = App::start().await;
    let queries = [
        ("op=thumbnail&width=0", "at least 1"),
        ("op=thumbnail&widht=5", "widht"),
        ("op=thumbnail&width=5&quality=0", "quality"),
        ("op=thumbnail&width=5&quality=300", "300"),
        ("op=thumbnail&width=5&dpr=9", "dpr"),
        ("op=thumbnail&width=5&mode=fill", "both width and height"),
        ("op=thumbnail&width=5&background=red", "colour"),
        ("op=thumbnail&width=5&artifact=..%2Fx", "name is"),
        ("op=thumbnail&width=-1", "-1"),
        ("op=thumbnail&width=1e400", "1e400"),
        ("op=blur&width=5", "blur"),
        ("operations=%5B%5D", "at least one"),
        ("operations=%5B1%5D", "operations"),
        ("", "operations"),
    ];
    for (query, word) in queries {
        let sent = app.post(&format!("/v1/jobs?{query}")).body(images::png(9, 9)).send().await.unwrap();
        let refused = problem(sent).await;
        assert_eq!(refused.code, Code::InvalidJob, "{query}: {}", refused.detail);
        assert!(refused.detail.to_lowercase().contains(word), "{query}: {}", refused.detail);
    }
    let unknown = app.post("/v1/jobs?widht=5").body(images::png(9, 9)).send().await.unwrap();
    assert_eq!(problem(unknown).await.code, Code::InvalidParameter);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_never_ends_is_hung_up_on() {
    let app = App::with(|config| config.http.head_timeout = Duration::from_millis(200)).await;
    let mut slow = raw::connect(&app).await;
    slow.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n").await.unwrap();
    let answer = soon("the end of the connection", raw::read(slow)).await;
    assert!(answer.status == 0 || answer.status == 408, "{}", answer.text);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let app = App::start().await;
    let mut stream = raw::connect(&app).await;
    let head =
        "POST /v1/jobs?op=thumbnail&width=5 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![7; 3 << 20]).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = raw::read(stream).await;
    assert!([0, 400].contains(&answer.status), "{}", answer.text);
    let tmp = app.blobs.local_path(darkroom_core::BlobId::of(b""));
    let tmp = tmp.ancestors().nth(2).unwrap().join("tmp");
    // The writer is dropped with the request, whose end the closed connection has shown.
    assert_eq!(std::fs::read_dir(tmp).unwrap().count(), 0);
    assert_eq!(app.client.jobs(&ListOptions::default()).await.unwrap().jobs, []);
    app.finish().await;
}
