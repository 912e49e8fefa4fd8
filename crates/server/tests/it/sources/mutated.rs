//! Archives with random damage: whatever it is, the reader ends, and says something.

use std::sync::LazyLock;

use darkroom_server::sources::{Position, SourceError, Sources};
use proptest::{prelude::*, test_runner::Config};
use zip::CompressionMethod;

use super::{
    fixture::{Place, collect, image},
    pack::{Tar, gzip, zip, zstd},
};

fn seeds() -> Vec<Vec<u8>> {
    let tar = Tar::default()
        .file("a.jpg", &image("a"))
        .pax("path", b"long/name.jpg")
        .file("b.jpg", &image(&"b".repeat(2_000)))
        .entry("link", tar::EntryType::Symlink, b"")
        .file("c.txt", b"text")
        .end();
    let (b, c) = (image(&"b".repeat(2_000)), image("c"));
    let entries: [(&str, &[u8]); 3] = [("a.txt", b"text"), ("b.jpg", &b), ("c.jpg", &c)];
    let zips = [CompressionMethod::Deflated, CompressionMethod::Stored].map(|method| zip(&entries, method));
    vec![gzip(&tar), zstd(&tar), tar, zips[0].clone(), zips[1].clone()]
}

/// One change to an archive.
#[derive(Debug, Clone)]
enum Damage {
    Set(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, u8),
}

fn damage() -> impl Strategy<Value = Damage> {
    let odd = prop_oneof![Just(0), Just(0xff), any::<u8>()];
    prop_oneof![
        8 => (any::<prop::sample::Index>(), odd).prop_map(|(at, byte)| Damage::Set(at, byte)),
        1 => any::<prop::sample::Index>().prop_map(Damage::Cut),
        1 => (any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 1..40)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        1 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, count)| Damage::Remove(at, count)),
    ]
}

fn apply(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        if bytes.is_empty() {
            break;
        }
        match damage {
            Damage::Set(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Damage::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Damage::Insert(at, more) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, more.iter().copied());
            }
            Damage::Remove(at, count) => {
                let at = at.index(bytes.len());
                bytes.drain(at..(at + usize::from(*count)).min(bytes.len()));
            }
        }
    }
    bytes
}

/// Opened once for all cases.
static PLACE: LazyLock<(Place, Sources)> = LazyLock::new(|| {
    let place = Place::new();
    let sources = place.sources();
    (place, sources)
});

proptest! {
    #![proptest_config(Config { cases: 1_500, max_shrink_iters: 200, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_damaged_archive_ends_in_items_or_in_words(
        seed in 0..5_usize,
        damages in prop::collection::vec(damage(), 1..8),
    ) {
        let (place, sources) = &*PLACE;
        let bytes = apply(seeds().swap_remove(seed), &damages);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        match runtime.block_on(async { collect(sources.open("run", &place.archive_of(&bytes), Position::default())).await }) {
            Ok(seen) => {
                let known = seen.images.iter().map(|image| image.0).chain(seen.passed.iter().map(|p| p.0));
                prop_assert_eq!(known.count(), seen.positions.len());
                prop_assert!(seen.images.iter().all(|(_, _, content)| content.len() < 1 << 20));
            }
            Err(SourceError::NotAnArchive(_) | SourceError::Limit { .. }) => {}
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}
