//! The same images again: by another run, by the same one, and out of the blob store.

use darkroom_api::{Code, RunRequest, RunSource, RunState, job::State};
use darkroom_core::user::Role;
use serde_json::Value;

use super::{
    app::{App, refused},
    images,
    runs::{app_for, dataset, folder_of, items, request, until},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_of_the_same_folder_works_on_nothing_and_says_so() {
    let folder = dataset(4);
    let app = app_for(folder.path()).await;
    let again = request(folder_of(folder.path()));
    let first = app.client.make_run(&again).await.unwrap();
    let first = app.client.wait_for_run(&first.id).await.unwrap();
    // Four images, three times each: a copy may be remembered within the run, if it comes late enough.
    assert!(first.counts.succeeded == 12 && first.cached <= 8, "{first:?}");
    let second = app.client.make_run(&again).await.unwrap();
    let second = app.client.wait_for_run(&second.id).await.unwrap();
    assert_eq!((second.counts.succeeded, second.counts.failed, second.cached), (12, 1, 12));
    let (before, after) = (items(&app, &first.id).await, items(&app, &second.id).await);
    for (old, new) in before.iter().zip(&after).filter(|(old, _)| old.state == State::Succeeded) {
        assert!(new.results[0].cached, "{}", new.path);
        assert_eq!(old.results[0].artifacts[0].blob, new.results[0].artifacts[0].blob);
    }
    let sums = async |id: &str| app.client.aggregates(id).await.unwrap().aggregates[0].digest.clone();
    assert_eq!(sums(&first.id).await, sums(&second.id).await);
    let csv = app.get(&format!("/v1/runs/{}/results?format=csv", second.id)).await.text().await.unwrap();
    let place = csv.lines().next().unwrap().split(',').position(|name| name == "cached").unwrap();
    assert_eq!(csv.lines().nth(1).unwrap().split(',').nth(place), Some("true"), "{csv}");

    let anew = RunRequest { cache: Some(false), ..again };
    let third = app.client.make_run(&anew).await.unwrap();
    let third = app.client.wait_for_run(&third.id).await.unwrap();
    assert_eq!((third.counts.succeeded, third.cached), (12, 0));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_done_again_as_a_whole() {
    let folder = dataset(3);
    let app = app_for(folder.path()).await;
    let made = app.client.make_run(&request(folder_of(folder.path()))).await.unwrap();
    let first = app.client.wait_for_run(&made.id).await.unwrap();
    let sums = async || app.client.aggregates(&made.id).await.unwrap().aggregates;
    let before = sums().await;
    let attempts = async |path: &str| {
        let items = items(&app, &made.id).await;
        let item = items.iter().find(|item| item.path == path).unwrap();
        app.client.job(&item.job).await.unwrap().attempts.len()
    };
    assert_eq!(attempts("ann/000.png").await, 1);
    app.client.pause("default").await.unwrap();
    let again = app.client.change_run(&made.id, "redo").await.unwrap();
    assert_eq!((again.state, again.counts.queued, again.finished_at), (RunState::Running, 10, None));
    assert_eq!(
        (sums().await[0].count, sums().await[0].counts.clone()),
        (0, None),
        "nothing counts meanwhile"
    );
    app.client.resume("default").await.unwrap();
    let second = app.client.wait_for_run(&made.id).await.unwrap();
    assert_eq!(
        (second.state, &second.counts, &second.failures),
        (first.state, &first.counts, &first.failures)
    );
    assert_eq!((sums().await, attempts("ann/000.png").await), (before, 2));
    app.client.change_run(&made.id, "redo").await.unwrap();
    app.client.change_run(&made.id, "cancel").await.unwrap();
    until(&app, &made.id, |run| run.counts.running == 0).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_a_paused_run_is_held() {
    let folder = dataset(2);
    let app = app_for(folder.path()).await;
    app.client.pause("default").await.unwrap();
    let made = app.client.make_run(&request(folder_of(folder.path()))).await.unwrap();
    until(&app, &made.id, |run| run.complete).await;
    let paused = app.client.change_run(&made.id, "pause").await.unwrap();
    app.client.resume("default").await.unwrap();
    assert_eq!((paused.counts.queued, paused.counts.held), (0, 7));
    let items = items(&app, &made.id).await;
    assert!(items.iter().all(|item| item.state == State::Held), "{items:?}");
    let listed = app.get(&format!("/v1/jobs?run={}&state=held", made.id)).await;
    let listed: Value = listed.json().await.unwrap();
    assert_eq!(listed["jobs"].as_array().unwrap().len(), 7);
    let going = app.client.change_run(&made.id, "resume").await.unwrap();
    let counts = going.counts;
    let others = counts.queued + counts.running + counts.succeeded + counts.failed;
    assert_eq!((counts.held, others), (0, 7));
    app.client.wait_for_run(&made.id).await.unwrap();
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_is_worked_through_by_operators_without_what_was_produced() {
    let app = App::start().await;
    let user = app.user("ann", Role::User).await;
    let mut blobs = Vec::new();
    for side in 20..28 {
        let job = app.thumbnail(images::png(side, side), 10).await;
        blobs.push(job.summary.input.blob);
    }
    blobs.sort_unstable();
    let over = |prefix: &str| request(RunSource::Prefix { prefix: prefix.to_owned() });
    let made = app.client.make_run(&over("")).await.unwrap();
    let run = app.client.wait_for_run(&made.id).await.unwrap();
    assert_eq!((run.state, run.total, run.counts.succeeded), (RunState::Succeeded, 8, 8));
    let products = run.skipped["artifact"];
    assert!(products >= 8, "the thumbnails are passed over: {products}");
    let paths: Vec<String> = items(&app, &run.id).await.into_iter().map(|item| item.path).collect();
    assert_eq!(paths, blobs, "in the order of their addresses");

    let first = app.client.make_run(&over(&blobs[3][..6])).await.unwrap();
    let first = app.client.wait_for_run(&first.id).await.unwrap();
    assert_eq!((first.total, items(&app, &first.id).await[0].path.clone()), (1, blobs[3].clone()));
    assert_eq!(refused(user.make_run(&over("")).await).code, Code::Forbidden);
    for wrong in ["..", "AB", "g", &"0".repeat(65)] {
        assert_eq!(refused(app.client.make_run(&over(wrong)).await).code, Code::SourceRefused, "{wrong}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_over_what_is_stored_goes_on_where_it_was() {
    let mut app = App::start().await;
    for side in 20..26 {
        app.thumbnail(images::png(side, side), 10).await;
    }
    app.client.pause("default").await.unwrap();
    let over = RunRequest { high_water: Some(2), ..request(RunSource::Prefix { prefix: String::new() }) };
    let made = app.client.make_run(&over).await.unwrap();
    until(&app, &made.id, |run| run.total == 2).await;
    app.restart(|_| {}).await;
    app.client.resume("default").await.unwrap();
    let run = app.client.wait_for_run(&made.id).await.unwrap();
    assert_eq!((run.state, run.total, run.counts.succeeded), (RunState::Succeeded, 6, 6));
    let mut paths: Vec<String> = items(&app, &run.id).await.into_iter().map(|item| item.path).collect();
    paths.dedup();
    assert_eq!(paths.len(), 6);
    app.finish().await;
}
