//! Acting on many jobs with one request.

use darkroom_api::{
    BulkAction, BulkDone, BulkFilter, BulkRequest, Client, Code, JobPage,
    client::{ListOptions, Options, Upload},
    job::{FailureKind, JobOrder, State},
};
use darkroom_core::{
    BlobId, Clock, Operation, SystemClock,
    job::{Input, NewJob},
    operation::Thumbnail,
    user::Role,
};
use darkroom_server::accounts::Anonymous;
use futures_util::StreamExt;

use super::{
    app::{App, problem, refused, wait},
    images,
};
use crate::patience::soon;

fn operations() -> Vec<Operation> {
    vec![Operation::Thumbnail(Thumbnail::fit(4, 4))]
}

fn all(action: BulkAction) -> BulkRequest {
    matching(action, BulkFilter::default())
}

fn matching(action: BulkAction, filter: BulkFilter) -> BulkRequest {
    BulkRequest { action, filter: Some(filter), ids: None, limit: None, cursor: None }
}

fn named(action: BulkAction, ids: &[String]) -> BulkRequest {
    BulkRequest { action, filter: None, ids: Some(ids.to_vec()), limit: None, cursor: None }
}

fn done(matched: u64, changed: u64) -> BulkDone {
    BulkDone { matched, changed, skipped: matched - changed, ..BulkDone::default() }
}

/// Jobs that wait in a paused queue; the first of them was submitted first.
async fn held(client: &Client, queue: &str, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for index in 0..count {
        let upload = Upload::bytes(images::png(9, 9), format!("{queue}-{index}.png"), operations());
        let options = Options { queue: Some(queue.to_owned()), ..Options::default() };
        ids.push(client.submit(upload, &options).await.unwrap().summary.id);
    }
    ids
}

/// So many jobs that have failed: those of odd numbers have no image, those of even numbers a damaged one.
async fn failed(app: &App, count: usize) {
    let text = app.blobs.put(b"These are not pixels.".to_vec()).await.unwrap();
    let new = |index: usize| {
        let blob = if index.is_multiple_of(2) { text.id } else { BlobId::of(b"never stored") };
        let name = darkroom_core::job::FileName::clean(&format!("{index}.png"));
        let input = Input { blob, bytes: 1, media_type: "image/png".to_owned(), name, place: None };
        NewJob::new(SystemClock.now(), input, operations()).unwrap()
    };
    let mut notices = app.store.watch();
    app.store.submit((0..count).map(new).collect()).await.unwrap();
    let look = async {
        while app.client.stats().await.unwrap().jobs.failed < count as u64 {
            notices.next().await;
        }
    };
    soon("jobs to fail", look).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_jobs_are_cancelled_retried_and_deleted_at_once() {
    let app = App::start().await;
    app.client.pause("a").await.unwrap();
    app.client.pause("b").await.unwrap();
    held(&app.client, "a", 5).await;
    held(&app.client, "b", 3).await;
    let of_a = BulkFilter { queue: Some("a".to_owned()), ..BulkFilter::default() };
    assert_eq!(app.client.bulk(&matching(BulkAction::Cancel, of_a.clone())).await.unwrap(), done(5, 5));
    assert_eq!(app.client.bulk(&matching(BulkAction::Cancel, of_a.clone())).await.unwrap(), done(5, 0));
    let one =
        BulkFilter { q: Some("A-3".to_owned()), state: vec![State::Cancelled], ..BulkFilter::default() };
    assert_eq!(app.client.bulk(&matching(BulkAction::Retry, one)).await.unwrap(), done(1, 1));
    let ended = BulkFilter { state: vec![State::Cancelled, State::Failed], ..BulkFilter::default() };
    assert_eq!(app.client.bulk(&matching(BulkAction::Delete, ended)).await.unwrap(), done(4, 4));
    let left = app.client.jobs(&ListOptions::default()).await.unwrap().jobs;
    assert_eq!(left.iter().map(|job| job.state).collect::<Vec<_>>(), [State::Held; 4]);
    assert_eq!(app.client.bulk(&all(BulkAction::Delete)).await.unwrap(), done(4, 4));
    app.gone(BlobId::of(&images::png(9, 9))).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_alone_is_skipped_among_many() {
    let app = App::start().await;
    let upload = Upload::bytes(images::png(9, 9), "done.png", operations());
    let finished = app.client.submit(upload, &wait()).await.unwrap().summary.id;
    app.client.pause("q").await.unwrap();
    let waiting = held(&app.client, "q", 1).await.remove(0);
    let ids = [finished.clone(), waiting.clone(), finished.clone(), "nonsense".to_owned()];
    assert_eq!(app.client.bulk(&named(BulkAction::Retry, &ids)).await.unwrap(), done(2, 0));
    assert_eq!(app.client.bulk(&named(BulkAction::Cancel, &ids)).await.unwrap(), done(2, 1));
    assert_eq!(app.client.bulk(&named(BulkAction::Retry, &ids)).await.unwrap(), done(2, 1));
    assert_eq!(app.client.job(&waiting).await.unwrap().summary.state, State::Held);
    assert_eq!(app.client.bulk(&named(BulkAction::Delete, &ids)).await.unwrap(), done(2, 2));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_looks_at_so_many_jobs_and_says_where_to_go_on() {
    let app = App::start().await;
    app.client.pause("q").await.unwrap();
    let ids = held(&app.client, "q", 5).await;
    let mut request = BulkRequest { limit: Some(2), ..all(BulkAction::Cancel) };
    let mut seen = Vec::new();
    loop {
        let answer = app.client.bulk(&request).await.unwrap();
        assert_eq!(answer.more, answer.next_cursor.is_some());
        seen.push((answer.matched, answer.changed));
        match answer.next_cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(seen, [(2, 2), (2, 2), (1, 1)]);
    for id in ids {
        assert_eq!(app.client.job(&id).await.unwrap().summary.state, State::Cancelled);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_act_on_their_own_jobs_only() {
    let app = App::with(|config| config.auth.anonymous = Anonymous::Never).await;
    let (ann, bob) = (app.user("ann", Role::User).await, app.user("bob", Role::User).await);
    let operator = app.user("op", Role::Operator).await;
    operator.pause("q").await.unwrap();
    let (anns, bobs) = (held(&ann, "q", 2).await, held(&bob, "q", 3).await);
    assert_eq!(bob.bulk(&named(BulkAction::Cancel, &anns)).await.unwrap(), done(0, 0));
    let of_ann = BulkFilter { owner: Some("ann".to_owned()), ..BulkFilter::default() };
    assert_eq!(bob.bulk(&matching(BulkAction::Delete, of_ann.clone())).await.unwrap(), done(0, 0));
    assert_eq!(bob.bulk(&all(BulkAction::Cancel)).await.unwrap(), done(3, 3));
    assert_eq!(ann.job(&anns[0]).await.unwrap().summary.state, State::Held);
    assert_eq!(operator.bulk(&matching(BulkAction::Cancel, of_ann)).await.unwrap(), done(2, 2));
    assert_eq!(operator.bulk(&named(BulkAction::Retry, &[anns, bobs].concat())).await.unwrap(), done(5, 5));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_says_too_little_or_too_much_is_refused() {
    let app = App::start().await;
    let send = async |body: &str| {
        let request = app.post("/v1/jobs/bulk").header("content-type", "application/json");
        problem(request.body(body.to_owned()).send().await.unwrap()).await
    };
    for (body, code) in [
        ("{", Code::MalformedBody),
        ("[]", Code::InvalidJob),
        ("{}", Code::InvalidJob),
        (r#"{"action":"retry"}"#, Code::InvalidJob),
        (r#"{"action":"explode","filter":{}}"#, Code::InvalidJob),
        (r#"{"action":"retry","filter":{},"ids":[]}"#, Code::InvalidJob),
        (r#"{"action":"retry","filter":{"colour":"red"}}"#, Code::InvalidJob),
        (r#"{"action":"retry","filter":{"state":"done"}}"#, Code::InvalidJob),
        (r#"{"action":"retry","filter":{"failure":["bad luck"]}}"#, Code::InvalidJob),
        (r#"{"action":"retry","filter":{"run":"x"}}"#, Code::InvalidJob),
        (r#"{"action":"retry","filter":{"owner":"a b"}}"#, Code::InvalidJob),
        (r#"{"action":"retry","filter":{},"limit":0}"#, Code::InvalidJob),
        (r#"{"action":"retry","filter":{},"limit":10001}"#, Code::InvalidJob),
        (r#"{"action":"retry","filter":{},"cursor":"x"}"#, Code::InvalidParameter),
    ] {
        assert_eq!(send(body).await.code, code, "{body}");
    }
    let id = "018f0000-0000-7000-8000-000000000000".to_owned();
    let most = named(BulkAction::Retry, &vec![id.clone(); 1_000]);
    assert_eq!(app.client.bulk(&most).await.unwrap(), done(0, 0));
    let over = app.client.bulk(&named(BulkAction::Retry, &vec![id.clone(); 1_001])).await;
    assert_eq!(refused(over).code, Code::InvalidJob);
    let far_over = app.client.bulk(&named(BulkAction::Retry, &vec![id; 10_000])).await;
    assert_eq!(refused(far_over).code, Code::BodyTooLarge);
    let plain = app.post("/v1/jobs/bulk").body("{}").send().await.unwrap();
    assert_eq!(problem(plain).await.code, Code::UnsupportedMediaType);
    app.finish().await;
}

/// More dead letters than fit into one step, listed by their reason from either end, and queued again.
#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_failures_are_listed_by_reason_and_retried_in_one_request() {
    let app = App::start().await;
    failed(&app, 2_400).await;
    app.client.pause("default").await.unwrap();
    let damaged = vec![FailureKind::Undecodable];
    let options =
        |order| ListOptions { failures: damaged.clone(), order, limit: Some(300), ..ListOptions::default() };
    let newest = app.client.jobs(&options(JobOrder::Newest)).await.unwrap();
    let oldest = app.client.jobs(&options(JobOrder::Oldest)).await.unwrap();
    let name = |page: &JobPage, index: usize| page.jobs[index].name.clone().unwrap();
    assert_eq!((name(&newest, 0).as_str(), name(&newest, 299).as_str()), ("2398.png", "1800.png"));
    assert_eq!((name(&oldest, 0).as_str(), name(&oldest, 299).as_str()), ("0.png", "598.png"));
    let next = ListOptions { cursor: oldest.next_cursor, ..options(JobOrder::Oldest) };
    assert_eq!(name(&app.client.jobs(&next).await.unwrap(), 0), "600.png");
    let state = vec![State::Failed];
    let filter = BulkFilter { state: state.clone(), failure: damaged, ..BulkFilter::default() };
    let request = BulkRequest { limit: Some(10_000), ..matching(BulkAction::Retry, filter) };
    assert_eq!(app.client.bulk(&request).await.unwrap(), done(1_200, 1_200));
    let rest = matching(BulkAction::Retry, BulkFilter { state, ..BulkFilter::default() });
    let answer = app.client.bulk(&BulkRequest { limit: Some(1_199), ..rest.clone() }).await.unwrap();
    assert_eq!((answer.changed, answer.more), (1_199, true));
    assert_eq!(app.client.bulk(&rest).await.unwrap(), done(1, 1));
    assert_eq!(app.client.stats().await.unwrap().jobs.held, 2_400);
    app.finish().await;
}
