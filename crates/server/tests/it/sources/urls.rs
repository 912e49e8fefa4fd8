//! Lists of addresses.

use std::time::Duration;

use darkroom_server::sources::{SkipReason, Source, SourceError};

use super::{
    fixture::{ITEM_BYTES, Place, collect, image},
    server::{Server, Step, head},
};

fn place() -> Place {
    let mut place = Place::new();
    place.config.http.fetch_private = true;
    place.config.sources.download_retry = Duration::from_millis(1);
    place
}

fn large() -> Vec<u8> {
    // Just within the bound, and more than is kept in memory.
    [image(""), vec![7; ITEM_BYTES as usize - 4]].concat()
}

async fn server() -> Server {
    Server::start(|request| match request.path.as_str() {
        "/missing" => vec![Step::Send(head("404 Not Found", &[]))],
        "/page" => vec![Step::Send(head("200 OK", &[])), Step::Send(b"<html>".to_vec())],
        "/huge" => vec![Step::Send(head("200 OK", &[])), Step::Send([large(), large()].concat())],
        "/large" => vec![Step::Send(head("200 OK", &[])), Step::Send(large())],
        "/broken" => vec![Step::Send(head("200 OK", &[("Content-Length", "99")])), Step::Send(image("half"))],
        "/flaky" if request.number.is_multiple_of(2) => Vec::new(),
        "/busy" => vec![Step::Send(head("503 Service Unavailable", &[]))],
        path => vec![Step::Send(head("200 OK", &[])), Step::Send(image(path))],
    })
    .await
}

fn list(server: &Server, paths: &[&str]) -> Source {
    Source::Urls { urls: paths.iter().map(|path| format!("{}{path}", server.base)).collect() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_met_in_its_order_and_faults_are_told() {
    let place = place();
    let server = server().await;
    let paths = ["/a", "/missing", "/page", "/large", "/huge", "/broken", "/busy", "/b", "/a"];
    let source = list(&server, &paths);
    let seen = place.all(&source).await.unwrap();
    let strip = |name: &str| name.strip_prefix(&server.base).unwrap().to_owned();
    let images: Vec<_> = seen.images.iter().map(|(index, name, _)| (*index, strip(name))).collect();
    assert_eq!(
        images,
        [(0, "/a".to_owned()), (3, "/large".to_owned()), (7, "/b".to_owned()), (8, "/a".to_owned())]
    );
    assert_eq!(seen.images[1].2, large());
    let passed: Vec<_> = seen.passed.iter().map(|(index, _, reason)| (*index, *reason)).collect();
    assert_eq!(
        passed,
        [
            (1, SkipReason::UrlFailed),
            (2, SkipReason::NotAnImage),
            (4, SkipReason::TooLarge),
            (5, SkipReason::UrlFailed),
            (6, SkipReason::UrlFailed),
        ]
    );
    let asked = |path: &str| server.asked.lock().unwrap().iter().filter(|(asked, _)| asked == path).count();
    assert_eq!([asked("/missing"), asked("/broken"), asked("/busy")], [1, 3, 3]);

    let before = server.starts().len();
    let rest = collect(place.open_at(&source, &seen.positions[6])).await.unwrap();
    assert_eq!(rest.images, seen.images[2..]);
    assert_eq!(server.starts().len(), before + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_once_is_asked_again() {
    let server = server().await;
    let seen = place().all(&list(&server, &["/flaky"])).await.unwrap();
    assert_eq!((seen.images.len(), server.starts().len()), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_may_not_be_asked_are_passed_over() {
    let mut place = place();
    place.config.http.fetch_private = false;
    let server = server().await;
    let mut source = list(&server, &["/a"]);
    if let Source::Urls { urls } = &mut source {
        urls.push("not an address\u{7}".to_owned());
    }
    let seen = place.all(&source).await.unwrap();
    let reasons: Vec<_> = seen.passed.iter().map(|(_, _, reason)| *reason).collect();
    assert_eq!(reasons, [SkipReason::UrlRefused, SkipReason::UrlRefused]);
    assert_eq!(seen.passed[1].1, "not an address\\x07");
    assert!(server.starts().is_empty());
}

#[tokio::test]
async fn a_list_is_bounded() {
    let mut place = place();
    place.config.sources.urls = 2;
    let source = Source::Urls { urls: vec!["http://example.org/".to_owned(); 3] };
    for refused in [place.sources().check(&source).err(), place.all(&source).await.err()] {
        assert!(matches!(refused, Some(SourceError::Limit { limit: "urls", allowed: 2 })), "{refused:?}");
    }
}
