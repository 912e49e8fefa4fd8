//! What the journal of small blobs gives back after a loss of power.

use std::{fs::OpenOptions, os::unix::fs::MetadataExt};

use super::*;

const CAP: ByteSize = ByteSize(1 << 20);

/// A store with a journal; `None` where the file system is not trusted with one.
#[allow(clippy::print_stderr, reason = "what is skipped is said loudly")]
fn open(root: &Path, bytes: ByteSize) -> Option<Blobs> {
    let blobs = Blobs::with_journal(root, bytes).unwrap();
    if !blobs.inner.journal.takes(1) {
        eprintln!("SKIPPED: the file system of temporary files gets no journal of blobs");
        return None;
    }
    Some(blobs)
}

/// The journals in the folder of a store, in their order.
fn journals(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root.join("journal")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn content(number: u8) -> Vec<u8> {
    vec![number; 1_000 + usize::from(number)]
}

async fn put(blobs: &Blobs, numbers: std::ops::Range<u8>) -> Vec<BlobId> {
    let mut ids = Vec::new();
    for number in numbers {
        ids.push(blobs.put(content(number)).await.unwrap().id);
    }
    ids
}

#[tokio::test]
async fn files_that_a_loss_of_power_took_are_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let Some(blobs) = open(folder.path(), CAP) else { return };
    let ids = put(&blobs, 0..4).await;
    let paths: Vec<PathBuf> = ids.iter().map(|id| blobs.local_path(*id)).collect();
    drop(blobs);
    // What a file system may make of files that were not synced: none, an empty one, one of zeros.
    fs::remove_file(&paths[0]).unwrap();
    fs::write(&paths[1], []).unwrap();
    fs::write(&paths[2], vec![0; content(2).len()]).unwrap();
    // Or one that still looks right, from memory.
    let looks_right = fs::metadata(&paths[3]).unwrap().ino();
    let Some(blobs) = open(folder.path(), CAP) else { return };
    for (path, number) in paths.iter().zip(0..) {
        assert_eq!(fs::read(path).unwrap(), content(number));
    }
    assert_ne!(fs::metadata(&paths[3]).unwrap().ino(), looks_right, "it is written whatever it looks like");
    assert_eq!(journals(folder.path()), Vec::<PathBuf>::new(), "what was restored is on the disk");
    put(&blobs, 4..5).await;
    assert_eq!(journals(folder.path()).len(), 1);
}

#[tokio::test]
async fn a_record_that_is_not_whole_is_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let Some(whole) = open(folder.path(), CAP) else { return };
    let ids = put(&whole, 0..3).await;
    drop(whole);
    let record = |number: u8| (32 + 4 + content(number).len()) as u64;
    let journal = fs::read(&journals(folder.path())[0]).unwrap();
    let third = (record(0) + record(1)) as usize;
    let put = |at: usize, byte: u8| {
        let mut bytes = journal.clone();
        bytes[at] = byte;
        bytes
    };
    let damaged = [
        ("cut in the content", journal[..third + 500].to_vec()),
        ("cut in the head", journal[..third + 33].to_vec()),
        ("other content", put(third + 40, 9)),
        ("a length that nothing has", put(third + 35, 255)),
    ];
    for (what, bytes) in damaged {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("journal")).unwrap();
        fs::write(folder.path().join("journal/00000000"), bytes).unwrap();
        let Some(blobs) = open(folder.path(), CAP) else { return };
        let there: Vec<bool> = ids.iter().map(|id| blobs.local_path(*id).exists()).collect();
        assert_eq!(there, [true, true, false], "{what}");
        assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0, "{what}");
    }
}

#[tokio::test]
async fn only_small_blobs_are_recorded_and_none_without_a_journal() {
    let folder = tempfile::tempdir().unwrap();
    let Some(blobs) = open(folder.path(), CAP) else { return };
    let small = 256 << 10;
    blobs.put(vec![1; small + 1]).await.unwrap();
    assert_eq!(journals(folder.path()).len(), 0);
    blobs.put(vec![1; small]).await.unwrap();
    blobs.put(vec![1; small]).await.unwrap();
    let bytes = fs::metadata(&journals(folder.path())[0]).unwrap().len();
    assert_eq!(bytes, 32 + 4 + small as u64, "what is there already is not recorded again");
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::with_journal(folder.path(), ByteSize(0)).unwrap();
    let id = blobs.put(content(1)).await.unwrap().id;
    assert!(blobs.local_path(id).exists());
    assert_eq!(journals(folder.path()).len(), 0);
}

#[tokio::test]
async fn a_full_journal_is_emptied_and_another_begun() {
    let folder = tempfile::tempdir().unwrap();
    let Some(blobs) = open(folder.path(), ByteSize(10_000)) else { return };
    // Nobody waits for that: it is seen from the numbers of the files.
    let ids = put(&blobs, 0..100).await;
    blobs.empty_journal().await.unwrap();
    assert_eq!(journals(folder.path()).len(), 0);
    put(&blobs, 100..101).await;
    let number: u64 = journals(folder.path())[0].file_name().unwrap().to_str().unwrap().parse().unwrap();
    assert!(number >= 5, "{number}");
    assert!(ids.iter().all(|id| blobs.local_path(*id).exists()));
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_fails_those_it_is_for() {
    let folder = tempfile::tempdir().unwrap();
    let Some(blobs) = open(folder.path(), CAP) else { return };
    let journal = folder.path().join("journal");
    fs::remove_dir(&journal).unwrap();
    assert!(matches!(blobs.put(content(1)).await, Err(BlobError::Io(_))));
    assert!(!blobs.local_path(BlobId::of(&content(1))).exists());
    blobs.put(vec![1; 1 << 20]).await.unwrap();
    fs::create_dir(&journal).unwrap();
    assert_eq!(put(&blobs, 1..2).await, [BlobId::of(&content(1))]);
}

#[tokio::test]
async fn behind_half_a_record_no_other_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let Some(blobs) = open(folder.path(), CAP) else { return };
    put(&blobs, 0..1).await;
    // A file that takes nothing more, as on a full disk.
    let path = journals(folder.path()).remove(0);
    let sealed = OpenOptions::new().read(true).open(&path).unwrap();
    blobs.inner.journal.files.lock().unwrap().open = Some((sealed, 0));
    assert!(blobs.put(content(1)).await.is_err());
    let ids = put(&blobs, 1..2).await;
    assert_eq!(journals(folder.path()).len(), 2);
    drop(blobs);
    fs::remove_file(folder.path().join(ids[0].to_string().split_at(2).0).join(ids[0].to_string())).unwrap();
    let Some(blobs) = open(folder.path(), CAP) else { return };
    assert_eq!(fs::read(blobs.local_path(ids[0])).unwrap(), content(1));
}

#[tokio::test]
async fn what_was_deleted_goes_from_the_journal_too() {
    let folder = tempfile::tempdir().unwrap();
    let Some(blobs) = open(folder.path(), CAP) else { return };
    let ids = put(&blobs, 0..2).await;
    fs::remove_file(blobs.local_path(ids[0])).unwrap();
    blobs.empty_journal().await.unwrap();
    drop(blobs);
    let Some(blobs) = open(folder.path(), CAP) else { return };
    assert_eq!(ids.iter().map(|id| blobs.local_path(*id).exists()).collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn after_a_disk_that_failed_to_keep_records_stay_and_nothing_is_added() {
    let folder = tempfile::tempdir().unwrap();
    let Some(blobs) = open(folder.path(), CAP) else { return };
    let ids = put(&blobs, 0..2).await;
    // What cannot be opened cannot be synced: a link to itself.
    let path = blobs.local_path(ids[0]);
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&path, &path).unwrap();
    blobs.empty_journal().await.unwrap();
    let kept = journals(folder.path());
    put(&blobs, 2..3).await;
    blobs.empty_journal().await.unwrap();
    assert_eq!((kept.len(), journals(folder.path())), (1, kept));
    drop(blobs);
    let Some(blobs) = open(folder.path(), CAP) else { return };
    assert_eq!(fs::read(blobs.local_path(ids[0])).unwrap(), content(0));
    assert_eq!(journals(folder.path()).len(), 0);
}
