//! Images that are elsewhere: fetched when allowed, and never from where they should not be.

use axum::{
    Router,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect},
    routing::get,
};
use darkroom_api::{Code, ImageSource, JobRequest, Problem, job::State};
use darkroom_core::{Operation, operation::Thumbnail};
use darkroom_server::config::ByteSize;
use tokio::net::TcpListener;

use super::{
    app::{App, refused, wait},
    images,
};

fn request(url: impl Into<String>) -> JobRequest {
    JobRequest {
        image: ImageSource::Url(url.into()),
        operations: vec![Operation::Thumbnail(Thumbnail::fit(5, 5))],
        queue: None,
        priority: None,
        delay: None,
        run_at: None,
        cache: None,
        name: None,
    }
}

/// A server of images; its address.
async fn elsewhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let endless = || async {
        let chunks = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![0_u8; 1 << 16]));
        axum::body::Body::from_stream(chunks)
    };
    let routes = Router::new()
        .route("/cat%20photo.png", get(|| async { images::png(9, 9) }))
        .route("/moved", get(|| async { Redirect::temporary("/cat photo.png") }))
        .route("/around", get(|| async { Redirect::temporary("/around") }))
        .route("/inwards", get(|| async { Redirect::temporary("http://10.0.0.1/") }))
        .route("/nowhere", get(|| async { StatusCode::FOUND }))
        .route(
            "/file",
            get(|| async { (StatusCode::FOUND, [(header::LOCATION, "file:///etc/passwd")]).into_response() }),
        )
        .route("/missing", get(|| async { StatusCode::NOT_FOUND }))
        .route("/page", get(|| async { "<html>" }))
        .route("/empty", get(|| async { "" }))
        .route("/endless", get(endless))
        .route("/silent", get(std::future::pending::<()>));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{address}")
}

async fn fetched(app: &App, url: String) -> Problem {
    refused(app.client.submit_json(&request(url), &wait()).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn images_are_fetched_where_it_is_allowed() {
    let app = App::with(|config| {
        config.http.fetch_private = true;
        config.http.fetch_timeout = std::time::Duration::from_secs(2);
        config.limits.input_bytes = ByteSize::mib(1);
    })
    .await;
    let there = elsewhere().await;
    for path in ["/cat%20photo.png", "/moved"] {
        let job = app.client.submit_json(&request(format!("{there}{path}")), &wait()).await.unwrap();
        assert_eq!(
            (job.summary.state, job.summary.name.as_deref()),
            (State::Succeeded, Some("cat photo.png")),
            "{path}"
        );
    }
    let cases = [
        ("/around", Code::UrlFailed, "redirects too often"),
        ("/nowhere", Code::UrlFailed, "without saying where"),
        ("/file", Code::UrlRefused, "only http"),
        ("/missing", Code::UrlFailed, "404"),
        ("/page", Code::NotAnImage, ""),
        ("/empty", Code::MissingImage, ""),
        ("/endless", Code::BodyTooLarge, "larger than"),
        ("/silent", Code::UrlFailed, "time"),
    ];
    for (path, code, word) in cases {
        let problem = fetched(&app, format!("{there}{path}")).await;
        assert_eq!(problem.code, code, "{path}: {}", problem.detail);
        assert!(problem.detail.contains(word), "{path}: {}", problem.detail);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_refused_in_every_spelling() {
    let app = App::start().await;
    let there = elsewhere().await;
    let port = there.rsplit(':').next().unwrap();
    let hosts = [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "0.0.0.0",
        "[::]",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.0.1",
        "[fe80::1]",
        "[fd00::1]",
        "user@127.0.0.1",
        "LOCALHOST",
        "127.0.0.1.",
        "\u{ff11}27.0.0.1",
    ];
    for host in hosts {
        let problem = fetched(&app, format!("http://{host}:{port}/cat%20photo.png")).await;
        assert_eq!(problem.code, Code::UrlRefused, "{host}: {}", problem.detail);
    }
    for url in [
        "file:///etc/passwd",
        "ftp://a/b",
        "gopher://a",
        "data:image/png;base64,AA",
        "//a/b",
        "",
        "http://",
        &"http://a/".repeat(1_000),
    ] {
        assert_eq!(fetched(&app, url.to_owned()).await.code, Code::UrlRefused, "{url:.40}");
    }
    app.finish().await;
}
