//! Folders.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    },
};

use darkroom_server::sources::{Depth, Folder, Position, SkipReason, Source, SourceError};

use super::fixture::{ITEM_BYTES, Place, collect, image};

fn everything(place: &Place) -> Source {
    Source::Folder(Folder::all(place.data()))
}

#[tokio::test]
async fn a_folder_is_met_sorted_with_everything_below() {
    let place = Place::new();
    for name in ["b.jpg", "a/2.jpg", "a/10.jpg", "a/deep/er/x.png", "c/z.jpg", ".hidden/h.jpg", "a-b.jpg"] {
        place.write(name, &image(name));
    }
    let seen = place.all(&everything(&place)).await.unwrap();
    assert_eq!(seen.names(), ["a/10.jpg", "a/2.jpg", "a/deep/er/x.png", "a-b.jpg", "b.jpg", "c/z.jpg"]);
    assert!(
        seen.images
            .iter()
            .enumerate()
            .all(|(at, (index, name, content))| { *index == at as u64 && *content == image(name) })
    );
    assert_eq!(seen.damage, None);
}

#[tokio::test]
async fn what_the_server_keeps_is_no_image_of_a_folder_that_its_data_lie_in() {
    let place = Place::new();
    for name in ["a.jpg", "ours/blobs/b", "ours/c.jpg", "yours/ours/d.jpg"] {
        place.write(name, &image(name));
    }
    let sources = place.sources_with(&place.data().join("ours"));
    let seen = collect(sources.open("run", &everything(&place), Position::default())).await.unwrap();
    assert_eq!(seen.names(), ["a.jpg", "yours/ours/d.jpg"]);
}

#[tokio::test]
async fn files_stay_where_they_are_unless_told_or_their_names_are_no_text() {
    let mut place = Place::new();
    // As long as one chunk, and longer.
    for (name, length) in [("a.jpg", 9), ("b.jpg", 256 << 10), ("c.jpg", (256 << 10) + 1)] {
        let mut content = image(name);
        content.resize(length, 7);
        place.write(name, &content);
    }
    place.write(OsStr::from_bytes(b"d\xe9.jpg"), &image("latin"));
    symlink("a.jpg", place.data().join("e.jpg")).unwrap();
    let seen = place.all(&everything(&place)).await.unwrap();
    assert_eq!(seen.placed, ["a.jpg", "b.jpg", "c.jpg", "e.jpg"]);
    assert_eq!(seen.names(), ["a.jpg", "b.jpg", "c.jpg", "d\\xe9.jpg", "e.jpg"]);
    place.config.sources.in_place = false;
    let copied = place.all(&everything(&place)).await.unwrap();
    assert_eq!((copied.placed.len(), &copied.images), (0, &seen.images));
}

#[tokio::test]
async fn what_is_no_image_is_passed_over_by_reason() {
    let place = Place::new();
    place.write("album.jpg/inside.jpg", &image("inside"));
    place.write("called.jpg", b"but a text");
    place.write("empty.png", b"");
    place.write("huge.jpg", &image(&"x".repeat(ITEM_BYTES as usize)));
    place.write("image.txt", &image("by content"));
    place.write(OsStr::from_bytes(b"caf\xe9.jpg"), &image("latin"));
    fs::write(place.folder.path().join("outside.jpg"), image("outside")).unwrap();
    symlink("../outside.jpg", place.data().join("link-out.jpg")).unwrap();
    symlink("nowhere.jpg", place.data().join("link-nowhere.jpg")).unwrap();
    symlink("image.txt", place.data().join("link-within.jpg")).unwrap();
    symlink(".", place.data().join("link-round")).unwrap();
    let _socket = UnixListener::bind(place.data().join("socket")).unwrap();

    let seen = place.all(&everything(&place)).await.unwrap();
    assert_eq!(seen.names(), ["album.jpg/inside.jpg", "caf\\xe9.jpg", "image.txt", "link-within.jpg"]);
    assert_eq!(
        seen.reasons(),
        [
            ("album.jpg", SkipReason::Folder),
            ("called.jpg", SkipReason::NotAnImage),
            ("empty.png", SkipReason::Empty),
            ("huge.jpg", SkipReason::TooLarge),
            ("link-nowhere.jpg", SkipReason::Link),
            ("link-out.jpg", SkipReason::Link),
            ("link-round", SkipReason::Link),
            ("socket", SkipReason::Special),
        ]
    );
    let mut indices: Vec<u64> =
        seen.images.iter().map(|i| i.0).chain(seen.passed.iter().map(|p| p.0)).collect();
    indices.sort_unstable();
    assert!(indices.into_iter().eq(0..12), "each thing has a place of its own");
}

#[tokio::test]
#[allow(clippy::print_stderr, reason = "what is skipped is told")]
async fn an_unreadable_folder_is_passed_over() {
    let place = Place::new();
    place.write("a.jpg", &image("a"));
    place.write("locked/b.jpg", &image("b"));
    let locked = place.data().join("locked");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o0)).unwrap();
    if fs::read_dir(&locked).is_ok() {
        eprintln!("SKIPPED: this user can read everything");
        return;
    }
    let seen = place.all(&everything(&place)).await.unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!((seen.names(), seen.reasons()), (vec!["a.jpg"], vec![("locked", SkipReason::Unreadable)]));
}

#[tokio::test]
async fn files_that_vanish_while_others_are_read_are_passed_over() {
    let place = Place::new();
    // More than are read ahead.
    let names: Vec<String> = (0..200).map(|number| format!("{number:03}.jpg")).collect();
    for name in &names {
        place.write(name, &image(name));
    }
    let mut items = place.open(&everything(&place));
    assert!(items.next().await.unwrap().is_some());
    for name in &names[100..] {
        fs::remove_file(place.data().join(name)).unwrap();
    }
    let seen = collect(items).await.unwrap();
    assert_eq!(seen.images.len() + seen.passed.len(), 199);
    assert!(
        seen.passed.len() >= 90 && seen.passed.iter().all(|(_, _, reason)| *reason == SkipReason::Vanished)
    );
}

type Words = &'static [&'static str];

#[tokio::test]
async fn patterns_and_depth_say_what_is_meant() {
    let place = Place::new();
    for name in ["a.jpg", "a.png", "cats/b.jpg", "cats/tmp/c.jpg", "dogs/d.jpg"] {
        place.write(name, &image(name));
    }
    let cases: [(Depth, Words, Words, Words); 5] = [
        (Depth::Flat, &[], &[], &["a.jpg", "a.png"]),
        (Depth::All, &["*.jpg"], &[], &["a.jpg"]),
        (Depth::All, &["**/*.jpg"], &["**/tmp"], &["a.jpg", "cats/b.jpg", "dogs/d.jpg"]),
        (Depth::All, &["cats/**", "*.png"], &[], &["a.png", "cats/b.jpg", "cats/tmp/c.jpg"]),
        (Depth::All, &[], &["{cats,dogs}/**"], &["a.jpg", "a.png"]),
    ];
    for (depth, include, exclude, names) in cases {
        let owned = |patterns: Words| patterns.iter().map(ToString::to_string).collect();
        let folder = Folder { path: place.data(), depth, include: owned(include), exclude: owned(exclude) };
        assert_eq!(
            place.all(&Source::Folder(folder)).await.unwrap().names(),
            names,
            "{include:?} {exclude:?}"
        );
    }
    let wrong = Folder { include: vec!["a[".to_owned()], ..Folder::all(place.data()) };
    let refused = place.sources().check(&Source::Folder(wrong));
    assert!(matches!(refused, Err(SourceError::Pattern { pattern, .. }) if pattern == "a["));
}

#[tokio::test]
async fn a_large_folder_is_met_window_by_window_and_goes_on_anywhere() {
    let mut place = Place::new();
    place.config.sources.folder_window = 7;
    let mut names: Vec<String> = (0..60).map(|number| format!("{number}.jpg")).collect();
    names.extend((0..20).map(|number| format!("1x/{number}.jpg")));
    names.extend((0..20).map(|number| format!("album.jpg/{number}/a.jpg")));
    for name in &names {
        place.write(name, &image(name));
    }
    let whole = place.all(&everything(&place)).await.unwrap();
    let mut sorted = names.clone();
    sorted.sort_by(|a, b| a.split('/').cmp(b.split('/')));
    assert_eq!(whole.names(), sorted);
    for (at, position) in whole.positions.iter().enumerate() {
        let rest = collect(place.open_at(&everything(&place), position)).await.unwrap();
        let expected: Vec<_> = whole.images.iter().filter(|image| image.0 > at as u64).collect();
        assert!(rest.images.iter().eq(expected), "after {position:?}");
        assert_eq!(rest.images.len() + rest.passed.len(), whole.positions.len() - at - 1);
    }
}

#[tokio::test]
async fn a_folder_is_gone_on_with_behind_a_name_that_is_gone() {
    let place = Place::new();
    for name in ["a/1.jpg", "b/1.jpg", "b/3.jpg", "c.jpg"] {
        place.write(name, &image(name));
    }
    let whole = place.all(&everything(&place)).await.unwrap();
    let after_second = whole.positions[1].clone();
    fs::remove_file(place.data().join("b/1.jpg")).unwrap();
    place.write("a/0.jpg", &image("new, before"));
    place.write("b/2.jpg", &image("new, behind"));
    let rest = collect(place.open_at(&everything(&place), &after_second)).await.unwrap();
    assert_eq!(rest.names(), ["b/2.jpg", "b/3.jpg", "c.jpg"]);
    assert_eq!(rest.images[0].0, 2);
    fs::remove_dir_all(place.data().join("b")).unwrap();
    let rest = collect(place.open_at(&everything(&place), &after_second)).await.unwrap();
    assert_eq!(rest.names(), ["c.jpg"]);
}

#[tokio::test]
async fn only_the_configured_roots_are_read() {
    let mut place = Place::new();
    place.write("a.jpg", &image("a"));
    let outside = place.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, place.data().join("door")).unwrap();
    for path in
        [outside.clone(), place.data().join(".."), place.data().join("door"), place.data().join("none")]
    {
        let source = Source::Folder(Folder::all(&path));
        for refused in [place.sources().check(&source).err(), place.all(&source).await.err()] {
            assert!(matches!(refused, Some(SourceError::OutsideRoots(_))), "{}: {refused:?}", path.display());
        }
    }
    assert!(place.sources().check(&everything(&place)).is_ok());
    place.config.sources.roots.clear();
    assert!(place.sources().check(&everything(&place)).is_err());
}

#[tokio::test]
async fn folders_within_folders_end_at_the_bound() {
    let mut place = Place::new();
    place.config.sources.folder_depth = 2;
    place.write("a/b/c.jpg", &image("too deep"));
    place.write("a/b.jpg", &image("b"));
    let seen = place.all(&everything(&place)).await.unwrap();
    assert_eq!((seen.names(), seen.reasons()), (vec!["a/b.jpg"], vec![("a/b", SkipReason::TooDeep)]));
}

#[tokio::test]
async fn a_single_file_is_a_source() {
    let place = Place::new();
    let path = place.write("a/b.jpg", &image("b"));
    let source = Source::Folder(Folder::all(path));
    let seen = place.all(&source).await.unwrap();
    assert_eq!(seen.names(), ["b.jpg"]);
    let rest = collect(place.open_at(&source, &seen.positions[0])).await.unwrap();
    assert!(rest.positions.is_empty());
}
