//! Files that were named one by one.

use std::fs;

use darkroom_server::sources::{SkipReason, Source};

use super::fixture::{Place, collect, image};

#[tokio::test]
async fn files_are_met_in_the_order_of_the_list_and_gone_on_with_behind_the_last_one() {
    let place = Place::new();
    let mut paths = vec![place.write("b.jpg", &image("b")), place.write("deep/a.jpg", &image("a"))];
    paths.push(place.data().join("gone.jpg"));
    paths.push(place.write("notes.txt", b"no image"));
    paths.push(place.write("other/b.jpg", &image("another")));
    paths.push(place.data());
    fs::write(place.folder.path().join("outside.jpg"), image("outside")).unwrap();
    paths.push(place.folder.path().join("outside.jpg"));
    let source = Source::Files { paths, below: None };
    let seen = place.all(&source).await.unwrap();
    assert_eq!(seen.names(), ["b.jpg", "a.jpg", "b.jpg"]);
    assert_eq!(seen.placed, ["b.jpg", "a.jpg", "b.jpg"]);
    let passed = [
        ("gone.jpg", SkipReason::Vanished),
        ("notes.txt", SkipReason::NotAnImage),
        ("data", SkipReason::Special),
        ("outside.jpg", SkipReason::Vanished),
    ];
    assert_eq!(seen.reasons(), passed, "what is outside of the roots might as well not be there");
    for (at, position) in seen.positions.iter().enumerate() {
        let rest = collect(place.open_at(&source, position)).await.unwrap();
        assert_eq!(rest.images.len() + rest.passed.len(), 6 - at, "after {position:?}");
    }
}

#[tokio::test]
async fn below_a_folder_files_are_called_by_their_paths() {
    let place = Place::new();
    let paths = vec![place.write("a/cover.jpg", &image("a")), place.write("b/deep/cover.jpg", &image("b"))];
    let source = Source::Files { paths, below: Some(place.data()) };
    assert_eq!(place.all(&source).await.unwrap().names(), ["a/cover.jpg", "b/deep/cover.jpg"]);
}
