//! Runs, from the request to the last line of their results.

use std::{fs, path::Path};

use darkroom_api::{Code, FolderDepth, Run, RunItem, RunRequest, RunSource, RunState, job::State};
use darkroom_core::{Operation, operation::Thumbnail, run::OnError, user::Role};
use futures_util::StreamExt;
use serde_json::json;
use tempfile::TempDir;

use super::{
    app::{App, problem, refused},
    images,
};
use crate::patience::soon;

/// A folder with images in folders, something that is no image, and an image that is broken.
pub(super) fn dataset(images_a_folder: u32) -> TempDir {
    let folder = TempDir::new().unwrap();
    for name in ["ann", "bob", "cleo"] {
        fs::create_dir(folder.path().join(name)).unwrap();
        for n in 0..images_a_folder {
            let image = images::png(8 + n, 9);
            fs::write(folder.path().join(name).join(format!("{n:03}.png")), image).unwrap();
        }
    }
    fs::write(folder.path().join("notes.txt"), "no image").unwrap();
    let broken = images::png(50, 50);
    fs::write(folder.path().join("torn.png"), &broken[..60]).unwrap();
    folder
}

pub(super) fn folder_of(path: &Path) -> RunSource {
    RunSource::Folder {
        path: path.to_str().unwrap().to_owned(),
        depth: FolderDepth::default(),
        include: Vec::new(),
        exclude: Vec::new(),
    }
}

pub(super) fn request(source: RunSource) -> RunRequest {
    let counted = json!([{ "kind": "counts", "pointer": "/format" }]);
    RunRequest {
        name: Some("faces of May".to_owned()),
        source,
        operations: vec![Operation::Thumbnail(Thumbnail::fit(4, 4))],
        aggregates: serde_json::from_value(counted).unwrap(),
        on_error: OnError::Continue,
        queue: None,
        high_water: None,
        cache: None,
    }
}

pub(super) async fn app_for(folder: &Path) -> App {
    let root = folder.to_str().unwrap().to_owned();
    App::with(|config| config.sources.roots = vec![root]).await
}

pub(super) async fn items(app: &App, run: &str) -> Vec<RunItem> {
    let mut chunks = Box::pin(app.client.run_results(run).await.unwrap());
    let mut text = Vec::new();
    while let Some(chunk) = chunks.next().await {
        text.extend(chunk.unwrap());
    }
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// The run once `wish` is fulfilled.
pub(super) async fn until(app: &App, id: &str, wish: impl Fn(&Run) -> bool) -> Run {
    let look = async {
        loop {
            let run = app.client.run(id).await.unwrap();
            if wish(&run) {
                return run;
            }
            tokio::task::yield_now().await;
        }
    };
    soon("a run", look).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_worked_through_to_the_last_image() {
    let folder = dataset(5);
    let app = app_for(folder.path()).await;
    let made = app.client.make_run(&request(folder_of(folder.path()))).await.unwrap();
    assert_eq!((made.state, made.name.as_str()), (RunState::Enumerating, "faces of May"));
    let run = app.client.wait_for_run(&made.id).await.unwrap();
    assert_eq!((run.state, run.complete, run.stop.clone()), (RunState::Succeeded, true, None));
    assert_eq!((run.total, run.counts.succeeded, run.counts.failed), (16, 15, 1));
    assert_eq!(run.failures.iter().collect::<Vec<_>>(), [(&"undecodable".to_owned(), &1)]);
    assert_eq!(run.skipped.iter().collect::<Vec<_>>(), [(&"not_an_image".to_owned(), &1)]);
    assert!(run.rate.is_some() && run.finished_at.is_some());

    let items = items(&app, &run.id).await;
    let paths: Vec<&str> = items.iter().map(|item| item.path.as_str()).collect();
    let mut sorted = paths.clone();
    sorted.sort_unstable();
    assert_eq!((paths.len(), paths[0]), (16, "ann/000.png"));
    assert_eq!(paths, sorted);
    let torn = items.iter().find(|item| item.path == "torn.png").unwrap();
    assert_eq!((torn.state, torn.failure.is_some()), (State::Failed, true));
    assert_eq!(items[0].results[0].document["format"], "jpeg");

    let gathered = app.client.aggregates(&run.id).await.unwrap().aggregates;
    let counts = gathered[0].counts.as_ref().unwrap();
    assert_eq!((gathered[0].count, counts[0].label.as_str(), counts[0].count), (15, "jpeg", 15));
    let npy = app.get(&format!("/v1/runs/{}/aggregate?format=npy", run.id)).await;
    assert_eq!(problem(npy).await.code, Code::InvalidParameter, "counts have no mean");
    let listed = app.get(&format!("/v1/jobs?run={}&state=failed", run.id)).await;
    let listed: serde_json::Value = listed.json().await.unwrap();
    assert_eq!(listed["jobs"].as_array().unwrap().len(), 1);
    assert_eq!(refused(app.client.delete(&torn.job).await).code, Code::JobOfRun);

    let page = app.client.runs(&["succeeded"], None).await.unwrap();
    assert_eq!(page.runs.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), [run.id.as_str()]);
    app.client.delete_run(&run.id).await.unwrap();
    assert_eq!(refused(app.client.run(&run.id).await).code, Code::RunNotFound);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_come_as_tables_too() {
    let folder = dataset(2);
    let app = app_for(folder.path()).await;
    let made = app.client.make_run(&request(folder_of(folder.path()))).await.unwrap();
    app.client.wait_for_run(&made.id).await.unwrap();
    let ask = async |format: &str| app.get(&format!("/v1/runs/{}/results?format={format}", made.id)).await;

    let csv = ask("csv").await;
    assert_eq!(csv.headers()["content-disposition"], "attachment; filename=\"results.csv\"");
    let csv = csv.text().await.unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 1 + 7, "a head, six images and a torn one: {csv}");
    assert!(lines[0].starts_with("index,path,state"), "{csv}");
    assert!(lines[1].starts_with("0,ann/000.png,succeeded"), "{csv}");
    assert!(lines[7].contains("torn.png,failed") && lines[7].contains("undecodable"), "{csv}");

    let parquet = ask("parquet").await;
    assert_eq!(parquet.headers()["content-type"], "application/vnd.apache.parquet");
    let parquet = parquet.bytes().await.unwrap();
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    assert_eq!(problem(ask("xlsx").await).await.code, Code::InvalidParameter);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_where_it_was_when_the_server_starts_again() {
    let folder = dataset(4);
    let mut app = app_for(folder.path()).await;
    app.client.pause("default").await.unwrap();
    let bounded = RunRequest { high_water: Some(3), ..request(folder_of(folder.path())) };
    let made = app.client.make_run(&bounded).await.unwrap();
    let waiting = until(&app, &made.id, |run| run.total == 3).await;
    assert_eq!((waiting.state, waiting.complete), (RunState::Enumerating, false));
    let root = folder.path().to_str().unwrap().to_owned();
    for _ in 0..2 {
        app.restart(|config| config.sources.roots = vec![root.clone()]).await;
    }
    app.client.resume("default").await.unwrap();
    let run = app.client.wait_for_run(&made.id).await.unwrap();
    assert_eq!((run.state, run.total, run.counts.succeeded), (RunState::Succeeded, 13, 12));
    let items = items(&app, &made.id).await;
    let mut paths: Vec<&str> = items.iter().map(|item| item.path.as_str()).collect();
    paths.dedup();
    assert_eq!(paths.len(), 13, "nothing twice, nothing left out: {paths:?}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_paused_resumed_and_cancelled() {
    let folder = dataset(3);
    let app = app_for(folder.path()).await;
    app.client.pause("default").await.unwrap();
    let made = app.client.make_run(&request(folder_of(folder.path()))).await.unwrap();
    let known = until(&app, &made.id, |run| run.complete).await;
    assert_eq!((known.state, known.counts.queued), (RunState::Running, 10));
    let paused = app.client.change_run(&made.id, "pause").await.unwrap();
    assert_eq!((paused.state, paused.stop.unwrap().kind), (RunState::Paused, "asked".to_owned()));
    assert_eq!(app.client.change_run(&made.id, "resume").await.unwrap().state, RunState::Running);
    let cancelled = app.client.change_run(&made.id, "cancel").await.unwrap();
    assert_eq!((cancelled.state, cancelled.counts.cancelled), (RunState::Cancelled, 10));
    assert_eq!(refused(app.client.change_run(&made.id, "retry-failed").await).code, Code::RunState);
    assert_eq!(refused(app.client.change_run(&made.id, "resume").await).code, Code::RunState);
    app.client.resume("default").await.unwrap();
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_stops_at_its_first_failure_if_it_is_told_to_and_is_retried() {
    let folder = dataset(0);
    let app = app_for(folder.path()).await;
    let strict = RunRequest { on_error: OnError::StopAfter(1), ..request(folder_of(folder.path())) };
    let made = app.client.make_run(&strict).await.unwrap();
    let failed = until(&app, &made.id, |run| run.counts.failed == 1).await;
    // The last image is the one that fails: either the end of the source is seen first or the failure.
    assert!(failed.state.is_final() || !failed.complete, "{failed:?}");
    fs::write(folder.path().join("torn.png"), images::png(5, 5)).unwrap();
    // Or it has failed once more before the answer is made.
    app.client.pause("default").await.unwrap();
    let again = app.client.change_run(&made.id, "retry-failed").await.unwrap();
    assert!(!again.state.is_final() && again.counts.failed == 0, "{again:?}");
    app.client.resume("default").await.unwrap();
    let ended = app.client.wait_for_run(&made.id).await.unwrap();
    assert_eq!(ended.counts.failed, 1, "its bytes are those that were read");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_run_is_refused_before_there_is_one() {
    let folder = dataset(1);
    let app = app_for(folder.path()).await;
    let elsewhere = TempDir::new().unwrap();
    let outside = app.client.make_run(&request(folder_of(elsewhere.path()))).await;
    assert_eq!(refused(outside).code, Code::SourceRefused);
    let nothing = RunRequest { operations: Vec::new(), ..request(folder_of(folder.path())) };
    assert_eq!(refused(app.client.make_run(&nothing).await).code, Code::InvalidRun);
    let much = RunRequest { high_water: Some(1 << 20), ..request(folder_of(folder.path())) };
    assert_eq!(refused(app.client.make_run(&much).await).code, Code::InvalidRun);
    for body in [json!({}), json!({ "source": { "kind": "moon" }, "operations": [] }), json!([])] {
        let answer = app.post("/v1/runs").json(&body).send().await.unwrap();
        assert_eq!(problem(answer).await.code, Code::InvalidRun, "{body}");
    }
    assert!(app.client.runs(&[], None).await.unwrap().runs.is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_with_another_checksum_gives_no_image() {
    let folder = TempDir::new().unwrap();
    let mut archive = tar::Builder::new(Vec::new());
    let image = images::png(9, 9);
    let mut header = tar::Header::new_ustar();
    header.set_size(image.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, "a.png", &image[..]).unwrap();
    let path = folder.path().join("photos.tar");
    fs::write(&path, archive.into_inner().unwrap()).unwrap();
    let app = app_for(folder.path()).await;
    let at = darkroom_api::ArchivePlace::File(path.to_str().unwrap().to_owned());
    let wrong = Some("md5:00000000000000000000000000000000".to_owned());
    let source = RunSource::Archive { at: at.clone(), checksum: wrong };
    let made = app.client.make_run(&request(source)).await.unwrap();
    let failed = app.client.wait_for_run(&made.id).await.unwrap();
    assert_eq!((failed.state, failed.total), (RunState::Failed, 0));
    assert_eq!(failed.stop.unwrap().kind, "source_failed");
    let right = RunSource::Archive { at, checksum: None };
    let made = app.client.make_run(&request(right)).await.unwrap();
    let ended = app.client.wait_for_run(&made.id).await.unwrap();
    assert_eq!((ended.state, ended.counts.succeeded), (RunState::Succeeded, 1));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_of_others_do_not_exist() {
    let folder = dataset(1);
    let app = app_for(folder.path()).await;
    let (ann, bob) = (app.user("ann", Role::User).await, app.user("bob", Role::User).await);
    let operator = app.user("olga", Role::Operator).await;
    let made = ann.make_run(&request(folder_of(folder.path()))).await.unwrap();
    assert_eq!(made.owner, "ann");
    for result in [bob.run(&made.id).await, bob.change_run(&made.id, "cancel").await] {
        assert_eq!(refused(result).code, Code::RunNotFound);
    }
    assert_eq!(refused(bob.delete_run(&made.id).await).code, Code::RunNotFound);
    assert_eq!(refused(bob.aggregates(&made.id).await).code, Code::RunNotFound);
    assert!(bob.runs(&[], None).await.unwrap().runs.is_empty());
    assert_eq!(operator.runs(&[], None).await.unwrap().runs.len(), 1);
    ann.wait_for_run(&made.id).await.unwrap();
    app.finish().await;
}
