//! The dashboard as a browser asks for it.

use super::app::App;

#[tokio::test(flavor = "multi_thread")]
async fn browsers_get_the_page_and_programs_the_greeting() {
    let app = App::start().await;
    let page = app.http.get(app.at("/")).header("accept", "text/html,*/*;q=0.8").send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers()["vary"], "Accept, Accept-Encoding");
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
    assert!(page.text().await.unwrap().contains("/ui/core/app.js"));
    let greeting = app.get("/").await;
    assert_eq!(greeting.headers()["vary"], "Accept");
    assert_eq!(greeting.text().await.unwrap(), r#"{"message":"Da warudo"}"#);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_the_page_is_sent_compressed_and_only_once() {
    let app = App::start().await;
    let plain = app.get("/ui/core/app.js").await;
    assert_eq!(plain.headers()["content-type"], "text/javascript; charset=utf-8");
    let tag = plain.headers()["etag"].to_str().unwrap().to_owned();
    let whole = plain.bytes().await.unwrap();
    let short =
        app.http.get(app.at("/ui/core/app.js")).header("accept-encoding", "gzip, br").send().await.unwrap();
    assert_eq!(
        (&short.headers()["content-encoding"], &short.headers()["etag"]),
        (&"gzip".parse().unwrap(), &tag.parse().unwrap())
    );
    assert!(short.bytes().await.unwrap().len() < whole.len());
    let again = app.http.get(app.at("/ui/core/app.js")).header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(again.status(), 304);
    assert!(again.bytes().await.unwrap().is_empty());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_the_page_lies_beside_it() {
    let app = App::start().await;
    for path in
        ["/ui/core/none.js", "/ui/core/..%2f..%2f..%2fCargo.toml", "/ui/..%2f/Cargo.toml", "/ui/core/%00"]
    {
        assert_eq!(app.get(path).await.status(), 404, "{path}");
    }
    app.finish().await;
}
