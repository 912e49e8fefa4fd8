//! The classic average-face service, against archives of a web server beside it.

use axum::{Router, routing};
use darkroom_core::user::Role;
use darkroom_server::Config;
use md5::{Digest, Md5};

use super::{app::App, faces, images};
use crate::patience::soon;

/// The lines of the log of a run that has ended well, in their order.
const LINES: [&str; 8] = [
    "Starting Producer Process",
    "Starting Creating Tasks",
    "Total of Tasks Created: 5",
    "Getting Tasks Done",
    "Total of Tasks Finished: 5",
    "Calculating Average Vectors",
    "Total of Photos Processed: 2",
    "Result of calculation",
];

fn tar(photos: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in photos {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, &content[..]).unwrap();
    }
    archive.into_inner().unwrap()
}

/// Serves one archive; gives its address.
async fn serve(archive: Vec<u8>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/photos.tar", routing::get(move || async move { archive }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/photos.tar")
}

/// The id in the answer to `GET /run`.
async fn begin(app: &App, query: &str) -> String {
    let answer = app.get(&format!("/run?{query}")).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    let text = answer.text().await.unwrap();
    text.strip_prefix("Process ID: ").unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// The log once it ends, one way or another.
async fn ended(app: &App, id: &str) -> String {
    let look = async {
        loop {
            let log = app.get(&format!("/status/{id}")).await.text().await.unwrap();
            if log.contains("Result of calculation") || log.contains("[FAIL]") {
                return log;
            }
            tokio::task::yield_now().await;
        }
    };
    soon("the result of a calculation", look).await
}

fn in_order(log: &str, lines: &[&str]) {
    let mut rest = log;
    for line in lines {
        let at = rest.find(line).unwrap_or_else(|| panic!("`{line}` is not in its place:\n{log}"));
        rest = &rest[at + line.len()..];
    }
}

fn private(config: &mut Config) {
    config.http.fetch_private = true;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mean_of_the_faces_in_an_archive_is_calculated_and_the_log_survives_a_restart() {
    let Some(stage) = faces::stage() else { return };
    let astronaut = stage.photo("astronaut.png");
    let photos = [
        ("ann/1.png", astronaut.clone()),
        ("ann/deep/er/2.png", astronaut.clone()),
        ("nobody.png", stage.photo("coffee.png")),
        ("torn.png", astronaut[..9_000].to_vec()),
        ("not_one.jpg", [&[0xff, 0xd8, 0xff, 0xe0][..], &[7; 900]].concat()),
        ("notes.txt", b"no photo".to_vec()),
    ];
    let archive = tar(&photos);
    let sum = hex::encode(Md5::digest(&archive));
    let url = serve(archive).await;
    let mut app = stage.app_with(private).await;

    let id = begin(&app, &format!("url={url}&md5sum={sum}")).await;
    let log = ended(&app, &id).await;
    in_order(&log, &LINES);
    in_order(&log, &["Total of Photos without a Face: 1", "Total of Photos Failed: 2 (2 undecodable)"]);
    let vector: Vec<f64> = log[log.rfind('[').unwrap()..]
        .trim()
        .trim_matches(['[', ']'])
        .split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect();
    let gathered = app.client.aggregates(&id).await.unwrap().aggregates;
    assert_eq!((gathered.len(), gathered[0].mean.as_ref()), (1, Some(&vector)), "it is the run's");
    let norm: f64 = vector.iter().map(|number| number * number).sum();
    assert!(vector.len() == 128 && (norm - 1.0).abs() < 1e-6, "twice the same face has its own mean: {norm}");

    let again = begin(&app, &format!("url={url}")).await;
    let unchecked = ended(&app, &again).await;
    assert_eq!(unchecked[unchecked.rfind('[').unwrap()..], log[log.rfind('[').unwrap()..]);

    app.restart(|config| stage.set(config)).await;
    assert_eq!(app.get(&format!("/status/{id}")).await.text().await.unwrap(), log);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_checksum_and_a_missing_archive_are_told_and_nothing_is_worked_on() {
    let Some(stage) = faces::stage() else { return };
    let url = serve(tar(&[("a.png", images::png(9, 9))])).await;
    let app = stage.app_with(private).await;
    let wrong = begin(&app, &format!("url={url}&md5sum={}", "0".repeat(32))).await;
    let log = ended(&app, &wrong).await;
    in_order(
        &log,
        &["Starting Producer Process", "[FAIL]", "checksum", "md5:00000000000000000000000000000000"],
    );
    assert!(!log.contains("Creating Tasks") && !log.contains("Result"), "{log}");
    assert_eq!(app.client.run(&wrong).await.unwrap().total, 0);
    let none = begin(&app, &format!("url={url}")).await;
    let log = ended(&app, &none).await;
    in_order(&log, &["Total of Photos Processed: 0", "without a Face: 1", "Result of calculation", "[]"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_questions_get_a_sentence() {
    let app = App::start().await;
    let ask = async |path: &str| {
        let answer = app.get(path).await;
        let (status, kind) = (answer.status().as_u16(), answer.headers()["content-type"].clone());
        assert!(kind.to_str().unwrap().starts_with("text/plain"), "{path}: {kind:?}");
        (status, answer.text().await.unwrap())
    };
    for (path, status, word) in [
        ("/run", 400, "Say where the archive is"),
        ("/run?url=", 400, "Say where the archive is"),
        ("/run?url=http://a.example/x.tar&md5sum=abc", 400, "32 hexadecimal digits"),
        ("/run?url=http://a.example/x.tar&sha=abc", 400, "`sha`"),
        ("/run?url=file:///etc/passwd", 422, "refused"),
        ("/run?url=http://127.0.0.1:9/x.tar", 422, "private"),
        ("/run?url=http://169.254.169.254/x.tar", 422, "private"),
        ("/status/no-id", 404, "no process"),
        ("/status/01890a5d-ac96-774b-bcce-b302099a8057", 404, "no process"),
    ] {
        let (found, text) = ask(path).await;
        assert!(found == status && text.contains(word), "{path}: {found} {text}");
    }
    let elsewhere = app.http.get(app.at("/run?url=http://a.example/x.tar"));
    let elsewhere = elsewhere.header("sec-fetch-site", "cross-site").send().await.unwrap();
    assert_eq!(elsewhere.status(), 403, "a page of another site begins nothing");
    assert!(app.client.runs(&[], None).await.unwrap().runs.is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_for_whoever_began_the_run() {
    let Some(stage) = faces::stage() else { return };
    let url = serve(tar(&[("a.png", images::png(9, 9))])).await;
    let app = stage
        .app_with(|config| {
            private(config);
            config.auth.anonymous = darkroom_server::accounts::Anonymous::Never;
        })
        .await;
    let (ann, bob) = (app.key("ann", Role::User).await, app.key("bob", Role::User).await);
    let ask = async |path: &str, key: &str| app.http.get(app.at(path)).bearer_auth(key).send().await.unwrap();
    let nobody = app.get(&format!("/run?url={url}")).await;
    assert_eq!(nobody.status(), 401);
    let begun = ask(&format!("/run?url={url}"), &ann).await.text().await.unwrap();
    let path = format!("/status/{}", begun.strip_prefix("Process ID: ").unwrap());
    assert_eq!(ask(&path, &ann).await.status(), 200);
    assert_eq!(ask(&path, &bob).await.status(), 404);
    app.finish().await;
}
