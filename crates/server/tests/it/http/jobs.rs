//! Listing, cancelling, retrying, deleting.

use darkroom_api::{
    Code, Job, JobPage,
    client::{ListOptions, Options, Upload},
    job::State,
};
use darkroom_core::{BlobId, Operation, operation::Thumbnail};

use super::{
    app::{App, problem, refused, wait},
    images,
};

fn upload(name: &str, side: u32) -> Upload {
    Upload::bytes(images::png(side, side), name, vec![Operation::Thumbnail(Thumbnail::fit(4, 4))])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_is_complete_and_ordered_page_by_page() {
    let app = App::start().await;
    let mut submitted = Vec::new();
    for index in 0..7 {
        let name = format!("photo-{index}.png");
        submitted.push(app.client.submit(upload(&name, 9), &wait()).await.unwrap().summary.id);
    }
    submitted.reverse();
    let mut listed = Vec::new();
    let mut options = ListOptions { limit: Some(3), ..ListOptions::default() };
    loop {
        let page = app.client.jobs(&options).await.unwrap();
        assert!(page.jobs.len() <= 3);
        listed.extend(page.jobs.into_iter().map(|job| job.id));
        match page.next_cursor {
            Some(cursor) => options.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(listed, submitted);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_a_listing() {
    let app = App::start().await;
    let first = app.client.submit(upload("Cat.png", 9), &wait()).await.unwrap();
    app.client.pause("slow").await.unwrap();
    let slow = Options { queue: Some("slow".to_owned()), ..Options::default() };
    app.client.submit(upload("dog.png", 9), &slow).await.unwrap();
    let created = first.summary.created_at.to_string();
    let cases = [
        ("state=succeeded", vec!["Cat.png"]),
        ("state=held", vec!["dog.png"]),
        ("state=succeeded,held", vec!["dog.png", "Cat.png"]),
        ("state=failed", vec![]),
        ("op=thumbnail", vec!["dog.png", "Cat.png"]),
        ("op=classify", vec![]),
        ("q=cAT", vec!["Cat.png"]),
        ("q=%25", vec![]),
        ("queue=slow", vec!["dog.png"]),
        ("owner=anonymous", vec!["dog.png", "Cat.png"]),
        ("owner=somebody", vec![]),
        ("origin=v1", vec!["dog.png", "Cat.png"]),
        ("origin=resize", vec![]),
        ("since=2000-01-01T00:00:00Z", vec!["dog.png", "Cat.png"]),
        ("until=2000-01-01T00:00:00Z", vec![]),
        ("failure=undecodable", vec![]),
        ("order=newest", vec!["dog.png", "Cat.png"]),
        ("order=oldest", vec!["Cat.png", "dog.png"]),
        ("order=oldest&limit=1", vec!["Cat.png"]),
    ];
    for (query, expected) in cases {
        let page: JobPage = app.get(&format!("/v1/jobs?{query}")).await.json().await.unwrap();
        let names: Vec<_> = page.jobs.iter().filter_map(|job| job.name.as_deref()).collect();
        assert_eq!(names, expected, "{query}");
    }
    let until: JobPage = app.get(&format!("/v1/jobs?until={created}")).await.json().await.unwrap();
    assert!(until.jobs.is_empty(), "`until` is exclusive");
    for wrong in [
        "state=done",
        "state=,",
        "state=succeeded,",
        "limit=0",
        "limit=1001",
        "limit=x",
        "cursor=x",
        "since=yesterday",
        "colour=red",
        "order=random",
        "failure=bad_luck",
        "failure=",
        "limit=1&limit=2",
    ] {
        let answer = app.get(&format!("/v1/jobs?{wrong}")).await;
        assert_eq!(problem(answer).await.code, Code::InvalidParameter, "{wrong}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_and_retrying_twice_is_the_same_as_once() {
    let app = App::start().await;
    app.client.pause("slow").await.unwrap();
    let slow = Options { queue: Some("slow".to_owned()), ..Options::default() };
    let id = app.client.submit(upload("a.png", 9), &slow).await.unwrap().summary.id;
    for _ in 0..2 {
        assert_eq!(app.client.cancel(&id).await.unwrap().summary.state, State::Cancelled);
    }
    for _ in 0..2 {
        assert_eq!(app.client.retry(&id).await.unwrap().summary.state, State::Held);
    }
    app.client.resume("slow").await.unwrap();
    let done = app.client.wait(&id).await.unwrap().summary;
    assert_eq!((done.state, done.attempts_made), (State::Succeeded, 1));
    assert_eq!(app.client.cancel(&id).await.unwrap().summary.state, State::Succeeded);
    assert_eq!(refused(app.client.retry(&id).await).code, Code::JobSucceeded);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_removes_the_blobs_that_nobody_else_refers_to() {
    let app = App::start().await;
    let job = app.client.submit(upload("a.png", 9), &wait()).await.unwrap();
    let twin = app.client.submit(upload("b.png", 9), &wait()).await.unwrap();
    let blobs = |job: &Job| {
        let artifact = &job.results[0].artifacts[0].blob;
        [job.summary.input.blob.clone(), artifact.clone()].map(|id| id.parse::<BlobId>().unwrap())
    };
    assert_eq!(blobs(&job), blobs(&twin));
    app.client.delete(&job.summary.id).await.unwrap();
    assert_eq!(refused(app.client.job(&job.summary.id).await).code, Code::JobNotFound);
    assert_eq!(refused(app.client.delete(&job.summary.id).await).code, Code::JobNotFound);
    app.artifact(&twin, "thumbnail.jpg").await;
    app.client.delete(&twin.summary.id).await.unwrap();
    for id in blobs(&twin) {
        app.gone(id).await;
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_none_are_unknown() {
    let app = App::start().await;
    let long = "a".repeat(5_000);
    for id in ["0", "%00", "..%2f..", "💥", long.as_str(), "018f0000-0000-7000-8000-000000000000"] {
        for path in ["", "/events", "/artifacts/original"] {
            let answer = app.get(&format!("/v1/jobs/{id}{path}")).await;
            assert_eq!(problem(answer).await.code, Code::JobNotFound, "{id:.40}{path}");
        }
    }
    app.finish().await;
}
