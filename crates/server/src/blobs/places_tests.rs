use std::os::unix::fs::symlink;

use darkroom_core::job::{Input, Place};
use darkroom_imaging::Source;
use tempfile::TempDir;

use super::*;

/// More than is taken into memory.
const LARGE: usize = (16 << 20) + 5;

struct Stage {
    folder: TempDir,
    blobs: Blobs,
}

impl Stage {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir_all(folder.path().join("photos/may")).unwrap();
        let blobs = Blobs::open(folder.path().join("blobs")).unwrap();
        Self { folder, blobs }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("photos/may/a.jpg")
    }

    /// An input that lies in a file with this content.
    fn placed(&self, content: &[u8]) -> Input {
        fs::write(self.file(), content).unwrap();
        Input {
            blob: BlobId::of(content),
            bytes: content.len() as u64,
            media_type: "image/jpeg".to_owned(),
            name: None,
            place: Place::of(&self.file()),
        }
    }

    fn temporaries(&self) -> usize {
        fs::read_dir(self.folder.path().join("blobs/tmp")).unwrap().count()
    }
}

fn content(held: &Held) -> Vec<u8> {
    held.source.read_all().unwrap().to_vec()
}

/// Whether it is told that the file has another content.
fn is_changed(stage: &Stage, input: &Input) -> bool {
    matches!(stage.blobs.input(input), Err(BlobError::Changed(id)) if id == input.blob)
}

#[test]
fn a_file_is_read_where_it_lies() {
    let stage = Stage::new();
    let input = stage.placed(b"small");
    let held = stage.blobs.input(&input).unwrap();
    assert_eq!((content(&held), held.memory()), (b"small".to_vec(), 5));
    assert!(!stage.blobs.local_path(input.blob).exists());
}

#[test]
fn a_large_file_is_taken_through_a_temporary_one() {
    let stage = Stage::new();
    let large = vec![3; LARGE];
    let input = stage.placed(&large);
    let held = stage.blobs.input(&input).unwrap();
    assert_eq!((held.memory(), stage.temporaries()), (0, 1));
    fs::write(stage.file(), b"it is changed while somebody works on it").unwrap();
    assert!(content(&held) == large, "what was read does not change");
    drop(held);
    assert_eq!(stage.temporaries(), 0);
    fs::write(stage.file(), vec![4; LARGE]).unwrap();
    assert!(is_changed(&stage, &input));
    assert_eq!(stage.temporaries(), 0);
}

#[test]
fn another_content_is_never_taken_for_the_input() {
    let stage = Stage::new();
    let input = stage.placed(b"as it was");
    let times = fs::metadata(stage.file()).unwrap().modified().unwrap();
    for other in ["as it is.", "longer than it was", "short", ""] {
        fs::write(stage.file(), other).unwrap();
        // Whoever writes may set the time back.
        File::options().write(true).open(stage.file()).unwrap().set_modified(times).unwrap();
        assert!(is_changed(&stage, &input), "{other}");
    }
    fs::write(stage.file(), "as it was").unwrap();
    assert_eq!(content(&stage.blobs.input(&input).unwrap()), b"as it was", "it is the content that counts");
}

#[test]
fn what_is_gone_is_missing() {
    let stage = Stage::new();
    let input = stage.placed(b"gone");
    fs::remove_file(stage.file()).unwrap();
    assert!(matches!(stage.blobs.input(&input), Err(BlobError::Missing(id)) if id == input.blob));
    fs::remove_dir(stage.file().parent().unwrap()).unwrap();
    assert!(matches!(stage.blobs.input(&input), Err(BlobError::Missing(_))));
    fs::write(stage.file().parent().unwrap(), "a file where the folder was").unwrap();
    assert!(is_changed(&stage, &input));
}

#[test]
fn neither_links_nor_pipes_nor_folders_are_followed_or_waited_for() {
    let stage = Stage::new();
    let input = stage.placed(b"linked");
    let (file, outside) = (stage.file(), stage.folder.path().join("outside"));
    let may = file.parent().unwrap();
    fs::create_dir(&outside).unwrap();
    fs::rename(&file, outside.join("a.jpg")).unwrap();
    symlink(outside.join("a.jpg"), &file).unwrap();
    assert!(is_changed(&stage, &input), "a link to the same content");
    fs::remove_file(&file).unwrap();
    fs::remove_dir(may).unwrap();
    symlink(&outside, may).unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"linked");
    assert!(is_changed(&stage, &input), "a folder that became a link");
    fs::remove_file(may).unwrap();
    fs::create_dir_all(&file).unwrap();
    assert!(is_changed(&stage, &input), "a folder");
    fs::remove_dir(&file).unwrap();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &file, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert!(is_changed(&stage, &input), "a pipe that nobody writes to");
}

#[tokio::test]
async fn a_copy_is_used_where_there_is_one() {
    let stage = Stage::new();
    let input = stage.placed(b"twice");
    let stored = stage.blobs.put(b"twice".to_vec()).await.unwrap();
    for spoil in [|file: &Path| fs::write(file, "other"), |file: &Path| fs::remove_file(file)] {
        spoil(&stage.file()).unwrap();
        let held = stage.blobs.input(&input).unwrap();
        assert!(matches!(&held.source, Source::File(path) if *path == stage.blobs.local_path(stored.id)));
        assert_eq!(content(&held), b"twice");
        assert_eq!(&stage.blobs.open_input(&input).await.unwrap().read(0..5).await.unwrap()[..], b"twice");
    }
}

#[tokio::test]
async fn an_input_is_opened_for_parts_and_stays_open() {
    let stage = Stage::new();
    let input = stage.placed(b"part by part");
    let blob = stage.blobs.open_input(&input).await.unwrap();
    fs::write(stage.file(), "something else").unwrap();
    assert_eq!((&blob.read(5..7).await.unwrap()[..], blob.bytes()), (&b"by"[..], 12));
    assert_eq!(stage.temporaries(), 0);
    assert!(matches!(stage.blobs.open_input(&input).await, Err(BlobError::Changed(_))));
}

#[tokio::test]
async fn what_is_taken_in_is_a_blob_of_its_own() {
    let stage = Stage::new();
    let input = stage.placed(b"kept");
    let stored = stage.blobs.take_in(&input).await.unwrap();
    fs::remove_file(stage.file()).unwrap();
    assert_eq!((stored.id, stored.bytes), (input.blob, 4));
    assert_eq!(fs::read(stage.blobs.local_path(stored.id)).unwrap(), b"kept");
    assert_eq!(stage.temporaries(), 0);
    assert!(matches!(stage.blobs.take_in(&input).await, Err(BlobError::Missing(_))));
}
