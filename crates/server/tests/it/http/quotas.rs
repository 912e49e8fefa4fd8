//! How much one user may ask, and that others do not suffer from it.

use darkroom_api::{
    Client, Code,
    client::{Options, Upload},
};
use darkroom_core::{Operation, operation::Thumbnail, user::Role};
use darkroom_server::{accounts::Anonymous, config::ByteSize};

use super::{
    app::{App, problem, refused, wait},
    images,
};
use crate::patience::soon;

fn upload(side: u32) -> Upload {
    Upload::bytes(images::png(side, side), "a.png", vec![Operation::Thumbnail(Thumbnail::fit(4, 4))])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_asks_too_often_waits_and_others_do_not() {
    let app = App::with(|config| {
        config.quota.requests_per_second = 1;
        config.quota.burst = 3;
    })
    .await;
    let (ann, bob) = (app.user("ann", Role::User).await, app.user("bob", Role::User).await);
    let asked = async |client: &Client| client.me().await.map(drop);
    let mut refusals = Vec::new();
    let look = async {
        while refusals.len() < 3 {
            refusals.extend(asked(&ann).await.err());
        }
    };
    soon("refusals of one who asks more than once a second", look).await;
    assert!(refusals.iter().all(|refusal| refusal.code() == Some(Code::RateLimited)));
    assert!(refusals.iter().all(|refusal| refusal.retry_after().is_some()));
    asked(&bob).await.unwrap();
    for _ in 0..20 {
        assert_eq!(app.get("/livez").await.status(), 200, "probes are not counted");
        assert_eq!(app.get("/v1/jobs").await.status(), 200, "nor is the host itself");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_tokens_are_counted_by_address() {
    let app = App::with(|config| {
        config.auth.anonymous = Anonymous::Never;
        config.quota.requests_per_second = 1;
        config.quota.burst = 2;
    })
    .await;
    let guess = async || {
        let guess = app.http.get(app.at("/v1/me")).bearer_auth("dk_guess").send().await.unwrap();
        problem(guess).await.code
    };
    for _ in 0..2 {
        assert_eq!(guess().await, Code::InvalidToken);
    }
    let refusal = async {
        loop {
            match guess().await {
                Code::InvalidToken => {}
                other => break other,
            }
        }
    };
    assert_eq!(
        soon("a refusal of one who guesses more than once a second", refusal).await,
        Code::RateLimited
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_a_bounded_number_of_open_jobs() {
    let app = App::with(|config| config.quota.open_jobs = 2).await;
    let (ann, bob) = (app.user("ann", Role::User).await, app.user("bob", Role::User).await);
    app.client.pause("slow").await.unwrap();
    let slow = || Options { queue: Some("slow".to_owned()), ..Options::default() };
    let first = ann.submit(upload(9), &slow()).await.unwrap();
    ann.submit(upload(9), &slow()).await.unwrap();
    assert_eq!(refused(ann.submit(upload(9), &slow()).await).code, Code::QuotaExceeded);
    bob.submit(upload(9), &slow()).await.unwrap();
    for _ in 0..4 {
        app.client.submit(upload(9), &slow()).await.unwrap();
    }
    ann.cancel(&first.summary.id).await.unwrap();
    ann.submit(upload(9), &slow()).await.unwrap();
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_sends_a_bounded_number_of_bytes_a_day() {
    let image = images::png(90, 90);
    let bytes = image.len() as u64;
    let app = App::with(|config| config.quota.bytes_per_day = ByteSize(2 * bytes + bytes / 2)).await;
    let (ann, bob) = (app.user("ann", Role::User).await, app.user("bob", Role::User).await);
    for _ in 0..2 {
        ann.submit(upload(90), &wait()).await.unwrap();
    }
    let refusal = refused(ann.submit(upload(90), &wait()).await);
    assert_eq!(refusal.code, Code::QuotaExceeded);
    assert!(refusal.detail.contains("within a day"), "{}", refusal.detail);
    ann.submit(upload(2), &wait()).await.unwrap();
    bob.submit(upload(90), &wait()).await.unwrap();
    app.finish().await;
}

/// One lane a user: a crowd of one's jobs is worked on in turn with the few of another.
#[tokio::test(flavor = "multi_thread")]
async fn each_user_takes_turns_with_the_others() {
    let app = App::with(|config| config.worker.slots = 1).await;
    let (ann, bob) = (app.user("ann", Role::User).await, app.user("bob", Role::User).await);
    app.client.pause("slow").await.unwrap();
    let slow = || Options { queue: Some("slow".to_owned()), ..Options::default() };
    let mut crowd = Vec::new();
    for _ in 0..30 {
        crowd.push(ann.submit(upload(9), &slow()).await.unwrap().summary.id);
    }
    let one = bob.submit(upload(8), &slow()).await.unwrap().summary.id;
    app.client.resume("slow").await.unwrap();
    let bobs = bob.wait(&one).await.unwrap();
    let last = ann.wait(&crowd[29]).await.unwrap();
    assert!(bobs.summary.finished_at < last.summary.finished_at, "the crowd went first");
    app.finish().await;
}
