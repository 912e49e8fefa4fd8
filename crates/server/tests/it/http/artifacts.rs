//! Downloading: caching, ranges, names, signatures.

use darkroom_api::{Code, SignRequest};

use super::{
    app::{App, problem, refused},
    images,
};

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_come_with_everything_that_a_cache_needs() {
    let app = App::start().await;
    let job = app.thumbnail(images::png(50, 50), 20).await;
    let link = &job.results[0].artifacts[0];
    let whole = app.get(&link.url).await;
    assert_eq!(whole.status(), 200);
    let headers = whole.headers().clone();
    let etag = format!("\"{}\"", link.blob);
    let expected = [
        ("etag", etag.as_str()),
        ("content-type", "image/jpeg"),
        ("cache-control", "private, max-age=31536000, immutable"),
        ("content-disposition", "inline; filename=\"thumbnail.jpg\""),
        ("accept-ranges", "bytes"),
        ("x-content-type-options", "nosniff"),
        ("content-length", &link.bytes.to_string()),
    ];
    for (name, value) in expected {
        assert_eq!(headers[name], value, "{name}");
    }
    let bytes = whole.bytes().await.unwrap();
    assert_eq!(darkroom_core::BlobId::of(&bytes).to_string(), link.blob);

    let head = app.http.head(app.at(&link.url)).send().await.unwrap();
    assert_eq!(
        (head.status().as_u16(), &head.headers()["content-length"]),
        (200, &headers["content-length"])
    );
    assert!(head.bytes().await.unwrap().is_empty());

    for tags in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
        let same = app.http.get(app.at(&link.url)).header("if-none-match", &tags).send().await.unwrap();
        assert_eq!((same.status().as_u16(), &same.headers()["etag"]), (304, &headers["etag"]), "{tags}");
    }
    let other = app.http.get(app.at(&link.url)).header("if-none-match", "\"x\"").send().await.unwrap();
    assert_eq!(other.status(), 200);
    let saved = app.get(&format!("{}?download=true", link.url)).await;
    assert_eq!(saved.headers()["content-disposition"], "attachment; filename=\"thumbnail.jpg\"");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_are_parts_of_the_same_bytes() {
    let app = App::start().await;
    let job = app.thumbnail(images::png(50, 50), 20).await;
    let link = &job.results[0].artifacts[0];
    let whole = app.artifact(&job, &link.name).await;
    let n = whole.len();
    let get = |range: String| app.http.get(app.at(&link.url)).header("range", range);
    let cases = [
        ("bytes=0-9".to_owned(), 0..10),
        (format!("bytes={}-", n - 5), n - 5..n),
        ("bytes=-7".to_owned(), n - 7..n),
    ];
    for (range, expected) in cases {
        let part = get(range).send().await.unwrap();
        assert_eq!(part.status(), 206);
        let which = format!("bytes {}-{}/{n}", expected.start, expected.end - 1);
        assert_eq!(part.headers()["content-range"], which);
        assert_eq!(part.bytes().await.unwrap(), whole[expected]);
    }
    let beyond = get(format!("bytes={n}-")).send().await.unwrap();
    assert_eq!(
        (beyond.status().as_u16(), &beyond.headers()["content-range"]),
        (416, &format!("bytes */{n}").parse().unwrap())
    );
    let etag = format!("\"{}\"", link.blob);
    for (tag, status) in [(etag.as_str(), 206), ("\"other\"", 200), ("Wed, 21 Oct 2015 07:28:00 GMT", 200)] {
        let answer = get("bytes=0-9".to_owned()).header("if-range", tag).send().await.unwrap();
        assert_eq!(answer.status(), status, "{tag}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_original_comes_only_when_asked_for_and_is_saved_not_shown() {
    let app = App::start().await;
    let sent = images::png(50, 50);
    let job = app.thumbnail(sent.clone(), 20).await;
    assert!(job.results[0].artifacts.iter().all(|artifact| artifact.name != "original"));
    let original = app.get(&format!("/v1/jobs/{}/artifacts/original", job.summary.id)).await;
    assert_eq!(original.headers()["content-disposition"], "attachment; filename=\"image.png\"");
    assert_eq!(original.headers()["content-type"], "image/png");
    assert_eq!(original.bytes().await.unwrap(), sent);
    let missing = app.get(&format!("/v1/jobs/{}/artifacts/..%2Foriginal", job.summary.id)).await;
    assert_eq!(problem(missing).await.code, Code::ArtifactNotFound);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_addresses_open_one_artifact_and_no_other() {
    let app = App::start().await;
    let job = app.thumbnail(images::png(50, 50), 20).await;
    let request = |artifact: &str, expires_in| SignRequest {
        job: job.summary.id.clone(),
        artifact: artifact.to_owned(),
        expires_in,
    };
    let signed = app.client.sign(&request("thumbnail.jpg", Some(60))).await.unwrap();
    assert_eq!(app.get(&signed.url).await.status(), 200);
    let changed = [
        signed.url.replace("thumbnail.jpg", "original"),
        signed.url.replace("expires=", "expires=9"),
        signed.url.replace("signature=", "signature=A"),
        signed.url.split("&signature").next().unwrap().to_owned(),
    ];
    for url in changed {
        assert_eq!(problem(app.get(&url).await).await.code, Code::SignatureInvalid, "{url}");
    }
    assert_eq!(refused(app.client.sign(&request("no", None)).await).code, Code::ArtifactNotFound);
    assert_eq!(refused(app.client.sign(&request("original", Some(0))).await).code, Code::InvalidJob);
    assert_eq!(refused(app.client.sign(&request("original", Some(604_801))).await).code, Code::InvalidJob);
    app.finish().await;
}
