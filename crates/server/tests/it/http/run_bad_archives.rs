//! Archives that misbehave, and servers that do, from the request to the results.

use std::{
    fs,
    time::{Duration, Instant},
};

use darkroom_api::{ArchivePlace, Run, RunSource, RunState, client::ArchiveUpload};
use darkroom_server::config::ByteSize;
use tar::EntryType;
use tempfile::TempDir;
use zip::CompressionMethod;

use super::{
    app::App,
    images,
    run_archives::{photos, upload},
    runs::{items, request},
};
use crate::sources::{
    pack::{Tar, gzip, zip},
    server::{Server, ranged},
};

async fn worked_through(app: &App, archive: Vec<u8>) -> Run {
    let made = app.client.make_run_of(&upload(None), ArchiveUpload::bytes(archive, "bad")).await.unwrap();
    app.client.wait_for_run(&made.id).await.unwrap()
}

fn skipped(run: &Run) -> Vec<(&str, u64)> {
    run.skipped.iter().map(|(reason, count)| (reason.as_str(), *count)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_entries_are_counted_and_nothing_of_them_reaches_the_disk() {
    let outside = TempDir::new().unwrap();
    let app = App::start().await;
    let image = images::png(9, 9);
    let absolute = outside.path().join("absolute.png");
    let tar = Tar::default()
        .file("../escaped.png", &image)
        .file("a/../../escaped.png", &image)
        .file(absolute.to_str().unwrap(), &image)
        .entry("link.png", EntryType::Symlink, b"")
        .entry("hard.png", EntryType::Link, b"")
        .entry("disk.png", EntryType::Block, b"")
        .entry("tty.png", EntryType::Char, b"")
        .entry("pipe.png", EntryType::Fifo, b"")
        .entry("x.jpg/", EntryType::Directory, b"")
        .file("x.jpg/inside.png", &image)
        .file(b"caf\xe9.png", &image)
        .file("same.png", &images::png(10, 10))
        .file("same.png", &images::png(11, 11))
        .file("notes.txt", b"no image")
        .end();
    let run = worked_through(&app, tar).await;
    assert_eq!((run.state, run.total, run.counts.succeeded), (RunState::Succeeded, 4, 4), "{run:?}");
    assert_eq!(skipped(&run), [("link", 2), ("not_an_image", 1), ("special", 3), ("unsafe_path", 3)]);
    let items = items(&app, &run.id).await;
    let paths: Vec<&str> = items.iter().map(|item| item.path.as_str()).collect();
    assert_eq!(paths, ["x.jpg/inside.png", r"caf\xe9.png", "same.png", "same.png"]);
    assert_ne!(items[2].blob, items[3].blob, "two entries of one name are two images");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_fails_the_run_and_says_which_bound_it_exceeds() {
    let app = App::with(|config| {
        config.sources.archive_unpacked = ByteSize::mib(8);
        config.sources.archive_entries = 1_000;
    })
    .await;
    let zeros = vec![0; 64 << 20];
    let start = [images::png(9, 9), vec![0; 900 << 10]].concat();
    let names: Vec<String> = (0..64).map(|n| format!("{n}.png")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), start.as_slice())).collect();
    let folders =
        (0..1_001).fold(Tar::default(), |tar, n| tar.entry(format!("{n}/"), EntryType::Directory, b""));
    for (archive, bound) in [
        (gzip(&Tar::default().file("zeros", &zeros).end()), "archive_unpacked"),
        (zip(&many, CompressionMethod::Deflated), "archive_unpacked"),
        (gzip(&folders.end()), "archive_entries"),
    ] {
        let run = worked_through(&app, archive).await;
        let stop = run.stop.unwrap();
        assert_eq!((run.state, stop.kind.as_str()), (RunState::Failed, "source_failed"));
        assert!(stop.message.contains(bound), "{}", stop.message);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_is_cut_off_says_after_how_many_entries() {
    let app = App::start().await;
    let whole = photos(8);
    let run = worked_through(&app, whole[..whole.len() / 2 + 100].to_vec()).await;
    assert_eq!(run.state, RunState::Succeeded);
    assert!(run.total > 0 && run.total < 8, "{}", run.total);
    let met = run.total + run.skipped.values().sum::<u64>();
    let damage = run.damage.unwrap();
    assert!(damage.ends_with(&format!("(after {met} entries)")), "{damage}");
    let whole = worked_through(&app, whole).await;
    assert_eq!((whole.total, whole.damage), (8, None));
    app.finish().await;
}

/// How long an archive of so many tiny files and an image takes.
async fn time_of(app: &App, files: u64) -> Duration {
    let mut tar = (0..files).fold(Tar::default(), |tar, n| tar.file(format!("{n}.txt"), b"tiny"));
    tar = tar.file("last.png", &images::png(9, 9));
    let archive = gzip(&tar.end());
    let begun = Instant::now();
    let run = worked_through(app, archive).await;
    assert_eq!((run.total, run.counts.succeeded), (1, 1));
    assert_eq!(skipped(&run), [("not_an_image", files)]);
    begun.elapsed()
}

/// Four times as many take four times as long, not sixteen times.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_tiny_files_take_a_reasonable_time() {
    let app = App::start().await;
    let mut took = Vec::new();
    // Once more if the machine was at something else meanwhile.
    while took.len() < 3 {
        let (some, many) = (time_of(&app, 25_000).await, time_of(&app, 100_000).await);
        took.push((some, many));
        if many < some * 10 {
            break;
        }
    }
    assert!(took.iter().any(|(some, many)| *many < *some * 10), "{took:?}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_stops_half_way_goes_on_and_is_verified() {
    let archive = photos(8);
    let (served, most) = (archive.clone(), archive.len() / 3);
    let site = Server::start(move |request| ranged(request, &served, "\"1\"", most)).await;
    let app = App::with(|config| {
        config.http.fetch_private = true;
        config.sources.download_retry = Duration::from_millis(1);
    })
    .await;
    let at = || ArchivePlace::Url(format!("{}/photos.tar", site.base));
    let right = darkroom_core::BlobId::of(&archive).to_string();
    let made =
        app.client.make_run(&request(RunSource::Archive { at: at(), checksum: Some(right) })).await.unwrap();
    let run = app.client.wait_for_run(&made.id).await.unwrap();
    assert_eq!((run.state, run.counts.succeeded), (RunState::Succeeded, 8), "{:?}", run.stop);
    let starts: Vec<usize> = site.starts().into_iter().map(Option::unwrap_or_default).collect();
    assert!(starts.len() >= 3 && starts.windows(2).all(|pair| pair[0] < pair[1]), "{starts:?}");
    let wrong = Some("a".repeat(64));
    let made = app.client.make_run(&request(RunSource::Archive { at: at(), checksum: wrong })).await.unwrap();
    let run = app.client.wait_for_run(&made.id).await.unwrap();
    assert_eq!((run.state, run.total), (RunState::Failed, 0), "nothing is seen of it");
    app.finish().await;
}
