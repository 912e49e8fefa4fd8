//! The document and the routes are one list.

use std::collections::BTreeSet;

use darkroom_api::openapi;

use super::app::App;

#[test]
fn every_route_is_in_the_document_and_every_endpoint_is_routed() {
    let routed: BTreeSet<_> = darkroom_server::http::routes().into_iter().collect();
    let described: BTreeSet<_> =
        openapi::table::endpoints().map(|endpoint| (endpoint.method, endpoint.path)).collect();
    assert_eq!(routed, described);
    assert_eq!(routed.len(), darkroom_server::http::routes().len(), "a route is in the table twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_browsable_without_a_network() {
    let app = App::start().await;
    let document: serde_json::Value = app.get("/openapi.json").await.json().await.unwrap();
    assert_eq!(document, openapi::document());
    for path in ["/docs", "/docs/"] {
        let page = app.get(path).await;
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        let page = page.text().await.unwrap();
        assert!(!page.contains("://"), "the page loads something from elsewhere");
        for part in page.split(['"']).filter(|part| part.starts_with("/docs/")) {
            assert_eq!(app.get(part).await.status(), 200, "{part}");
        }
    }
    let script = app.get("/docs/swagger-ui-bundle.js").await;
    assert!(script.headers()["content-type"].to_str().unwrap().contains("javascript"));
    assert!(app.get("/docs/start.js").await.text().await.unwrap().contains("/openapi.json"));
    assert!(app.get("/docs/problems").await.text().await.unwrap().contains("## queue_full"));
    assert_eq!(app.get("/docs/nothing.js").await.status(), 404);
    app.finish().await;
}
