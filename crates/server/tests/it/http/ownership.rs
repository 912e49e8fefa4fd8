//! What belongs to one user is not there for another.

use darkroom_api::{
    Client, Code, ImageSource, JobPage, JobRequest, Secret, SignRequest,
    client::{ListOptions, Options, Upload},
    job::State,
};
use darkroom_core::{Operation, operation::Thumbnail, user::Role};
use darkroom_server::accounts::Anonymous;

use super::{
    app::{App, problem, refused, wait},
    images,
};

fn operations() -> Vec<Operation> {
    vec![Operation::Thumbnail(Thumbnail::fit(4, 4))]
}

fn upload(name: &str, side: u32) -> Upload {
    Upload::bytes(images::png(side, side), name, operations())
}

async fn closed() -> App {
    App::with(|config| config.auth.anonymous = Anonymous::Never).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_another_user_does_not_exist() {
    let app = closed().await;
    let (ann, bob) = (app.user("ann", Role::User).await, app.user("bob", Role::User).await);
    let job = ann.submit(upload("a.png", 9), &wait()).await.unwrap();
    let id = &job.summary.id;
    assert_eq!(job.summary.owner, "ann");
    assert_eq!(refused(bob.job(id).await).code, Code::JobNotFound);
    assert_eq!(refused(bob.cancel(id).await).code, Code::JobNotFound);
    assert_eq!(refused(bob.retry(id).await).code, Code::JobNotFound);
    assert_eq!(refused(bob.delete(id).await).code, Code::JobNotFound);
    assert_eq!(refused(bob.wait(id).await).code, Code::JobNotFound);
    let to = std::env::temp_dir().join("never-written");
    for name in ["thumbnail.jpg", "original"] {
        assert_eq!(refused(bob.download(id, name, &to).await).code, Code::JobNotFound);
        let request = SignRequest { job: id.clone(), artifact: name.to_owned(), expires_in: None };
        assert_eq!(refused(bob.sign(&request).await).code, Code::JobNotFound);
    }
    assert_eq!(ann.retry(id).await.unwrap_err().code(), Some(Code::JobSucceeded), "the owner is told more");
    ann.delete(id).await.unwrap();
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_hold_ones_own_jobs_and_operators_see_all() {
    let app = closed().await;
    let (ann, bob) = (app.user("ann", Role::User).await, app.user("bob", Role::User).await);
    let operator = app.user("op", Role::Operator).await;
    let job = ann.submit(upload("a.png", 9), &wait()).await.unwrap();
    bob.submit(upload("b.png", 8), &wait()).await.unwrap();
    let owners = async |client: &Client| {
        let page = client.jobs(&ListOptions::default()).await.unwrap();
        page.jobs.into_iter().map(|job| job.owner).collect::<Vec<_>>()
    };
    assert_eq!(owners(&ann).await, ["ann"]);
    assert_eq!(owners(&bob).await, ["bob"]);
    assert_eq!(owners(&operator).await, ["bob", "ann"]);
    let key = app.key("eve", Role::User).await;
    let asked = app.http.get(app.at("/v1/jobs?owner=ann")).bearer_auth(&key).send().await.unwrap();
    assert_eq!(asked.json::<JobPage>().await.unwrap().jobs, []);
    assert_eq!(operator.job(&job.summary.id).await.unwrap().summary.owner, "ann");
    operator.delete(&job.summary.id).await.unwrap();
    assert_eq!(owners(&ann).await, [] as [&str; 0]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_can_be_named_by_those_whose_jobs_have_it() {
    let app = closed().await;
    let (ann, bob) = (app.user("ann", Role::User).await, app.user("bob", Role::User).await);
    let operator = app.user("op", Role::Operator).await;
    let job = ann.submit(upload("a.png", 9), &wait()).await.unwrap();
    let artifact = job.results[0].artifacts[0].blob.clone();
    for blob in [job.summary.input.blob.clone(), artifact] {
        let request = JobRequest {
            image: ImageSource::Blob(blob),
            operations: operations(),
            queue: None,
            priority: None,
            delay: None,
            run_at: None,
            cache: None,
            name: None,
        };
        assert_eq!(refused(bob.submit_json(&request, &wait()).await).code, Code::UnknownBlob);
        assert_eq!(ann.submit_json(&request, &wait()).await.unwrap().summary.state, State::Succeeded);
        assert_eq!(operator.submit_json(&request, &wait()).await.unwrap().summary.state, State::Succeeded);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_idempotency_key_of_two_users_is_two_jobs() {
    let app = closed().await;
    let (ann, bob) = (app.user("ann", Role::User).await, app.user("bob", Role::User).await);
    let options = || Options { idempotency_key: Some("k".to_owned()), ..wait() };
    let first = ann.submit(upload("a.png", 9), &options()).await.unwrap();
    let second = bob.submit(upload("b.png", 8), &options()).await.unwrap();
    assert_ne!(first.summary.id, second.summary.id);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_address_opens_one_artifact_for_whoever_has_it() {
    let app = closed().await;
    let ann = app.user("ann", Role::User).await;
    let job = ann.submit(upload("a.png", 9), &wait()).await.unwrap();
    let request =
        SignRequest { job: job.summary.id.clone(), artifact: "thumbnail.jpg".to_owned(), expires_in: None };
    let signed = ann.sign(&request).await.unwrap();
    assert_eq!(app.get(&signed.url).await.status(), 200);
    let unsigned = signed.url.split('?').next().unwrap().to_owned();
    assert_eq!(problem(app.get(&unsigned).await).await.code, Code::NotAuthenticated);
    for query in ["?signature=", "?signature=AAAA", "?signature=AAAA&expires=9", "?signature"] {
        let status = app.get(&format!("{unsigned}{query}")).await.status().as_u16();
        assert!([401, 403].contains(&status), "{query}: {status}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_for_one_who_may_not_ask_any_more() {
    let app = closed().await;
    let operator = app.user("op", Role::Operator).await;
    let key = app.key("ann", Role::User).await;
    let ann = Client::new(&app.base).unwrap().with_token(Secret::new(&key));
    operator.pause("slow").await.unwrap();
    let slow = Options { queue: Some("slow".to_owned()), ..Options::default() };
    let job = ann.submit(upload("a.png", 9), &slow).await.unwrap();
    let path = app.at(&format!("/v1/jobs/{}/events", job.summary.id));
    let stream = app.http.get(&path).bearer_auth(&key).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let keys = ann.keys(None).await.unwrap().keys;
    ann.revoke_key(&keys[0].id).await.unwrap();
    operator.resume("slow").await.unwrap();
    operator.wait(&job.summary.id).await.unwrap();
    let heard = stream.text().await.unwrap();
    assert!(heard.contains("\"held\"") && !heard.contains("\"succeeded\""), "{heard}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_classic_services_keep_users_apart() {
    let app = closed().await;
    let keys = [app.key("ann", Role::User).await, app.key("bob", Role::User).await];
    let send = async |path: &str, key: &str, side: u32| {
        let part = reqwest::multipart::Part::bytes(images::png(side, side)).file_name("same.png");
        let form = reqwest::multipart::Form::new().part("file", part);
        let sent = app.post(path).bearer_auth(key).multipart(form).send().await.unwrap();
        assert_eq!(sent.status(), 200);
        sent.json::<serde_json::Value>().await.unwrap()
    };
    let get =
        async |path: String, key: &str| app.http.get(app.at(&path)).bearer_auth(key).send().await.unwrap();
    let [ann, bob] = [&keys[0], &keys[1]];
    let file = send("/uploadFile", ann, 9).await["file_id"].as_str().unwrap().to_owned();
    assert_eq!(get(format!("/queryFileStatus/{file}"), ann).await.status(), 200);
    assert_eq!(get(format!("/queryFileStatus/{file}"), bob).await.status(), 400);
    let mut jobs = Vec::new();
    for (key, side) in [(ann, 9), (bob, 200)] {
        let id = send("/upload/", key, side).await["job_id"].as_str().unwrap().to_owned();
        let client = Client::new(&app.base).unwrap().with_token(Secret::new(key));
        client.wait(&id).await.unwrap();
        jobs.push(id);
    }
    assert_eq!(get(format!("/job/status/{}", jobs[1]), ann).await.status(), 404);
    let listed: serde_json::Value = get("/job/all".to_owned(), ann).await.json().await.unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let thumbs = [
        get("/thumb/thumb_same.png".to_owned(), ann).await,
        get("/thumb/thumb_same.png".to_owned(), bob).await,
    ];
    let [first, second] = thumbs.map(|thumb| thumb.headers()["etag"].clone());
    assert_ne!(first, second, "each has the newest of their own");
    app.finish().await;
}
