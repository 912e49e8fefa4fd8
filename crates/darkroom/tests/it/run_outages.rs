//! Runs whose disk is full, and whose blobs cannot be read: they wait, say why, and go on by themselves.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use darkroom_api::{Client, FolderDepth, RunRequest, RunSource, RunState};
use darkroom_core::{Operation, operation::Thumbnail, run::OnError};
use tempfile::TempDir;

use crate::binary::{Server, folder, png, run_until, write};

/// Images of a dataset.
const IMAGES: u32 = 120;

/// A file system of its own, a small one.
struct Mounted(PathBuf);

impl Mounted {
    /// `None` where this user may not mount.
    fn at(place: PathBuf, mebibytes: u32) -> Option<Self> {
        fs::create_dir(&place).unwrap();
        let size = format!("size={mebibytes}m");
        let mut mount = Command::new("mount");
        let mount = mount.args(["-t", "tmpfs", "-o", &size, "darkroom-test"]).arg(&place).status();
        mount.is_ok_and(|status| status.success()).then(|| Self(place))
    }

    /// Fills it until so many bytes are left; whoever removes the file makes room.
    fn fill_up_to(&self, left: usize) -> PathBuf {
        let path = self.0.join("ballast");
        let mut file = File::create(&path).unwrap();
        let piece = vec![1; 64 << 10];
        while file.write_all(&piece).is_ok() {}
        let filled = file.metadata().unwrap().len();
        file.set_len(filled - left as u64).unwrap();
        path
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: the server may not have closed its files yet.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_while_the_disk_is_full_and_goes_on_once_there_is_room() {
    let (place, photos) = (folder(), dataset());
    let Some(disk) = Mounted::at(place.path().join("darkroom-data"), 64) else {
        assert!(std::env::var_os("CI").is_none(), "CI has to be able to mount");
        eprintln!("SKIPPED: this user may not mount a file system");
        return;
    };
    let server = server(place.path(), photos.path(), "false");
    let client = Client::new(&server.url).unwrap();
    let ballast = disk.fill_up_to(1 << 20);
    let id = client.make_run(&request(photos.path())).await.unwrap().id;
    let waiting = run_until(&client, &id, |run| run.state == RunState::Paused).await;
    assert_eq!(waiting.stop.as_ref().unwrap().kind, "disk_full", "{waiting:?}");
    assert!(waiting.total < u64::from(IMAGES) && !waiting.complete, "{waiting:?}");
    fs::remove_file(ballast).unwrap();
    ended_well(&client, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_while_blobs_cannot_be_read_and_goes_on_once_they_can() {
    for in_place in ["false", "true"] {
        waits_while_blobs_are_away(in_place).await;
    }
}

/// Images or only results are written there.
async fn waits_while_blobs_are_away(in_place: &str) {
    let (place, photos) = (folder(), dataset());
    let server = server(place.path(), photos.path(), in_place);
    let client = Client::new(&server.url).unwrap();
    let few = RunRequest { high_water: Some(20), ..request(photos.path()) };
    client.pause("default").await.unwrap();
    let id = client.make_run(&few).await.unwrap().id;
    run_until(&client, &id, |run| run.total == 20).await;
    // The blobs are away, and what is in their place is no folder: as a server for files is that does not answer.
    let (blobs, away) = (place.path().join("darkroom-data/blobs"), place.path().join("away"));
    fs::rename(&blobs, &away).unwrap();
    fs::write(&blobs, "no folder").unwrap();
    client.resume("default").await.unwrap();
    let waiting = run_until(&client, &id, |run| run.state == RunState::Paused).await;
    assert_eq!(waiting.stop.as_ref().unwrap().kind, "storage_unavailable", "{waiting:?}");
    assert_eq!(waiting.counts.failed, 0, "it is no image's fault: {waiting:?}");
    fs::remove_file(&blobs).unwrap();
    fs::rename(&away, &blobs).unwrap();
    ended_well(&client, &id).await;
}

async fn ended_well(client: &Client, id: &str) {
    let ended = run_until(client, id, |run| run.state.is_final()).await;
    assert_eq!((ended.state, ended.stop.clone()), (RunState::Succeeded, None), "{ended:?}");
    let images = u64::from(IMAGES);
    assert_eq!((ended.total, ended.counts.succeeded), (images, images), "{ended:?}");
}

fn server(place: &Path, photos: &Path, in_place: &str) -> Server {
    let settings = [
        ("DARKROOM__SOURCES__ROOTS", photos.to_str().unwrap()),
        ("DARKROOM__SOURCES__IN_PLACE", in_place),
        // Each time that it goes on too early costs an attempt of three.
        ("DARKROOM__RUNS__RESUME_AFTER", "5s"),
        ("DARKROOM__WORKER__RETRY_BASE", "10ms"),
    ];
    Server::start(place, &settings)
}

/// Images that do not get smaller by compression, some 4 MiB in all.
fn dataset() -> TempDir {
    let photos = folder();
    for number in 0..IMAGES {
        let mut image = png(64, 64, number);
        // Behind the image, where no decoder looks.
        let mut state = u64::from(number) + 1;
        image.extend((0..32 << 10).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        }));
        write(photos.path(), &format!("{number:03}.png"), &image);
    }
    photos
}

fn request(photos: &Path) -> RunRequest {
    RunRequest {
        name: None,
        source: RunSource::Folder {
            path: photos.to_str().unwrap().to_owned(),
            depth: FolderDepth::All,
            include: Vec::new(),
            exclude: Vec::new(),
        },
        operations: vec![Operation::Thumbnail(Thumbnail::fit(8, 8))],
        aggregates: Some(Vec::new()),
        on_error: OnError::Continue,
        queue: None,
        high_water: None,
        cache: None,
    }
}
