use super::*;

use futures_util::TryStreamExt;

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
