//! The API's document and its pages, all from the binary.

use axum::{
    Json,
    extract::Path,
    http::header,
    response::{Html, IntoResponse, Response},
};
use darkroom_api::{Code, openapi, problem};
use serde_json::Value;
use utoipa_swagger_ui::{Config, serve};

use super::failure::Failure;

/// The page loads nothing from elsewhere, and cannot be made to.
const POLICY: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Darkroom API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"#;

/// A file of its own, so that the policy need not allow scripts inside of the page.
const START: &str = r##"SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  validatorUrl: null,
});
"##;

/// The `OpenAPI` document.
pub(super) async fn document() -> Json<Value> {
    Json(openapi::document())
}

/// The page to browse it.
pub(super) async fn page() -> impl IntoResponse {
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(PAGE))
}

/// Every problem code.
pub(super) async fn problems() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], problem::page())
}

/// A file of the page.
pub(super) async fn file(Path(name): Path<String>) -> Result<Response, Failure> {
    if name == "start.js" {
        return Ok(([(header::CONTENT_TYPE, "text/javascript")], START).into_response());
    }
    match serve(&name, std::sync::Arc::new(Config::from("/openapi.json"))) {
        Ok(Some(found)) => {
            let headers = [
                (header::CONTENT_TYPE, found.content_type),
                (header::CACHE_CONTROL, "max-age=86400".to_owned()),
            ];
            Ok((headers, found.bytes.into_owned()).into_response())
        }
        Ok(None) => Err(Failure::plain(Code::NotFound)),
        Err(error) => Err(Failure::caused(Code::Internal, error)),
    }
}
