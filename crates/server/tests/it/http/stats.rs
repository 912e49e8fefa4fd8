//! What the server counts: now, in the past, and live; and how it is set up.

use std::time::Duration;

use darkroom_api::{Code, SettingOrigin, Span, Stats, job::FailureKind};
use darkroom_core::user::Role;

use super::{
    app::{App, problem, refused},
    images,
};
use crate::patience::soon;

/// Events of an open stream, one by one.
struct Events {
    stream: reqwest::Response,
    text: String,
}

impl Events {
    async fn of(app: &App) -> Self {
        let stream = app.get("/v1/events").await;
        assert_eq!(stream.status(), 200);
        assert_eq!(stream.headers()["content-type"], "text/event-stream");
        assert_eq!(stream.headers()["cache-control"], "no-store");
        Self { stream, text: String::new() }
    }

    /// The next event; `None` once the stream has ended.
    async fn next(&mut self) -> Option<Stats> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(data) = block.strip_prefix("event: stats\ndata: ") {
                    return Some(serde_json::from_str(data).unwrap());
                }
                assert!(block.starts_with(':'), "{block}");
                continue;
            }
            let chunk = self.stream.chunk().await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The first event that `is_it`.
    async fn until(&mut self, is_it: impl Fn(&Stats) -> bool) -> Stats {
        let look = async {
            loop {
                let stats = self.next().await.unwrap();
                if is_it(&stats) {
                    return stats;
                }
            }
        };
        soon("counts that are as wished", look).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_tell_why_jobs_failed_how_long_they_took_and_what_the_machine_has() {
    let app = App::start().await;
    let before = app.client.stats().await.unwrap();
    assert_eq!((before.latency.count, before.latency.p50_ms, before.failures.len()), (0, None, 0));
    app.thumbnail(images::png(9, 9), 5).await;
    // Its header is read when it is sent; that the rest is missing is found by the worker.
    let whole = images::png(64, 64);
    let torn = whole[..whole.len() / 2].to_vec();
    let sent = app.post("/v1/jobs?op=thumbnail&width=5&wait=30").body(torn).send().await.unwrap();
    assert_eq!(sent.status(), 200, "{:?}", sent.text().await);
    let stats = app.client.stats().await.unwrap();
    let failed: Vec<_> = stats.failures.iter().map(|failure| (failure.kind, failure.count)).collect();
    assert_eq!(failed, [(FailureKind::Undecodable, 1)]);
    assert_eq!(stats.latency.count, 2);
    assert!(stats.latency.p50_ms.is_some() && stats.latency.p50_ms <= stats.latency.p99_ms, "{stats:?}");
    let since = stats.since_start;
    assert_eq!((since.succeeded, since.failed, since.cancelled), (1, 1, 0));
    let system = stats.system;
    assert_eq!(since.at, system.started_at);
    assert!(
        system.disk_free_bytes <= system.disk_total_bytes && system.disk_total_bytes > Some(0),
        "{system:?}"
    );
    assert!(system.memory_bytes > Some(1 << 20) && system.processors > Some(0), "{system:?}");
    assert_eq!(system.model_bytes, Some(0));
    // The folders of blobs are measured one by one after the start.
    let mut events = Events::of(&app).await;
    let measured = events.until(|stats| stats.system.blob_bytes.is_some()).await;
    assert!(measured.system.blob_bytes > Some(0));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_has_every_step_of_its_span_and_survives_restarts() {
    let mut app = App::start().await;
    app.thumbnail(images::png(9, 9), 5).await;
    app.restart(|_| {}).await;
    app.thumbnail(images::png(8, 8), 5).await;
    for (span, step, count) in [(Span::Hour, 60, 60), (Span::Day, 900, 96), (Span::Week, 7_200, 84)] {
        let history = app.client.history(span).await.unwrap();
        assert_eq!((history.span, history.step_seconds, history.points.len()), (span, step, count));
        let steps = history.points.windows(2).map(|two| two[1].at.0.since(two[0].at.0));
        assert!(steps.into_iter().all(|between| between == Duration::from_secs(step.into())));
        assert_eq!(history.points.iter().map(|point| point.submitted).sum::<u64>(), 2);
        assert_eq!(history.points.iter().map(|point| point.succeeded).sum::<u64>(), 2);
        let first = history.points[0];
        assert_eq!(
            (first.submitted, first.latency_p50_ms, first.queued),
            (0, None, None),
            "nobody looked then"
        );
        let measured = history.points.iter().rev().find(|point| point.succeeded > 0).unwrap();
        assert!(measured.latency_p50_ms.is_some() && measured.latency_p99_ms >= measured.latency_p50_ms);
    }
    let answer: serde_json::Value = app.get("/v1/history").await.json().await.unwrap();
    assert_eq!(answer["span"], "hour");
    assert!(answer["points"][0]["oldest_wait_seconds"].is_null());
    for wrong in ["span=year", "span=", "spam=hour"] {
        let refused = app.get(&format!("/v1/history?{wrong}")).await;
        assert_eq!(problem(refused).await.code, Code::InvalidParameter, "{wrong}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counts_are_told_at_once_and_when_they_change() {
    let app = App::start().await;
    let mut one = Events::of(&app).await;
    assert_eq!(one.next().await.unwrap().jobs.succeeded, 0);
    let mut two = Events::of(&app).await;
    assert_eq!(two.next().await.unwrap().jobs.succeeded, 0);
    app.thumbnail(images::png(9, 9), 5).await;
    for events in [&mut one, &mut two] {
        let stats = events.until(|stats| stats.jobs.succeeded == 1).await;
        assert_eq!((stats.since_start.succeeded, stats.latency.count), (1, 1));
    }
    // Whoever comes when nobody listened for a while is told what is so by then, not what was.
    drop((one, two));
    app.thumbnail(images::png(8, 8), 5).await;
    let mut three = Events::of(&app).await;
    three.until(|stats| stats.jobs.succeeded == 2).await;
    let end = tokio::spawn(async move { while three.next().await.is_some() {} });
    app.finish().await;
    end.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_are_bounded_and_who_is_locked_out_hears_no_more() {
    let app = App::with(|config| config.http.max_streams = 1).await;
    let key = app.key("opal", Role::Operator).await;
    let request = app.http.get(app.at("/v1/events")).bearer_auth(&key);
    let mut events = Events { stream: request.send().await.unwrap(), text: String::new() };
    events.next().await.unwrap();
    assert_eq!(problem(app.get("/v1/events").await).await.code, Code::Overloaded);
    let admin = app.user("root", Role::Admin).await;
    admin.remove_user("opal").await.unwrap();
    let sent = app.post("/v1/jobs?op=thumbnail&width=5").body(images::png(9, 9)).send().await.unwrap();
    assert_eq!(sent.status(), 202);
    while let Some(stats) = events.next().await {
        assert_eq!(stats.jobs.succeeded, 0, "told after the user was removed");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_shown_to_administrators() {
    let app = App::start().await;
    let admin = app.user("root", Role::Admin).await;
    let settings = admin.settings().await.unwrap().settings;
    assert_eq!(settings[0].key, "http.listen");
    assert_eq!(
        (settings[0].value.as_deref(), settings[0].from),
        (Some("127.0.0.1:0"), SettingOrigin::Argument)
    );
    let shown: serde_json::Value = serde_json::to_value(&settings[1]).unwrap();
    assert_eq!(
        shown,
        serde_json::json!({
            "key": "auth.secret", "value": null, "default": "", "help": "A secret.", "from": "environment", "secret": true,
        })
    );
    let operator = app.user("opal", Role::Operator).await;
    assert_eq!(refused(operator.settings().await).code, Code::Forbidden);
    assert_eq!(problem(app.get("/v1/settings").await).await.code, Code::NotAuthenticated);
    app.finish().await;
}
