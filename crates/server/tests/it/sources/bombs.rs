//! What grows out of all proportion.

use darkroom_server::{config::ByteSize, sources::SourceError};
use tar::EntryType;
use zip::CompressionMethod;

use super::{
    fixture::{Place, image},
    pack::{Tar, gzip, zip, zstd},
};

/// Which bound an archive exceeds.
async fn bound(place: &Place, bytes: &[u8]) -> &'static str {
    match place.archive(bytes).await {
        Err(SourceError::Limit { limit, .. }) => limit,
        other => panic!("no bound was exceeded: {other:?}"),
    }
}

#[tokio::test]
async fn a_bomb_is_ended_by_the_ratio_of_what_it_unpacks_to() {
    let place = Place::new();
    let zeros = vec![0; 300 << 20];
    let tar = Tar::default().file("a.jpg", &image("a")).file("zeros", &zeros).end();
    assert_eq!(bound(&place, &gzip(&tar)).await, "archive_ratio");
    assert_eq!(bound(&place, &zstd(&tar)).await, "archive_ratio");
    // What is no image is not unpacked out of a zip archive; many that start like one are.
    let start = [image("x"), vec![0; 1 << 20]].concat();
    let start = &start[..1 << 20];
    let names: Vec<String> = (0..300).map(|number| format!("{number}.jpg")).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), start)).collect();
    assert_eq!(bound(&place, &zip(&entries, CompressionMethod::Deflated)).await, "archive_ratio");
}

#[tokio::test]
async fn the_bytes_of_all_entries_together_are_bounded() {
    let mut place = Place::new();
    place.config.sources.archive_unpacked = ByteSize(10_000);
    let noise = image(&"abc".repeat(1_000));
    let entries: Vec<(&str, &[u8])> = ["a", "b", "c", "d"].map(|name| (name, noise.as_slice())).into();
    assert_eq!(bound(&place, &zip(&entries, CompressionMethod::Stored)).await, "archive_unpacked");
    let tar = entries.iter().fold(Tar::default(), |tar, (name, content)| tar.file(name, content)).end();
    for packed in [gzip(&tar), zstd(&tar), tar] {
        assert_eq!(bound(&place, &packed).await, "archive_unpacked");
    }
}

#[tokio::test]
async fn entries_are_bounded_whatever_they_are() {
    let mut place = Place::new();
    place.config.sources.archive_entries = 10;
    let folders =
        (0..11).fold(Tar::default(), |tar, n| tar.entry(format!("{n}/"), EntryType::Directory, b""));
    assert_eq!(bound(&place, &folders.end()).await, "archive_entries");
    let headers = (0..11).fold(Tar::default(), |tar, _| tar.pax("comment", b"x"));
    assert_eq!(bound(&place, &headers.end()).await, "archive_entries");
    let names: Vec<String> = (0..11).map(|number| number.to_string()).collect();
    let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"x".as_slice())).collect();
    assert_eq!(bound(&place, &zip(&entries, CompressionMethod::Stored)).await, "archive_entries");
}

#[tokio::test]
async fn an_endless_name_is_not_read_into_memory() {
    let place = Place::new();
    for kind in [EntryType::GNULongName, EntryType::XHeader] {
        let tar = Tar::default().file("a.jpg", &image("a")).raw(b"long", kind, 8 << 30, b"short");
        let seen = place.archive(&tar.end()).await.unwrap();
        assert_eq!(seen.names(), ["a.jpg"]);
        assert!(seen.damage.unwrap().contains("too long"));
    }
}

#[tokio::test]
async fn a_size_that_is_a_lie_ends_the_archive_not_the_process() {
    let place = Place::new();
    for size in [1_u64 << 33, u64::MAX >> 1, u64::MAX] {
        let tar = Tar::default().file("a.jpg", &image("a")).raw(
            b"lie.jpg",
            EntryType::Regular,
            size,
            &image("lie"),
        );
        let seen = place.archive(&tar.end()).await.unwrap();
        assert_eq!(seen.names(), ["a.jpg"], "{size}");
        assert!(seen.damage.unwrap().contains("ends early"));
    }
}

#[tokio::test]
async fn a_window_that_takes_too_much_memory_is_refused() {
    let mut place = Place::new();
    place.config.sources.zstd_window = ByteSize(1 << 10);
    let noise: Vec<u8> = (0..200_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    assert_eq!(bound(&place, &zstd(&Tar::default().file("a", &noise).end())).await, "zstd_window");
}

#[tokio::test]
async fn a_hundred_thousand_tiny_files_are_fine() {
    let place = Place::new();
    let tar = (0..100_000).fold(Tar::default(), |tar, number| tar.file(format!("{number}.jpg"), &image("")));
    let seen = place.archive(&gzip(&tar.end())).await.unwrap();
    assert_eq!((seen.images.len(), seen.damage), (100_000, None));
    assert_eq!(seen.images[99_999].1, "99999.jpg");
}
