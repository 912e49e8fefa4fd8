use std::time::Duration;

use darkroom_core::{
    Clock, Operation, SystemClock,
    job::{Input, NewJob},
    operation::Thumbnail,
    store::{Store, StoreLimits},
};
use darkroom_store::Memory;
use futures_util::TryStreamExt;

use super::*;

async fn content(blobs: &Blobs, id: BlobId) -> Vec<u8> {
    let blob = blobs.get(id).await.unwrap();
    let chunks: Vec<_> = blob.stream(0..blob.bytes()).try_collect().await.unwrap();
    chunks.concat()
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn a_blob_is_read_back_whole_and_by_range() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let bytes: Vec<u8> = (0..2_000_000_u32).map(|n| (n % 251) as u8).collect();
    let mut writer = blobs.writer(10 << 20);
    for chunk in bytes.chunks(70_001) {
        writer.write(chunk).await.unwrap();
    }
    let stored = writer.finish().await.unwrap();
    assert_eq!((stored.id, stored.bytes), (BlobId::of(&bytes), bytes.len() as u64));
    assert_eq!(content(&blobs, stored.id).await, bytes);
    let blob = blobs.get(stored.id).await.unwrap();
    let part: Vec<_> = blob.stream(300_000..900_001).try_collect().await.unwrap();
    assert_eq!(part.concat(), bytes[300_000..900_001]);
    let beyond: Vec<_> = blob.stream(1_999_990..u64::MAX).try_collect().await.unwrap();
    assert_eq!(beyond.concat(), bytes[1_999_990..]);
}

#[tokio::test]
async fn the_same_content_is_kept_once() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let first = blobs.put(b"same".to_vec()).await.unwrap();
    let second = blobs.put(b"same".to_vec()).await.unwrap();
    assert_eq!(first.id, second.id);
    assert_eq!(files(blobs.local_path(first.id).parent().unwrap()), 1);
    assert_eq!(files(&folder.path().join("tmp")), 0);
}

#[tokio::test]
async fn bytes_are_measured_once_and_counted_along() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let (clock, limits) = (Arc::new(SystemClock), StoreLimits::default());
    let store = Memory::new(limits, clock);
    let known = blobs.put(vec![1; 1_000]).await.unwrap();
    for first in 0..=u8::MAX {
        assert_eq!(blobs.bytes(), None);
        blobs.measure(first).await.unwrap();
    }
    assert_eq!(blobs.bytes(), Some(1_000));
    blobs.put(vec![1; 1_000]).await.unwrap();
    let mut large = blobs.writer(u64::MAX);
    large.write(&vec![2; 2 << 20]).await.unwrap();
    let large = large.finish().await.unwrap();
    assert_eq!(blobs.bytes(), Some(1_000 + (2 << 20)), "the same content counts once");
    let gone = known.id;
    drop(known);
    blobs.collect(&store, vec![gone, large.id]).await.unwrap();
    assert_eq!(blobs.bytes(), Some(2 << 20), "what is held stays");
    // What changed behind its back is noticed when the folder is looked through.
    fs::remove_file(blobs.local_path(large.id)).unwrap();
    let mut walk = Walk::default();
    for _ in 0..=u8::MAX {
        blobs.collect_leftovers(&store, &mut walk, Duration::from_hours(1)).await.unwrap();
    }
    assert_eq!(blobs.bytes(), Some(0));
    assert!(blobs.room().is_some_and(|room| room.free <= room.total && room.total > 0));
}

#[tokio::test]
async fn a_writer_that_passes_its_cap_or_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let mut writer = blobs.writer(1 << 20);
    writer.write(&vec![1; 1 << 20]).await.unwrap();
    assert_eq!(files(&folder.path().join("tmp")), 1);
    assert!(matches!(writer.write(&[1]).await, Err(BlobError::TooLarge { cap }) if cap == 1 << 20));
    drop(writer);
    assert_eq!(files(&folder.path().join("tmp")), 0);
}

#[tokio::test]
async fn a_missing_blob_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let id = BlobId::of(b"never stored");
    assert!(matches!(blobs.get(id).await, Err(BlobError::Missing(missing)) if missing == id));
}

/// A job whose input is this blob: what makes it referenced.
async fn refer_to(store: &dyn Store, stored: &Stored) {
    let media_type = "image/png".to_owned();
    let input = Input { blob: stored.id, bytes: stored.bytes, media_type, name: None, place: None };
    let operations = vec![Operation::Thumbnail(Thumbnail::default())];
    store.submit(vec![NewJob::new(SystemClock.now(), input, operations).unwrap()]).await.unwrap();
}

fn memory() -> Memory {
    Memory::new(StoreLimits::default(), Arc::new(SystemClock))
}

#[tokio::test]
async fn only_blobs_that_no_row_names_and_nobody_holds_are_collected() {
    let folder = tempfile::tempdir().unwrap();
    let (blobs, store) = (Blobs::open(folder.path()).unwrap(), memory());
    let held = blobs.put(b"held".to_vec()).await.unwrap();
    let named = blobs.put(b"named".to_vec()).await.unwrap();
    refer_to(&store, &named).await;
    let free = blobs.put(b"free".to_vec()).await.unwrap().id;
    let named = named.id;
    let collected = blobs.collect(&store, vec![held.id, named, free]).await.unwrap();
    assert_eq!(collected, Collected { blobs: 1, bytes: 4, temporary: 0 });
    let there = [held.id, named, free].map(|id| blobs.local_path(id).exists());
    assert_eq!(there, [true, true, false]);
    drop(held);
    assert_eq!(
        blobs.collect(&store, Vec::new()).await.unwrap().blobs,
        1,
        "what was held is collected afterwards"
    );
}

#[tokio::test]
async fn a_blob_that_is_written_again_while_it_is_condemned_stays() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let id = blobs.put(b"same".to_vec()).await.unwrap().id;
    // The collector has condemned it and asks the store; meanwhile the same content is uploaded, recorded, let go.
    assert_eq!(blobs.inner.pins.condemn(&[id]), [id]);
    drop(blobs.put(b"same".to_vec()).await.unwrap());
    assert_eq!(blobs.inner.pins.execute(id, || "removed"), None);
    assert_eq!(content(&blobs, id).await, b"same");
}

#[tokio::test]
async fn what_a_crash_leaves_is_found_once_it_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let (blobs, store) = (Blobs::open(folder.path()).unwrap(), memory());
    let lost = blobs.put(b"blob first, then the crash".to_vec()).await.unwrap().id;
    let named = blobs.put(b"with a row".to_vec()).await.unwrap();
    refer_to(&store, &named).await;
    let named = named.id;
    fs::write(folder.path().join("tmp/unfinished"), b"crash before the rename").unwrap();

    let all = async |grace| {
        let (mut walk, mut sum) = (Walk::default(), Collected::default());
        for _ in 0..256 {
            let found = blobs.collect_leftovers(&store, &mut walk, grace).await.unwrap();
            sum.blobs += found.blobs;
            sum.temporary += found.temporary;
        }
        sum
    };
    assert_eq!(all(Duration::from_hours(1)).await, Collected::default(), "young files may be in use");
    assert_eq!(all(Duration::ZERO).await, Collected { blobs: 1, bytes: 0, temporary: 1 });
    assert!(!blobs.local_path(lost).exists() && blobs.local_path(named).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_that_are_written_side_by_side_all_become_durable() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let contents: Vec<Vec<u8>> = (0..300_u32).map(|n| n.to_le_bytes().repeat(500)).collect();
    let puts = contents.iter().map(|content| blobs.put(content.clone()));
    let stored = futures_util::future::try_join_all(puts).await.unwrap();
    for (stored, expected) in stored.iter().zip(&contents) {
        assert_eq!(&content(&blobs, stored.id).await, expected);
    }
    // Twice the same and something new in one call, in its order.
    let written: Vec<Written> = [&contents[1], &vec![7; 9], &contents[1]]
        .map(|content| blobs.write(content.clone().into()).unwrap())
        .into();
    let ids: Vec<BlobId> =
        blobs.make_durable(written).await.unwrap().iter().map(|stored| stored.id).collect();
    assert_eq!(ids, [stored[1].id, BlobId::of(&[7; 9]), stored[1].id]);
    assert_eq!(files(&folder.path().join("tmp")), 0);
}

#[tokio::test]
async fn what_is_written_and_never_made_durable_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let written = blobs.write(Bytes::from_static(b"never mind")).unwrap();
    let id = BlobId::of(b"never mind");
    assert!(!blobs.local_path(id).exists(), "it has its name once it is on the disk");
    drop(written);
    assert_eq!(files(&folder.path().join("tmp")), 0);
}
