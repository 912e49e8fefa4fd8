//! Files of folders stay where they are: what that means for runs, for what is made of them later, and for those who
//! change the files meanwhile.

use std::{fs, path::Path};

use darkroom_api::{
    Code, ImageSource, Job, JobRequest, Run, RunItem, RunRequest, RunState, client::Upload, job::State,
};
use darkroom_core::{BlobId, Operation, operation::Thumbnail};
use tempfile::TempDir;

use super::{
    app::{App, refused, wait},
    images,
    runs::{folder_of, items, request, until},
};

/// Three images that differ.
fn photos() -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, side) in [("a.png", 11), ("b.png", 12), ("c.png", 13)] {
        fs::write(folder.path().join(name), images::png(side, side)).unwrap();
    }
    folder
}

async fn app(folder: &Path) -> App {
    let root = folder.to_str().unwrap().to_owned();
    App::with(|config| config.sources.roots = vec![root]).await
}

/// A run whose items are all known, none of which is worked on before the queue is resumed.
async fn waiting(app: &App, folder: &Path) -> Run {
    app.client.pause("default").await.unwrap();
    let made = app.client.make_run(&request(folder_of(folder))).await.unwrap();
    until(app, &made.id, |run| run.complete).await
}

async fn let_go(app: &App, run: &Run) -> Run {
    app.client.resume("default").await.unwrap();
    app.client.wait_for_run(&run.id).await.unwrap()
}

fn is_copied(app: &App, content: &[u8]) -> bool {
    app.blobs.local_path(BlobId::of(content)).exists()
}

/// Why each item failed; empty for those that did not.
async fn failures(app: &App, run: &Run) -> Vec<String> {
    let kind = |item: RunItem| item.failure.map(|failure| failure.kind.to_string()).unwrap_or_default();
    items(app, &run.id).await.into_iter().map(kind).collect()
}

async fn upload(app: &App, content: &[u8]) -> Job {
    let asked = vec![Operation::Thumbnail(Thumbnail::fit(4, 4))];
    app.client.submit(Upload::bytes(content.to_vec(), "mine.png", asked), &wait()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_copies_nothing_and_shows_everything() {
    let folder = photos();
    let app = app(folder.path()).await;
    let made = app.client.make_run(&request(folder_of(folder.path()))).await.unwrap();
    let run = app.client.wait_for_run(&made.id).await.unwrap();
    assert_eq!((run.state, run.counts.succeeded), (RunState::Succeeded, 3));
    for item in items(&app, &run.id).await {
        let content = fs::read(folder.path().join(&item.path)).unwrap();
        assert!(!is_copied(&app, &content), "{}", item.path);
        let job = app.client.job(&item.job).await.unwrap();
        assert_eq!(app.artifact(&job, "original").await, content);
        let range = app.http.get(app.at(&format!("/v1/jobs/{}/artifacts/original", item.job)));
        let part = range.header("Range", "bytes=1-3").send().await.unwrap();
        assert_eq!((part.status().as_u16(), &part.bytes().await.unwrap()[..]), (206, &b"PNG"[..]));
        assert_eq!(app.get(&format!("/v1/jobs/{}/preview", item.job)).await.status(), 200);
    }
    let report = app.get(&format!("/v1/runs/{}/report", run.id)).await.text().await.unwrap();
    assert!(report.contains("data:image/jpeg;base64,"), "samples are shown");
    app.client.delete_run(&run.id).await.unwrap();
    assert!(folder.path().join("a.png").exists());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_changed_or_gone_fail_alone_and_may_be_retried() {
    let folder = photos();
    let app = app(folder.path()).await;
    let run = waiting(&app, folder.path()).await;
    let (a, b) = (folder.path().join("a.png"), folder.path().join("b.png"));
    let (was_a, was_b) = (fs::read(&a).unwrap(), fs::read(&b).unwrap());
    fs::write(&a, images::png(20, 20)).unwrap();
    fs::remove_file(&b).unwrap();
    let ended = let_go(&app, &run).await;
    assert_eq!((ended.counts.succeeded, ended.counts.failed), (1, 2));
    assert_eq!(failures(&app, &run).await, ["input_changed", "input_missing", ""]);
    let first = items(&app, &run.id).await.remove(0);
    let original = app.get(&format!("/v1/jobs/{}/artifacts/original", first.job)).await;
    assert_eq!(original.status(), 404);
    // Neither content was remembered as the other.
    for content in [&was_a, &images::png(20, 20)] {
        let job = upload(&app, content).await;
        assert!(!job.results[0].cached);
    }

    fs::write(&a, &was_a).unwrap();
    fs::write(&b, &was_b).unwrap();
    app.client.change_run(&run.id, "retry-failed").await.unwrap();
    let ended = app.client.wait_for_run(&run.id).await.unwrap();
    assert_eq!((ended.counts.succeeded, ended.counts.failed), (3, 0));

    // A new run takes things as they are.
    fs::write(&a, images::png(21, 21)).unwrap();
    let made = app.client.make_run(&request(folder_of(folder.path()))).await.unwrap();
    let again = app.client.wait_for_run(&made.id).await.unwrap();
    assert_eq!((again.counts.succeeded, again.cached), (3, 2));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_the_same_content_is_kept_by_itself_and_serves_the_run() {
    let folder = photos();
    let app = app(folder.path()).await;
    // Nothing is remembered: what is done again is read again.
    let asked = RunRequest { cache: Some(false), ..request(folder_of(folder.path())) };
    let run = app.client.make_run(&asked).await.unwrap();
    app.client.wait_for_run(&run.id).await.unwrap();
    let content = fs::read(folder.path().join("a.png")).unwrap();
    let job = upload(&app, &content).await;
    assert!(is_copied(&app, &content));
    fs::remove_file(folder.path().join("a.png")).unwrap();
    assert_eq!(app.artifact(&job, "original").await, content);

    app.client.change_run(&run.id, "redo").await.unwrap();
    let redone = app.client.wait_for_run(&run.id).await.unwrap();
    assert_eq!(redone.counts.succeeded, 3, "a copy is as good as the file");
    app.client.delete_run(&run.id).await.unwrap();
    assert_eq!(app.artifact(&job, "original").await, content);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_of_a_file_by_its_address_has_a_copy() {
    let folder = photos();
    let app = app(folder.path()).await;
    let made = app.client.make_run(&request(folder_of(folder.path()))).await.unwrap();
    let run = app.client.wait_for_run(&made.id).await.unwrap();
    let content = fs::read(folder.path().join("a.png")).unwrap();
    let by_address = |content: &[u8]| JobRequest {
        image: ImageSource::Blob(BlobId::of(content).to_string()),
        operations: vec![Operation::Thumbnail(Thumbnail::fit(5, 5))],
        queue: None,
        priority: None,
        delay: None,
        run_at: None,
        name: None,
        cache: None,
    };
    let job = app.client.submit_json(&by_address(&content), &wait()).await.unwrap();
    assert_eq!(job.summary.state, State::Succeeded);
    assert!(is_copied(&app, &content));
    fs::remove_file(folder.path().join("a.png")).unwrap();
    app.client.delete_run(&run.id).await.unwrap();
    assert_eq!(app.artifact(&job, "original").await, content);

    let gone = fs::read(folder.path().join("b.png")).unwrap();
    fs::remove_file(folder.path().join("b.png")).unwrap();
    let asked = app.client.submit_json(&by_address(&gone), &wait()).await;
    assert_eq!(refused(asked).code, Code::UnknownBlob);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_with_its_files_after_a_restart() {
    let folder = photos();
    let mut app = app(folder.path()).await;
    let run = waiting(&app, folder.path()).await;
    let root = folder.path().to_str().unwrap().to_owned();
    app.restart(|config| config.sources.roots = vec![root]).await;
    let ended = let_go(&app, &run).await;
    assert_eq!((ended.state, ended.counts.succeeded), (RunState::Succeeded, 3));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_copied_where_the_setting_says_so() {
    let folder = photos();
    let root = folder.path().to_str().unwrap().to_owned();
    let app = App::with(|config| {
        config.sources.roots = vec![root];
        config.sources.in_place = false;
    });
    let app = app.await;
    let run = waiting(&app, folder.path()).await;
    let content = fs::read(folder.path().join("a.png")).unwrap();
    assert!(is_copied(&app, &content));
    fs::remove_file(folder.path().join("a.png")).unwrap();
    assert_eq!(let_go(&app, &run).await.counts.succeeded, 3);
    app.finish().await;
}
