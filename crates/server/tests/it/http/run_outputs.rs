//! What a run hands out as a whole: its report, its groups, and to whom.

use darkroom_api::{Code, RunRequest};
use darkroom_core::user::Role;
use reqwest::Response;
use serde_json::json;

use super::{
    app::{App, problem},
    runs::{app_for, dataset, folder_of, request},
};

async fn report(app: &App, id: &str) -> Response {
    app.get(&format!("/v1/runs/{id}/report")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_of_a_run_is_one_page_with_its_images() {
    let folder = dataset(12);
    let app = app_for(folder.path()).await;
    let named = RunRequest { name: Some("May <b>\"faces\"".to_owned()), ..request(folder_of(folder.path())) };
    let made = app.client.make_run(&named).await.unwrap();
    app.client.wait_for_run(&made.id).await.unwrap();
    let page = report(&app, &made.id).await;
    let headers = page.headers().clone();
    assert_eq!(
        (page.status().as_u16(), &headers["content-type"]),
        (200, &"text/html; charset=utf-8".parse().unwrap())
    );
    let policy = headers["content-security-policy"].to_str().unwrap();
    for rule in
        ["default-src 'none'", "img-src data:", "style-src 'sha256-", "frame-ancestors 'self'", "sandbox"]
    {
        assert!(policy.contains(rule), "{rule}: {policy}");
    }
    let disposition = headers["content-disposition"].to_str().unwrap();
    assert!(
        disposition.starts_with("inline; filename=") && !disposition.contains("\"faces\""),
        "{disposition}"
    );
    assert_eq!(
        (&headers["referrer-policy"], &headers["cache-control"]),
        (&"no-referrer".parse().unwrap(), &"no-store".parse().unwrap())
    );
    let page = page.text().await.unwrap();
    assert!(page.contains("May &lt;b&gt;") && !page.contains("<b>\"faces\""));
    assert_eq!(page.matches("data:image/jpeg;base64,").count(), 24, "images from all over the run");
    assert!(page.contains("ann/") && page.contains("cleo/"), "not only the first ones");
    assert!(page.contains("undecodable") && page.contains("torn.png"), "what failed, and why");
    assert!(page.contains("Images ended over time") && page.contains("not_an_image"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_has_just_begun_has_a_report_too() {
    let folder = dataset(1);
    let app = app_for(folder.path()).await;
    app.client.pause("default").await.unwrap();
    let made = app.client.make_run(&request(folder_of(folder.path()))).await.unwrap();
    let page = report(&app, &made.id).await;
    assert_eq!(page.status(), 200);
    assert!(!page.text().await.unwrap().contains("NaN"));
    app.client.change_run(&made.id, "cancel").await.unwrap();
    let cancelled = report(&app, &made.id).await.text().await.unwrap();
    assert!(cancelled.contains("This run is cancelled"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_listed_by_name_a_part_at_a_time() {
    let folder = dataset(3);
    let app = app_for(folder.path()).await;
    let widths = json!([{ "kind": "mean", "pointer": "", "dimensions": 1 }, { "kind": "counts", "pointer": "/width" }]);
    let by_width = RunRequest {
        aggregates: serde_json::from_value(widths).unwrap(),
        ..request(folder_of(folder.path()))
    };
    let made = app.client.make_run(&by_width).await.unwrap();
    app.client.wait_for_run(&made.id).await.unwrap();
    let ask = async |query: &str| app.get(&format!("/v1/runs/{}/groups{query}", made.id)).await;
    let all = app.client.run_groups(&made.id, None).await.unwrap();
    let counted: u64 = all.groups.iter().map(|group| group.count).sum();
    assert_eq!((counted, all.next_cursor), (9, None));
    assert!(all.groups.iter().all(|group| group.mean.is_none()));
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let part: serde_json::Value = ask(&format!("?limit=1{cursor}")).await.json().await.unwrap();
        names.extend(
            part["groups"]
                .as_array()
                .unwrap()
                .iter()
                .map(|group| group["group"].as_str().unwrap().to_owned()),
        );
        let Some(next) = part["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(names, all.groups.iter().map(|group| group.group.clone()).collect::<Vec<_>>());
    assert_eq!(ask("?which=1").await.status(), 200);
    for wrong in ["?which=0", "?which=3", "?which=x", "?limit=0", "?limit=1001", "?cursor=AQ", "?page=2"] {
        assert_eq!(problem(ask(wrong).await).await.code, Code::InvalidParameter, "{wrong}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_of_others_hand_out_does_not_exist() {
    let folder = dataset(1);
    let app = app_for(folder.path()).await;
    let (ann, bob) = (app.user("ann", Role::User).await, app.key("bob", Role::User).await);
    let made = ann.make_run(&request(folder_of(folder.path()))).await.unwrap();
    ann.wait_for_run(&made.id).await.unwrap();
    assert!(!ann.run_report(&made.id).await.unwrap().is_empty());
    for rest in ["report", "embeddings", "groups", "results"] {
        let path = app.at(&format!("/v1/runs/{}/{rest}", made.id));
        let answer = app.http.get(path).bearer_auth(&bob).send().await.unwrap();
        assert_eq!(problem(answer).await.code, Code::RunNotFound, "{rest}");
    }
    let path = app.at(&format!("/v1/runs/{}/redo", made.id));
    let answer = app.http.post(path).bearer_auth(&bob).send().await.unwrap();
    assert_eq!(problem(answer).await.code, Code::RunNotFound);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_faces_has_a_matrix_without_rows() {
    let folder = dataset(1);
    let app = app_for(folder.path()).await;
    let made = app.client.make_run(&request(folder_of(folder.path()))).await.unwrap();
    app.client.wait_for_run(&made.id).await.unwrap();
    let answer = app.get(&format!("/v1/runs/{}/embeddings", made.id)).await;
    let headers = answer.headers().clone();
    assert_eq!(headers["content-disposition"], "attachment; filename=\"faces of May.embeddings.npy\"");
    let matrix = answer.bytes().await.unwrap();
    assert!(matrix.starts_with(b"\x93NUMPY") && matrix.len() == 128, "{}", matrix.len());
    assert!(String::from_utf8_lossy(&matrix).contains("(0, 128)"));
    let list = app.get(&format!("/v1/runs/{}/embeddings?format=jsonl", made.id)).await;
    assert_eq!(list.bytes().await.unwrap().len(), 0);
    let wrong = app.get(&format!("/v1/runs/{}/embeddings?format=csv", made.id)).await;
    assert_eq!(problem(wrong).await.code, Code::InvalidParameter);
    app.finish().await;
}
