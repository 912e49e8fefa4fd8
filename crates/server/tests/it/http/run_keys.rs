//! Runs that are asked for more than once under one idempotency key.

use darkroom_api::{ArchivePlace, Client, Code, RunRequest, RunSource, client::ArchiveUpload};
use darkroom_core::{BlobId, user::Role};

use super::{
    app::{App, refused},
    run_archives::{exists, photos, upload},
    runs::{app_for, dataset, folder_of, request},
};
use crate::patience::until as until_so;

async fn count(client: &Client) -> usize {
    client.runs(&[], None).await.unwrap().runs.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_under_the_same_key_is_one_run() {
    let folder = dataset(1);
    let app = app_for(folder.path()).await;
    let asked = request(folder_of(folder.path()));
    let first = app.client.make_run_once(&asked, "k-1").await.unwrap();
    let ended = app.client.wait_for_run(&first.id).await.unwrap();
    let again = app.client.make_run_once(&asked, "k-1").await.unwrap();
    assert_eq!(again, ended, "as it is by now");
    let other = RunRequest { name: Some("another".to_owned()), ..asked.clone() };
    assert_eq!(refused(app.client.make_run_once(&other, "k-1").await).code, Code::IdempotencyConflict);
    assert_ne!(app.client.make_run_once(&other, "k-2").await.unwrap().id, first.id);
    assert_ne!(app.client.make_run(&asked).await.unwrap().id, first.id);
    assert_eq!(count(&app.client).await, 3);
    let statuses = async |key: &str| {
        let sent = app.post("/v1/runs").header("idempotency-key", key).json(&asked).send().await.unwrap();
        (sent.status().as_u16(), sent.headers().get("location").is_some())
    };
    assert_eq!((statuses("k-1").await, statuses("k-3").await), ((200, true), (201, true)));
    assert_eq!(statuses("k 4").await, (400, false));
    assert_eq!(app.client.run_of_key("k-1").await.unwrap().unwrap().id, first.id);
    assert_eq!(app.client.run_of_key("k").await.unwrap(), None);
    app.client.delete_run(&first.id).await.unwrap();
    assert_eq!(app.client.run_of_key("k-1").await.unwrap(), None);
    assert_ne!(app.client.make_run_once(&other, "k-1").await.unwrap().id, first.id);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_is_sent_twice_under_one_key_is_one_run_and_leaves_nothing() {
    let app = App::start().await;
    let send = async |images: u32| {
        let archive = ArchiveUpload::bytes(photos(images), "a.tar").once("k");
        app.client.make_run_of(&upload(None), archive).await
    };
    let first = send(3).await.unwrap();
    app.client.wait_for_run(&first.id).await.unwrap();
    let blob = BlobId::of(&photos(3));
    until_so("the end of the archive", || !exists(&app, blob)).await;
    assert_eq!(send(3).await.unwrap().id, first.id);
    assert!(!exists(&app, blob), "nobody reads what came again");
    assert_eq!(refused(send(4).await).code, Code::IdempotencyConflict);
    assert!(!exists(&app, BlobId::of(&photos(4))));
    assert_eq!(count(&app.client).await, 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_its_owner() {
    let app = App::start().await;
    let source = || RunSource::Archive { at: ArchivePlace::Upload, checksum: None };
    let send = async |client: &Client| {
        let archive = ArchiveUpload::bytes(photos(2), "a.tar").once("k");
        client.make_run_of(&request(source()), archive).await.unwrap().id
    };
    let (ann, bob) = (app.user("ann", Role::User).await, app.user("bob", Role::Operator).await);
    let (of_ann, of_bob) = (send(&ann).await, send(&bob).await);
    assert_ne!(of_ann, of_bob);
    assert_eq!(send(&ann).await, of_ann);
    // An operator sees both, and means the own one.
    assert_eq!(bob.run_of_key("k").await.unwrap().unwrap().id, of_bob);
    app.finish().await;
}
