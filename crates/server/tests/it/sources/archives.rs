//! Archives of every kind, sound and broken.

use std::io::Write;

use darkroom_server::sources::{Archive, ArchiveAt, Phase, SkipReason, Source, SourceError};
use tar::EntryType;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{
    fixture::{ITEM_BYTES, Place, collect, image},
    pack::{Tar, gzip, patched, zip, zstd},
};

/// Larger than a chunk, so that it streams.
fn large() -> Vec<u8> {
    let noise = (0..700_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8);
    image("").into_iter().chain(noise).collect()
}

fn tar_of_three() -> Vec<u8> {
    let tar = Tar::default().entry("photos/", EntryType::Directory, b"").file("photos/a.jpg", &image("a"));
    tar.file("photos/large.jpg", &large()).file("./photos/b", &image("b")).end()
}

fn zip_of_three(method: CompressionMethod) -> Vec<u8> {
    let entries: [(&str, &[u8]); 3] =
        [("photos/a.jpg", &image("a")), ("photos/large.jpg", &large()), ("photos/b", &image("b"))];
    zip(&entries, method)
}

fn of_every_kind() -> Vec<(&'static str, Vec<u8>)> {
    let tar = tar_of_three();
    vec![
        ("gzip", gzip(&tar)),
        ("zstd", zstd(&tar)),
        (
            "zstd frames",
            [zstd(&tar[..5_000]), b"\x5a\x2a\x4d\x18\x03\0\0\0any".to_vec(), zstd(&tar[5_000..])].concat(),
        ),
        ("gzip members", [gzip(&tar[..5_000]), gzip(&tar[5_000..])].concat()),
        ("tar", tar),
        ("stored zip", zip_of_three(CompressionMethod::Stored)),
        ("zip", zip_of_three(CompressionMethod::Deflated)),
    ]
}

#[tokio::test]
async fn every_kind_gives_the_same_items() {
    let place = Place::new();
    for (kind, bytes) in of_every_kind() {
        let seen = place.archive(&bytes).await.unwrap();
        assert_eq!(seen.names(), ["photos/a.jpg", "photos/large.jpg", "photos/b"], "{kind}");
        assert_eq!(
            [&seen.images[0].2, &seen.images[1].2, &seen.images[2].2],
            [&image("a"), &large(), &image("b")]
        );
        assert!(seen.passed.is_empty() && seen.damage.is_none(), "{kind}: {:?}", seen.damage);
    }
}

#[tokio::test]
async fn every_kind_goes_on_after_any_item() {
    let place = Place::new();
    for (kind, bytes) in of_every_kind() {
        let source = place.archive_of(&bytes);
        let whole = place.all(&source).await.unwrap();
        for (at, position) in whole.positions.iter().enumerate() {
            let rest = collect(place.open_at(&source, position)).await.unwrap();
            assert_eq!(rest.images, whole.images[at + 1..], "{kind} after {position:?}");
        }
        let mut other = whole.positions[1].clone();
        other.after = whole.positions[0].after.clone();
        let changed = collect(place.open_at(&source, &other)).await.unwrap_err();
        assert!(matches!(changed, SourceError::Changed), "{kind}: {changed}");
        let mut behind = whole.positions[2].clone();
        behind.next += 1;
        let changed = collect(place.open_at(&source, &behind)).await.unwrap_err();
        assert!(matches!(changed, SourceError::Changed), "{kind}: {changed}");
    }
}

#[tokio::test]
async fn progress_ends_at_the_size_of_the_archive() {
    let place = Place::new();
    for (kind, bytes) in of_every_kind() {
        let mut items = place.open(&place.archive_of(&bytes));
        while items.next().await.unwrap().is_some() {}
        let progress = items.progress();
        assert_eq!(
            (progress.phase, progress.fraction(), progress.met),
            (Phase::Done, Some(1.0), 3),
            "{kind}"
        );
        assert_eq!(progress.size, Some(bytes.len() as u64), "{kind}");
        assert!(progress.read > 0 && progress.read <= bytes.len() as u64, "{kind}: {}", progress.read);
    }
}

#[tokio::test]
async fn what_is_no_plain_image_is_passed_over_by_reason() {
    let tar = Tar::default()
        .file("../escaped.jpg", &image("1"))
        .file("/etc/absolute.jpg", &image("2"))
        .file("C:\\drive.jpg", &image("3"))
        .file("a/../../b.jpg", &image("4"))
        .entry("symbolic.jpg", EntryType::Symlink, b"")
        .entry("hard.jpg", EntryType::Link, b"")
        .entry("tty.jpg", EntryType::Char, b"")
        .entry("disk.jpg", EntryType::Block, b"")
        .entry("pipe.jpg", EntryType::Fifo, b"")
        .entry("album.jpg", EntryType::Directory, b"")
        .file("album.jpg/in.jpg", &image("5"))
        .file("text.jpg", b"a text")
        .file("empty.jpg", b"")
        .file("huge.jpg", &image(&"x".repeat(ITEM_BYTES as usize)))
        .file(b"caf\xe9.jpg", &image("6"))
        .file("twice.jpg", &image("7"))
        .file("twice.jpg", &image("8"));
    let seen = Place::new().archive(&tar.end()).await.unwrap();
    assert_eq!(seen.names(), ["album.jpg/in.jpg", "caf\\xe9.jpg", "twice.jpg", "twice.jpg"]);
    assert_eq!([seen.images[2].0, seen.images[3].0], [14, 15]);
    assert_eq!([&seen.images[2].2, &seen.images[3].2], [&image("7"), &image("8")]);
    let unsafe_path = |name| (name, SkipReason::UnsafePath);
    assert_eq!(
        seen.reasons(),
        [
            unsafe_path("../escaped.jpg"),
            unsafe_path("/etc/absolute.jpg"),
            unsafe_path("C:\\\\drive.jpg"),
            unsafe_path("a/../../b.jpg"),
            ("symbolic.jpg", SkipReason::Link),
            ("hard.jpg", SkipReason::Link),
            ("tty.jpg", SkipReason::Special),
            ("disk.jpg", SkipReason::Special),
            ("pipe.jpg", SkipReason::Special),
            ("text.jpg", SkipReason::NotAnImage),
            ("empty.jpg", SkipReason::Empty),
            ("huge.jpg", SkipReason::TooLarge),
        ]
    );
}

#[tokio::test]
async fn long_names_are_whole_in_both_dialects() {
    let long = format!("{}/a.jpg", "long".repeat(60));
    let gnu = [long.as_bytes(), b"\0"].concat();
    let tar = Tar::default()
        .entry("././@LongLink", EntryType::GNULongName, &gnu)
        .file("cut off", &image("gnu"))
        .pax("path", long.as_bytes())
        .file("cut off", &image("pax"))
        .pax("path", b"caf\xe9/../x.jpg")
        .file("harmless.jpg", &image("unsafe"))
        .file("own.jpg", &image("own"));
    let seen = Place::new().archive(&tar.end()).await.unwrap();
    assert_eq!(seen.names(), [&long, &long, "own.jpg"]);
    assert_eq!(seen.reasons(), [("caf\\xe9/../x.jpg", SkipReason::UnsafePath)]);
}

#[tokio::test]
async fn sparse_files_and_their_maps_are_passed_over() {
    let mut map = vec![0; 512];
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..6].copy_from_slice(b"sparse");
    header.set_entry_type(EntryType::GNUSparse);
    header.set_size(512);
    header.as_mut_bytes()[482] = 1;
    header.set_cksum();
    map[504] = 0;
    let rest = Tar::default()
        .pax("GNU.sparse.major", b"1")
        .file("pax", &image("x"))
        .file("a.jpg", &image("a"))
        .end();
    let bytes = [header.as_bytes().as_slice(), &map, &[1; 512], &rest].concat();
    let seen = Place::new().archive(&bytes).await.unwrap();
    assert_eq!(seen.reasons(), [("sparse", SkipReason::Special), ("pax", SkipReason::Special)]);
    assert_eq!((seen.names(), &seen.damage), (vec!["a.jpg"], &None));
}

#[tokio::test]
async fn zip_entries_that_cannot_be_read_are_passed_over() {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for name in ["..\\escaped.jpg", "wrong-sum.jpg", "odd-method.jpg", "locked.jpg"] {
        archive.start_file(name, options).unwrap();
        archive.write_all(&image(name)).unwrap();
    }
    archive.add_symlink("link.jpg", "/etc/passwd", options).unwrap();
    archive.add_directory("album.jpg", options).unwrap();
    archive.start_file("album.jpg/in.jpg", options).unwrap();
    archive.write_all(&image("in")).unwrap();
    let mut bytes = archive.finish().unwrap().into_inner();
    // The content of one, the method and the flags of two in the directory: they are 46 bytes before the name.
    let content = image("wrong-sum.jpg");
    let at = bytes.windows(content.len()).position(|window| window == content).unwrap();
    bytes[at + 5] ^= 1;
    let in_directory =
        |bytes: &[u8], name: &str| bytes.windows(name.len()).rposition(|w| w == name.as_bytes()).unwrap();
    let at = in_directory(&bytes, "odd-method.jpg");
    bytes[at - 46 + 10] = 12;
    let at = in_directory(&bytes, "locked.jpg");
    bytes[at - 46 + 8] |= 1;

    let seen = Place::new().archive(&bytes).await.unwrap();
    assert_eq!(seen.names(), ["album.jpg/in.jpg"]);
    assert_eq!(
        seen.reasons(),
        [
            ("../escaped.jpg", SkipReason::UnsafePath),
            ("wrong-sum.jpg", SkipReason::Damaged),
            ("odd-method.jpg", SkipReason::UnsupportedCompression),
            ("locked.jpg", SkipReason::Encrypted),
            ("link.jpg", SkipReason::Link),
        ]
    );
}

#[tokio::test]
async fn a_zip_behind_a_program_and_before_a_comment_is_found() {
    let mut bytes = zip_of_three(CompressionMethod::Deflated);
    let comment = b"PK\x05\x06 a comment";
    let at = bytes.len() - 2;
    bytes[at] = comment.len() as u8;
    let bytes = [b"#!/bin/sh\n".as_slice(), &bytes, comment].concat();
    // Content decides, and a program is no archive; but a zip may begin anywhere, as one behind a split mark does.
    let bytes = [b"PK\x07\x08".as_slice(), &bytes].concat();
    let seen = Place::new().archive(&bytes).await.unwrap();
    assert_eq!(seen.names().len(), 3, "{:?} {:?}", seen.passed, seen.damage);
}

/// Where the record is that ends a zip archive without a comment.
fn end_of_zip(bytes: &[u8]) -> usize {
    bytes.len() - 22
}

#[tokio::test]
async fn a_zip_directory_that_counts_wrongly_is_read_to_its_end() {
    let whole = zip_of_three(CompressionMethod::Deflated);
    let at = end_of_zip(&whole);
    for (count, is_damaged) in [(1_u16, true), (3, false)] {
        let mut bytes = whole.clone();
        bytes[at + 10..at + 12].copy_from_slice(&count.to_le_bytes());
        let seen = Place::new().archive(&bytes).await.unwrap();
        assert_eq!(seen.names().len(), 3, "{count}");
        let told = seen.damage.is_some_and(|what| what.contains("3 entries and says 1"));
        assert_eq!(told, is_damaged, "{count}");
    }
}

#[tokio::test]
async fn entries_of_a_zip_that_share_their_bytes_are_not_counted_twice() {
    let bytes = zip(&[("a.jpg", &image("a"))], CompressionMethod::Stored);
    let end = end_of_zip(&bytes);
    let start = u32::from_le_bytes(bytes[end + 16..end + 20].try_into().unwrap()) as usize;
    let (content, record) = (&bytes[..start], &bytes[start..end]);
    let mut tail = bytes[end..].to_vec();
    tail[10..12].copy_from_slice(&50_u16.to_le_bytes());
    tail[12..16].copy_from_slice(&(50 * record.len() as u32).to_le_bytes());
    let overlapping = [content, &record.repeat(50), &tail].concat();
    let seen = Place::new().archive(&overlapping).await.unwrap();
    assert_eq!(seen.names(), ["a.jpg"]);
    assert!(seen.damage.unwrap().contains("overlap"));
}

#[tokio::test]
async fn a_million_bytes_more_than_declared_are_not_taken() {
    let zeros = vec![0; 1 << 20];
    let content = [image("a"), zeros].concat();
    let bytes = zip(&[("a.jpg", &content)], CompressionMethod::Deflated);
    let declared = (content.len() as u32).to_le_bytes();
    let seen = Place::new().archive(&patched(bytes, &declared, &100_u32.to_le_bytes())).await.unwrap();
    assert_eq!(seen.reasons(), [("a.jpg", SkipReason::Damaged)]);
}

#[tokio::test]
async fn an_archive_that_is_cut_off_gives_what_came_before_and_says_so() {
    let place = Place::new();
    for (kind, bytes) in of_every_kind() {
        let cut = &bytes[..bytes.len() * 2 / 3];
        let seen = place.archive(cut).await.unwrap();
        let damage = seen.damage.expect("the damage is told");
        assert!(damage.contains("ends early"), "{kind}: {damage}");
        if kind.contains("zip") && !kind.contains("gzip") {
            assert!(seen.images.is_empty(), "{kind}");
        } else {
            assert_eq!(
                seen.images.iter().map(|i| i.1.as_str()).collect::<Vec<_>>(),
                ["photos/a.jpg"],
                "{kind}"
            );
            assert_eq!(seen.passed, [(1, "photos/large.jpg".to_owned(), SkipReason::Truncated)], "{kind}");
        }
    }
    let seen = place.archive(&Tar::default().file("a.jpg", &image("a")).unended()).await.unwrap();
    assert_eq!(seen.names(), ["a.jpg"]);
    assert!(seen.damage.unwrap().contains("end mark"));
}

#[tokio::test]
async fn other_formats_are_named_and_refused() {
    let place = Place::new();
    let cases: [(&[u8], &str); 6] = [
        (b"\xfd7zXZ\0\0\0", "xz"),
        (b"BZh91AY", "bzip2"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"Rar!\x1a\x07\0", "RAR"),
        (b"", "empty"),
        (&image("a photo is no archive"), "no archive"),
    ];
    for (bytes, word) in cases {
        let refused = place.archive(bytes).await.unwrap_err();
        assert!(
            matches!(&refused, SourceError::NotAnArchive(why) if why.contains(word)),
            "{word}: {refused}"
        );
    }
    let seen = place.archive(&gzip(b"not a tar archive")).await.unwrap();
    assert!(seen.damage.is_some() && seen.positions.is_empty());
}

#[tokio::test]
async fn a_checksum_is_verified_before_the_first_item() {
    let place = Place::new();
    for (_, bytes) in of_every_kind() {
        let Source::Archive(Archive { at, .. }) = place.archive_of(&bytes) else {
            unreachable!("it is an archive")
        };
        let sum = darkroom_core::BlobId::of(&bytes).to_string();
        let right = Source::Archive(Archive { at: at.clone(), checksum: Some(sum.parse().unwrap()) });
        assert_eq!(place.all(&right).await.unwrap().names().len(), 3);
        let wrong = sum.replace(|c: char| c.is_ascii_digit(), "a");
        let wrong = Source::Archive(Archive { at, checksum: Some(wrong.parse().unwrap()) });
        let mut items = place.open(&wrong);
        assert!(matches!(items.next().await, Err(SourceError::WrongChecksum { .. })));
    }
    let missing = Source::Archive(Archive { at: ArchiveAt::File(place.data().join("none")), checksum: None });
    assert!(matches!(place.all(&missing).await, Err(SourceError::OutsideRoots(_))));
}
