//! Archives that are sent along with a run.

use std::fs;

use darkroom_api::{ArchivePlace, Code, RunRequest, RunSource, RunState, client::ArchiveUpload};
use darkroom_core::BlobId;
use darkroom_server::config::ByteSize;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use tempfile::TempDir;

use super::{
    app::{App, problem, refused},
    images,
    runs::{items, request, until},
};
use crate::{
    patience::until as until_so,
    sources::pack::{Tar, gzip},
};

/// A tar archive of so many images in two folders.
pub(super) fn photos(count: u32) -> Vec<u8> {
    let name = |n: u32| format!("{}/{n:03}.png", if n.is_multiple_of(2) { "ann" } else { "bob" });
    (0..count).fold(Tar::default(), |tar, n| tar.file(name(n), &images::png(5 + n, 7))).end()
}

pub(super) fn upload(checksum: Option<String>) -> RunRequest {
    request(RunSource::Archive { at: ArchivePlace::Upload, checksum })
}

fn exists(app: &App, blob: BlobId) -> bool {
    app.blobs.local_path(blob).exists()
}

/// Whether nothing is left of an upload that was refused, but for the journal, which upkeep empties.
fn nothing_is_left(app: &App) -> bool {
    let root = app.blobs.local_path(BlobId::of(b"")).parent().unwrap().parent().unwrap().to_owned();
    let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let folders = folders.filter(|folder| !folder.ends_with("journal"));
    folders.flat_map(|folder| fs::read_dir(folder).unwrap()).count() == 0
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_is_sent_along_is_worked_through_and_let_go() {
    let app = App::start().await;
    let archive = gzip(&photos(6));
    let blob = BlobId::of(&archive);
    let sum = Some(format!("sha256:{blob}"));
    let unnamed = RunRequest { name: None, ..upload(sum) };
    let made = app.client.make_run_of(&unnamed, ArchiveUpload::bytes(archive, "May.tar.gz")).await.unwrap();
    assert_eq!(made.name, "May.tar.gz", "a run without a name is called like its file");
    assert_eq!(made.source["at"]["blob"], blob.to_string());
    let run = app.client.wait_for_run(&made.id).await.unwrap();
    assert_eq!((run.state, run.total, run.counts.succeeded), (RunState::Succeeded, 6, 6));
    assert_eq!(items(&app, &run.id).await[0].path, "ann/000.png");
    // The archive goes once its entries are known; that may be a moment after the run is told of it.
    until_so("the end of the archive", || !exists(&app, blob)).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_kept_while_it_is_read_and_goes_with_its_run() {
    let mut app = App::start().await;
    app.client.pause("default").await.unwrap();
    let folder = TempDir::new().unwrap();
    let (archive, path) = (photos(5), folder.path().join("photos.tar"));
    fs::write(&path, &archive).unwrap();
    let blob = BlobId::of(&archive);
    let bounded = RunRequest { high_water: Some(2), ..upload(None) };
    let made = app.client.make_run_of(&bounded, ArchiveUpload::file(&path)).await.unwrap();
    until(&app, &made.id, |run| run.total == 2).await;
    app.restart(|_| {}).await;
    app.blobs.collect(&*app.store, vec![blob]).await.unwrap();
    assert!(exists(&app, blob), "there is more in it");
    app.client.resume("default").await.unwrap();
    assert_eq!(app.client.wait_for_run(&made.id).await.unwrap().counts.succeeded, 5);

    app.client.pause("default").await.unwrap();
    let again = app.client.make_run_of(&bounded, ArchiveUpload::file(&path)).await.unwrap();
    until(&app, &again.id, |run| run.total == 2).await;
    app.client.delete_run(&again.id).await.unwrap();
    until_so("the end of the archive", || !exists(&app, blob)).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_with_another_checksum_makes_no_run_and_leaves_nothing() {
    let app = App::start().await;
    for wrong in ["md5:00000000000000000000000000000000", &"a".repeat(40), &"b".repeat(64)] {
        let sent = app
            .client
            .make_run_of(&upload(Some(wrong.to_owned())), ArchiveUpload::bytes(photos(3), "a.tar"))
            .await;
        let problem = refused(sent);
        assert_eq!(problem.code, Code::SourceRefused, "{wrong}");
        assert!(problem.detail.contains("checksum"), "{}", problem.detail);
    }
    assert!(app.client.runs(&[], None).await.unwrap().runs.is_empty());
    assert!(nothing_is_left(&app));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_run_with_an_archive_is_refused_before_it_is_read() {
    let app = App::with(|config| config.sources.upload_bytes = ByteSize(10_000)).await;
    let run = || Part::text(serde_json::to_string(&upload(None)).unwrap());
    let file = |bytes: usize| Part::bytes(vec![7; bytes]).file_name("a.tar");
    let other = json!({ "source": { "kind": "urls", "urls": [] }, "operations": [{ "op": "digit" }] });
    let forms = [
        (Form::new().part("archive", file(100)).part("run", run()), Code::InvalidRun),
        (Form::new().part("run", run()), Code::InvalidRun),
        (Form::new().part("run", run()).part("image", file(100)), Code::InvalidRun),
        (Form::new().part("run", run()).part("archive", file(0)), Code::InvalidRun),
        (Form::new().part("run", run()).part("archive", file(9)).part("b", file(9)), Code::InvalidRun),
        (Form::new().text("run", other.to_string()).part("archive", file(9)), Code::InvalidRun),
        (Form::new().text("run", "{").part("archive", file(9)), Code::MalformedBody),
        (Form::new().part("run", run()).part("archive", file(10_001)), Code::BodyTooLarge),
        (Form::new().part("run", run()).part("archive", file(20 << 20)), Code::BodyTooLarge),
    ];
    for (number, (form, code)) in forms.into_iter().enumerate() {
        let answer = app.post("/v1/runs").multipart(form).send().await.unwrap();
        let problem = problem(answer).await;
        assert_eq!(problem.code, code, "form {number}: {}", problem.detail);
    }
    let promised = app.client.make_run(&upload(None)).await;
    assert_eq!(refused(promised).code, Code::InvalidRun, "there is nothing behind it");
    let sum = upload(Some("md5:1".to_owned()));
    let sent = app.client.make_run_of(&sum, ArchiveUpload::bytes(photos(1), "a.tar")).await;
    assert_eq!(refused(sent).code, Code::InvalidRun);
    let by_blob = json!({ "source": { "kind": "archive", "at": { "blob": "0".repeat(64) } }, "operations": [{ "op": "digit" }] });
    let answer = app.post("/v1/runs").json(&by_blob).send().await.unwrap();
    assert_eq!(problem(answer).await.code, Code::InvalidRun, "what others have sent is not theirs to name");
    assert!(app.client.runs(&[], None).await.unwrap().runs.is_empty());
    assert!(nothing_is_left(&app));
    app.finish().await;
}
