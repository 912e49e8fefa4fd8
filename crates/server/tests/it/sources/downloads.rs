//! Archives from servers that cannot be relied on.

use std::{sync::Arc, time::Duration};

use darkroom_core::BlobId;
use darkroom_server::{
    config::ByteSize,
    sources::{Archive, ArchiveAt, Chunks, Content, Met, Phase, Position, Source, SourceError},
};
use tokio::sync::Semaphore;
use zip::CompressionMethod;

use super::{
    fixture::{Place, collect, image},
    pack::{Tar, gzip, zip},
    server::{Server, Step, head, ranged},
};
use crate::patience::until;

const TAG: &str = "\"one\"";

/// Enough that it comes in many parts.
fn content(number: u32) -> Vec<u8> {
    let noise = (0..60_000_u32).map(|at| (at.wrapping_add(number).wrapping_mul(2_654_435_761) >> 24) as u8);
    image("").into_iter().chain(noise).collect()
}

fn archive() -> Vec<u8> {
    (0..20).fold(Tar::default(), |tar, number| tar.file(format!("{number}.jpg"), &content(number))).end()
}

fn place() -> Place {
    let mut place = Place::new();
    place.config.http.fetch_private = true;
    place.config.sources.download_retry = Duration::from_millis(1);
    place
}

fn at(server: &Server, path: &str) -> Source {
    Source::Archive(Archive { at: ArchiveAt::Url(format!("{}{path}", server.base)), checksum: None })
}

/// The bytes of what is no file of this machine.
fn fetched(content: Content) -> Chunks {
    let Content::Chunks(chunks) = content else { panic!("it was fetched") };
    chunks
}

fn with_sum(source: Source, bytes: &[u8]) -> Source {
    let Source::Archive(archive) = source else { unreachable!("it is an archive") };
    let checksum = Some(BlobId::of(bytes).to_string().parse().unwrap());
    Source::Archive(Archive { checksum, ..archive })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_breaks_again_and_again_goes_on_where_it_was() {
    let place = place();
    let bytes = archive();
    let sent = bytes.clone();
    let server = Server::start(move |request| ranged(request, &sent, TAG, 200_000)).await;
    for source in [at(&server, "/a.tar"), with_sum(at(&server, "/b.tar"), &bytes)] {
        let seen = place.all(&source).await.unwrap();
        assert_eq!((seen.images.len(), &seen.damage), (20, &None));
        assert!(seen.images.iter().all(|(index, _, got)| *got == content(*index as u32)));
    }
    let once: Vec<_> = (0..bytes.len()).step_by(200_000).map(|at| Some(at).filter(|at| *at > 0)).collect();
    assert_eq!(server.starts(), once.repeat(2), "nothing is fetched twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn items_flow_while_the_download_still_runs() {
    let place = place();
    let bytes = archive();
    let half = bytes.len() / 2;
    let signal = Arc::new(Semaphore::new(0));
    let (sent, wait) = (gzip(&bytes), Arc::clone(&signal));
    let server = Server::start(move |_| {
        let (first, second) = sent.split_at(sent.len() / 2);
        vec![
            Step::Send(head("200 OK", &[])),
            Step::Send(first.to_vec()),
            Step::Wait(Arc::clone(&wait)),
            Step::Send(second.to_vec()),
        ]
    })
    .await;
    let mut items = place.open(&at(&server, "/"));
    let mut bytes_met = 0;
    // Without the signal the rest never comes.
    while bytes_met < half as u64 - 200_000 {
        let Some(Met::Image(item)) = items.next().await.unwrap() else { panic!("there are images") };
        bytes_met += item.bytes.unwrap();
    }
    assert_eq!(items.progress().phase, Phase::Reading);
    assert!(items.progress().downloaded > 0);
    signal.add_permits(1);
    assert!(collect(items).await.unwrap().damage.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_met_before_the_checksum_is_right() {
    let place = place();
    let sent = archive();
    let server = Server::start(move |request| ranged(request, &sent, TAG, usize::MAX)).await;
    let mut items = place.open(&with_sum(at(&server, "/"), b"something else"));
    assert!(matches!(items.next().await, Err(SourceError::WrongChecksum { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_knows_no_ranges_is_compared_with_what_is_there() {
    let place = place();
    let sent = archive();
    let server = Server::start(move |request| {
        // A little more each time, and always from the start.
        let most = (request.number + 1) * 500_000;
        let length = sent.len().to_string();
        let part = sent[..most.min(sent.len())].to_vec();
        vec![Step::Send(head("200 OK", &[("Content-Length", &length)])), Step::Send(part)]
    })
    .await;
    let seen = place.all(&at(&server, "/")).await.unwrap();
    assert_eq!((seen.images.len(), server.asked.lock().unwrap().len()), (20, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_of_another_archive_is_never_appended() {
    let place = place();
    let first = archive();
    let mut second = first.clone();
    // Another one of the same length, different before the break.
    second[600] ^= 1;
    let other = second.clone();
    let with_tags = Server::start({
        let first = first.clone();
        move |request| match request.number {
            0 => ranged(request, &first, TAG, 200_000),
            _ => ranged(request, &other, "\"two\"", usize::MAX),
        }
    })
    .await;
    let without = Server::start(move |request| {
        let (sent, most) = if request.number == 0 { (&first, 200_000) } else { (&second, usize::MAX) };
        let length = sent.len().to_string();
        let part = sent[..most.min(sent.len())].to_vec();
        vec![Step::Send(head("200 OK", &[("Content-Length", &length)])), Step::Send(part)]
    })
    .await;
    for server in [with_tags, without] {
        let refused = place.all(&at(&server, "/")).await.unwrap_err();
        assert!(matches!(refused, SourceError::Changed), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_with_a_checksum_is_fetched_anew_if_the_server_says_it_has_another_one() {
    let mut place = place();
    place.config.sources.download_attempts = 4;
    let bytes = archive();
    let sent = bytes.clone();
    // A row of servers, each with a tag of its own for the same file.
    let server = Server::start(move |request| {
        let most = if request.number < 3 { 200_000 } else { usize::MAX };
        ranged(request, &sent, &format!("\"{}\"", request.number), most)
    })
    .await;
    let seen = place.all(&with_sum(at(&server, "/"), &bytes)).await.unwrap();
    assert_eq!((seen.images.len(), seen.damage), (20, None));
    assert!(seen.images.iter().all(|(index, _, got)| *got == content(*index as u32)));

    // One that never gives the same twice is given up.
    let sent = bytes.clone();
    let fickle =
        Server::start(move |request| ranged(request, &sent, &format!("\"{}\"", request.number), 200_000))
            .await;
    let refused = place.all(&with_sum(at(&fickle, "/"), &bytes)).await.unwrap_err();
    assert!(matches!(refused, SourceError::Changed), "{refused}");
    assert!(fickle.starts().len() <= 10, "{:?}", fickle.starts());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_gives_a_little_each_time_is_asked_for_all_of_it() {
    let mut place = place();
    place.config.sources.download_attempts = 3;
    let bytes = Tar::default().file("a.jpg", &content(0)).end();
    let sent = bytes.clone();
    let server = Server::start(move |request| ranged(request, &sent, TAG, 4_000)).await;
    assert_eq!(place.all(&at(&server, "/")).await.unwrap().images.len(), 1);
    assert_eq!(server.starts().len(), bytes.len().div_ceil(4_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_goes_on_without_fetching_again() {
    let place = place();
    let sent = archive();
    let server = Server::start(move |request| {
        // It breaks in the middle, and then for good.
        if request.number == 0 {
            ranged(request, &sent, TAG, 700_000)
        } else if request.number < 4 {
            Vec::new()
        } else {
            ranged(request, &sent, TAG, usize::MAX)
        }
    })
    .await;
    let mut place = place;
    place.config.sources.download_attempts = 4;
    let source = at(&server, "/");
    let mut items = place.open(&source);
    let mut position = Position::default();
    let failed = loop {
        match items.next().await {
            Ok(Some(met)) => {
                let next = met.position();
                let Met::Image(item) = met else { panic!("there are images") };
                let mut chunks = fetched(item.content);
                while let Ok(Some(_)) = chunks.chunk().await {}
                if item.index < 10 {
                    position = next;
                }
            }
            Ok(None) => panic!("the download cannot end"),
            Err(error) => break error,
        }
    };
    assert!(failed.may_pass() && matches!(failed, SourceError::UrlFailed(_)), "{failed}");
    drop(items);
    let rest = collect(place.open_at(&source, &position)).await.unwrap();
    assert_eq!(rest.images.iter().map(|image| image.0).collect::<Vec<_>>(), (10..20).collect::<Vec<_>>());
    assert_eq!(server.starts(), [None, Some(700_000), Some(700_000), Some(700_000), Some(700_000)]);

    // All of it is there now: a third time asks nobody.
    let rest = collect(place.open_at(&source, &position)).await.unwrap();
    assert_eq!((rest.images.len(), server.starts().len()), (10, 5));
    let spool = place.folder.path().join("spool");
    assert_eq!(std::fs::read_dir(&spool).unwrap().count(), 2);
    place.sources().forget_others(["run"]).unwrap();
    assert_eq!(std::fs::read_dir(&spool).unwrap().count(), 2);
    place.sources().forget("run").unwrap();
    place.sources().forget("run").unwrap();
    assert_eq!(std::fs::read_dir(&spool).unwrap().count(), 0);
    std::fs::write(spool.join("orphan.json"), "{}").unwrap();
    place.sources().forget_others(["run"]).unwrap();
    assert_eq!(std::fs::read_dir(&spool).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_in_the_middle_of_which_the_source_breaks_is_not_counted() {
    let mut place = place();
    place.config.sources.download_attempts = 1;
    let large = [image(""), vec![7; 900_000]].concat();
    let sent = Tar::default().file("a.jpg", &image("a")).file("large.jpg", &large).end();
    let server = Server::start(move |request| ranged(request, &sent, TAG, 600_000)).await;
    let mut items = place.open(&at(&server, "/"));
    assert!(matches!(items.next().await, Ok(Some(Met::Image(_)))));
    let Ok(Some(Met::Image(item))) = items.next().await else { panic!("it has begun") };
    let mut chunks = fetched(item.content);
    let broken = loop {
        match chunks.chunk().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the end is missing"),
            Err(broken) => break broken,
        }
    };
    assert_eq!(broken, darkroom_server::sources::Broken::Source);
    assert!(items.next().await.unwrap_err().may_pass());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_drips_is_asked_again_and_then_given_up() {
    let mut place = place();
    // Long enough that even a busy machine gets the first bytes through.
    place.config.sources.download_pause = Duration::from_millis(500);
    place.config.sources.download_slowest = ByteSize(1 << 20);
    place.config.sources.download_attempts = 3;
    let sent = archive();
    let dripping = Server::start(move |request| {
        let mut steps = ranged(request, &sent, TAG, 1_000);
        steps.push(Step::Hold);
        steps
    })
    .await;
    let silent = Server::start(|_| vec![Step::Hold]).await;
    for (server, word) in [(dripping, "too slow"), (silent, "does not answer")] {
        let failed = place.all(&at(&server, "/")).await.unwrap_err();
        assert!(failed.may_pass() && failed.to_string().contains(word), "{failed}");
        assert_eq!(server.starts().len(), 3);
    }
    place.config.sources.download_time = Duration::from_millis(20);
    let silent = Server::start(|_| vec![Step::Hold]).await;
    let failed = place.all(&at(&silent, "/")).await.unwrap_err();
    assert!(failed.to_string().contains("download_time"), "{failed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_is_bounded_in_size_whatever_the_server_says() {
    let mut place = place();
    place.config.sources.download_bytes = ByteSize(100_000);
    let said =
        Server::start(|_| vec![Step::Send(head("200 OK", &[("Content-Length", "100001")])), Step::Hold])
            .await;
    let sent = archive();
    let not_said =
        Server::start(move |_| vec![Step::Send(head("200 OK", &[])), Step::Send(sent.clone())]).await;
    for server in [said, not_said] {
        let refused =
            collect(place.sources().open("run", &with_sum(at(&server, "/"), b""), Position::default())).await;
        assert!(matches!(refused, Err(SourceError::Limit { limit: "download_bytes", .. })), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_may_pass_are_waited_for_and_others_are_told() {
    let place = place();
    let sent = archive();
    let busy = Server::start(move |request| match request.number {
        0 => vec![Step::Send(head(
            "503 Service Unavailable",
            &[("Retry-After", "0"), ("Content-Length", "0")],
        ))],
        1 => vec![Step::Send(head("429 Too Many Requests", &[("Content-Length", "0")]))],
        2 => vec![Step::Send(b"nonsense".to_vec())],
        _ => ranged(request, &sent, TAG, usize::MAX),
    })
    .await;
    assert_eq!(place.all(&at(&busy, "/")).await.unwrap().images.len(), 20);
    let missing =
        Server::start(|_| vec![Step::Send(head("404 Not Found", &[("Content-Length", "0")]))]).await;
    let failed = place.all(&at(&missing, "/")).await.unwrap_err();
    assert!(matches!(&failed, SourceError::NotServed(why) if why.contains("404 Not Found")), "{failed}");
    assert!(!failed.may_pass(), "asking again does not help");
    assert_eq!(missing.starts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_refused_and_no_redirect_leads_there() {
    let mut place = place();
    place.config.http.fetch_private = false;
    let server = Server::start(|_| Vec::new()).await;
    for source in [
        at(&server, "/"),
        Source::Archive(Archive { at: ArchiveAt::Url("file:///etc/passwd".to_owned()), checksum: None }),
    ] {
        for refused in [place.sources().check(&source).err(), place.all(&source).await.err()] {
            assert!(matches!(refused, Some(SourceError::UrlRefused(_))), "{refused:?}");
        }
    }
    assert!(server.starts().is_empty());
    // Where private addresses are allowed, a redirect to what is no web address is still refused.
    place.config.http.fetch_private = true;
    let away = Server::start(|_| {
        vec![Step::Send(head("302 Found", &[("Location", "ftp://10.0.0.1/a.tar"), ("Content-Length", "0")]))]
    })
    .await;
    assert!(matches!(place.all(&at(&away, "/")).await, Err(SourceError::UrlRefused(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_archive_is_read_once_it_is_whole() {
    let place = place();
    let entries: Vec<(String, Vec<u8>)> = (0..9).map(|n| (format!("{n}.jpg"), content(n))).collect();
    let entries: Vec<(&str, &[u8])> =
        entries.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let sent = zip(&entries, CompressionMethod::Stored);
    let server = Server::start(move |request| ranged(request, &sent, TAG, 100_000)).await;
    let seen = place.all(&at(&server, "/")).await.unwrap();
    assert_eq!((seen.images.len(), seen.damage), (9, None));
    assert!(server.starts().len() > 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_that_is_a_lie_is_found_out() {
    let mut place = place();
    place.config.sources.download_attempts = 2;
    let sent = archive();
    // It promises more than it has, and after the break insists on it.
    let server = Server::start(move |request| {
        let longer = (sent.len() + 1_000).to_string();
        let start = request.start().unwrap_or(0);
        let range = format!("bytes {start}-{longer}/{longer}");
        let headers = [("Content-Range", range.as_str()), ("Content-Length", longer.as_str())];
        let status = if start > 0 { "206 Partial Content" } else { "200 OK" };
        vec![
            Step::Send(head(status, &headers[usize::from(start == 0)..])),
            Step::Send(sent[start..].to_vec()),
        ]
    })
    .await;
    let failed = place.all(&at(&server, "/")).await.unwrap_err();
    assert!(matches!(failed, SourceError::UrlFailed(_)), "{failed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_items_ends_the_download() {
    let place = place();
    let sent = archive();
    let server = Server::start(move |request| {
        let mut steps = ranged(request, &sent, TAG, 1_000);
        steps.push(Step::Hold);
        steps
    })
    .await;
    let source = at(&server, "/");
    let mut items = place.open(&source);
    until("the first bytes", || items.progress().downloaded > 0).await;
    assert!(futures_util::FutureExt::now_or_never(items.next()).is_none(), "there is no whole item");
    drop(items);
    // The runtime waits for its blocking threads when the test ends: a reader that waited on would hang it.
}
