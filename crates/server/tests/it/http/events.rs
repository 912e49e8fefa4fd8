//! Server-sent events.

use darkroom_api::{Code, Job, job::State};

use super::{
    app::{App, problem},
    images,
};

/// The events of a stream that has ended: id and job.
fn events(text: &str) -> Vec<(String, Job)> {
    let blocks = text.split("\n\n").filter(|block| block.contains("data:"));
    let line = |block: &str, name: &str| {
        let found = block.lines().find_map(|line| line.strip_prefix(name));
        found.unwrap_or_else(|| panic!("no {name} in {block}")).trim().to_owned()
    };
    blocks
        .map(|block| {
            assert_eq!(line(block, "event:"), "job");
            (line(block, "id:"), serde_json::from_str(&line(block, "data:")).unwrap())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_followed_until_it_ends() {
    let app = App::start().await;
    app.client.pause("slow").await.unwrap();
    let sent =
        app.post("/v1/jobs?op=thumbnail&width=5&queue=slow").body(images::png(9, 9)).send().await.unwrap();
    let job: Job = sent.json().await.unwrap();
    let path = format!("/v1/jobs/{}/events", job.summary.id);
    let stream = app.get(&path).await;
    assert_eq!(
        (stream.status().as_u16(), &stream.headers()["content-type"]),
        (200, &"text/event-stream".parse().unwrap())
    );
    app.client.resume("slow").await.unwrap();
    let told = events(&stream.text().await.unwrap());
    assert_eq!(told.first().unwrap().1.summary.state, State::Held);
    let (last_id, last) = told.last().unwrap();
    assert_eq!(last.summary.state, State::Succeeded);
    assert_eq!(last.results.len(), 1);

    let again = app.http.get(app.at(&path)).header("last-event-id", last_id).send().await.unwrap();
    assert_eq!(again.status(), 204);
    for other in ["x", "", "💥"] {
        let whole = app.http.get(app.at(&path)).header("last-event-id", other).send().await.unwrap();
        assert_eq!(events(&whole.text().await.unwrap()).len(), 1);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_bounded_and_end_with_the_service() {
    let app = App::with(|config| config.http.max_streams = 1).await;
    app.client.pause("slow").await.unwrap();
    let sent =
        app.post("/v1/jobs?op=thumbnail&width=5&queue=slow").body(images::png(9, 9)).send().await.unwrap();
    let job: Job = sent.json().await.unwrap();
    let path = format!("/v1/jobs/{}/events", job.summary.id);
    let stream = app.get(&path).await;
    assert_eq!(problem(app.get(&path).await).await.code, Code::Overloaded);
    let read = tokio::spawn(stream.text());
    app.finish().await;
    assert_eq!(events(&read.await.unwrap().unwrap()).len(), 1);
}
