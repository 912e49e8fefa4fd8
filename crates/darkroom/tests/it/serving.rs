use std::collections::HashMap;

use darkroom_api::{
    Client, Job,
    client::{ListOptions, Options, Upload},
    job::State,
};
use darkroom_core::{Operation, operation::Thumbnail};
use futures_util::TryStreamExt;

use crate::binary::{Server, answer, darkroom, err, folder, out, png};

fn operations() -> Vec<Operation> {
    vec![Operation::Thumbnail(Thumbnail::fit(64, 64))]
}

async fn submit(client: &Client, name: &str, bytes: Vec<u8>) -> String {
    client.submit(Upload::bytes(bytes, name, operations()), &Options::default()).await.unwrap().summary.id
}

async fn all(client: &Client) -> Vec<Job> {
    let mut jobs = Vec::new();
    let mut options = ListOptions { limit: Some(1_000), ..ListOptions::default() };
    loop {
        let page = client.jobs(&options).await.unwrap();
        for job in &page.jobs {
            jobs.push(client.job(&job.id).await.unwrap());
        }
        match page.next_cursor {
            Some(cursor) => options.cursor = Some(cursor),
            None => return jobs,
        }
    }
}

#[tokio::test]
async fn without_any_configuration_an_upload_becomes_a_thumbnail() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let client = Client::new(&server.url).unwrap();
    let id = submit(&client, "photo.png", png(640, 400, 1)).await;
    let job = client.wait(&id).await.unwrap();
    assert_eq!(job.summary.state, State::Succeeded, "{:?}", job.summary.failure);
    let artifact = &job.results[0].artifacts[0];
    assert_eq!((artifact.name.as_str(), artifact.media_type.as_str()), ("thumbnail.jpg", "image/jpeg"));
    assert_eq!(
        (&job.results[0].document["width"], &job.results[0].document["height"]),
        (&64.into(), &40.into())
    );
    let chunks: Vec<_> = client.artifact(&id, &artifact.name).await.unwrap().try_collect().await.unwrap();
    let bytes = chunks.concat();
    assert_eq!(bytes.len() as u64, artifact.bytes);
    assert!(bytes.starts_with(&[0xff, 0xd8]));
}

#[tokio::test]
async fn jobs_survive_kill_9_and_each_ends_exactly_once() {
    let folder = folder();
    let mut server = Server::start(folder.path(), &[]);
    let mut client = Client::new(&server.url).unwrap();
    let mut acknowledged = Vec::new();
    for number in 0..200 {
        acknowledged.push(submit(&client, &format!("{number}.png"), png(400, 300, number)).await);
        // In the middle of it all, and once more in the middle of what is left.
        if number == 100 || number == 150 {
            server.kill();
            server = Server::start(folder.path(), &[]);
            client = Client::new(&server.url).unwrap();
        }
    }
    for id in &acknowledged {
        let job = client.wait(id).await.unwrap();
        assert_eq!(job.summary.state, State::Succeeded, "{:?}", job.summary.failure);
        assert_eq!(job.results.len(), 1);
        let successes = job.attempts.iter().filter(|attempt| attempt.failure.is_none()).count();
        assert_eq!(successes, 1, "{:?}", job.attempts);
    }
    let stats = client.stats().await.unwrap();
    let succeeded: u64 = stats.operations.iter().map(|operation| operation.succeeded).sum();
    assert_eq!(succeeded, 200, "nothing is counted twice");
}

#[tokio::test]
async fn sigterm_lets_the_jobs_in_work_end_and_loses_none() {
    let folder = folder();
    let mut server = Server::start(folder.path(), &[]);
    let client = Client::new(&server.url).unwrap();
    for number in 0..40 {
        submit(&client, &format!("{number}.png"), png(1_200, 900, number)).await;
    }
    server.signal("TERM");
    assert_eq!(server.ended().code(), Some(0));
    let server = Server::start(folder.path(), &[]);
    let client = Client::new(&server.url).unwrap();
    let mut jobs = all(&client).await;
    assert_eq!(jobs.len(), 40);
    for job in &mut jobs {
        *job = client.wait(&job.summary.id).await.unwrap();
        assert_eq!(job.summary.state, State::Succeeded);
        let lost =
            job.attempts.iter().filter(|attempt| attempt.end == darkroom_api::job::AttemptEnd::Lost).count();
        assert_eq!(lost, 0, "a shutdown is no crash: {:?}", job.attempts);
    }
}

#[tokio::test]
async fn a_job_that_crashes_its_worker_fails_alone() {
    let folder = folder();
    let poison = [("DARKROOM_ABORT_AT", "worker.execute:poison.png")];
    let mut server = Server::start(folder.path(), &[]);
    let mut client = Client::new(&server.url).unwrap();
    client.pause("default").await.unwrap();
    let mut ids = HashMap::new();
    for number in 0..12 {
        let name = if number == 5 { "poison.png".to_owned() } else { format!("{number}.png") };
        ids.insert(name.clone(), submit(&client, &name, png(300, 200, number)).await);
    }
    server.signal("TERM");
    server.ended();
    // It is started again and again, as a supervisor would, until it no longer dies.
    let mut crashes = 0;
    loop {
        // It may die of what it resumes before it has said where it listens, or answered.
        if let Some(started) = Server::try_start(folder.path(), &poison, "127.0.0.1:0") {
            server = started;
            client = Client::new(&server.url).unwrap();
            if crashes == 0 {
                let _answer = client.resume("default").await;
            }
            if client.wait(&ids["poison.png"]).await.is_ok() {
                break;
            }
            assert!(!server.ended().success());
        }
        crashes += 1;
        assert!(crashes <= 3, "a job that crashes its worker is to be given up after three times");
    }
    for (name, id) in &ids {
        let job = client.wait(id).await.unwrap();
        let expected = if name == "poison.png" { State::Failed } else { State::Succeeded };
        assert_eq!(job.summary.state, expected, "{name}: {:?}", job.summary.failure);
    }
    assert_eq!(crashes, 3);
}

#[test]
fn a_crash_at_any_point_of_writing_a_blob_leaves_only_what_can_be_collected() {
    let points = ["blobs.created", "blobs.written", "blobs.synced", "blobs.renamed"];
    // The first blob is the input, or the result.
    for (point, in_place) in points.into_iter().flat_map(|point| [(point, "false"), (point, "true")]) {
        let folder = folder();
        std::fs::create_dir(folder.path().join("photos")).unwrap();
        std::fs::write(folder.path().join("photos/a.png"), png(300, 200, 3)).unwrap();
        let run = ["run", "thumbnail", "--forget", "--out", "results", "photos"];
        let mut crashing = darkroom(folder.path());
        crashing.env("DARKROOM_ABORT_AT", point).env("DARKROOM__SOURCES__IN_PLACE", in_place);
        let crashed = crashing.args(run).output().unwrap();
        assert_eq!(crashed.status.code(), None, "{point} was not reached: {}", err(&crashed));
        let again = darkroom(folder.path()).args(run).output().unwrap();
        assert!(again.status.success(), "{point}: {}", err(&again));
        let blobs = folder.path().join("darkroom-data/blobs");
        let left = |name: &str| std::fs::read_dir(blobs.join(name)).unwrap().count();
        let fans: usize = (0..=255_u8).map(|first| left(&format!("{first:02x}"))).sum();
        assert_eq!(fans, 0, "{point}: blobs of a run that is forgotten were left");
        assert!(left("tmp") <= 1, "{point}: more than the one unfinished file was left");
    }
}

#[tokio::test]
async fn everything_that_failed_for_one_reason_is_queued_again_by_one_command() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let client = Client::new(&server.url).unwrap();
    let mut cut = png(300, 300, 1);
    cut.truncate(cut.len() / 2);
    for (name, image) in [("cut.png", cut), ("whole.png", png(30, 30, 2))] {
        let id = submit(&client, name, image).await;
        client.wait(&id).await.unwrap();
    }
    let retry = |more: &[&str]| {
        let arguments = [&["jobs", "retry", "--server", &server.url], more].concat();
        answer(folder.path(), &arguments)
    };
    let late = retry(&["--failed", "--kind", "timed_out"]);
    assert!(out(&late).starts_with("0 of 0 jobs"), "{}", err(&late));
    let damaged = retry(&["--failed", "--kind", "timed_out,undecodable"]);
    assert!(out(&damaged).starts_with("1 of 1 jobs queued again"), "{}", err(&damaged));
    for wrong in [&[][..], &["--kind", "undecodable"], &["--failed", "--kind", "bad_luck"]] {
        assert_eq!(retry(wrong).status.code(), Some(2), "{wrong:?}");
    }
}
