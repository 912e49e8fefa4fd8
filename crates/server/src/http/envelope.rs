//! What surrounds every request: its id, its count, and the form of its failure.

use std::{panic::AssertUnwindSafe, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use darkroom_api::Code;
use futures_util::FutureExt;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};
use tracing::Instrument;

use super::{Config, Http, drain::Rest, failure::Failure, v2};
use crate::telemetry::HttpLabels;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The one middleware.
pub(super) async fn wrap(State(http): State<Http>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request_id(&http, request.headers());
    let route = route(&http, request.extensions().get::<MatchedPath>());
    let render = if v2::is_here(request.uri().path()) { v2::refused } else { Failure::render };
    let method = method_label(request.method());
    let span = tracing::info_span!("request", request_id = %id, method, route);
    http.metrics.requests_in_flight.inc();
    let in_flight = InFlight(&http);
    let (request, rest) = Rest::of(request);
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone()).await;
    let answered =
        answered.unwrap_or_else(|_| Failure::caused(Code::Internal, "a handler panicked").into_response());
    let mut response = span.in_scope(|| finish(answered, &id, render));
    if let Some(rest) =
        rest.filter(|_| response.status().is_client_error() || response.status().is_server_error())
    {
        rest.drain().await;
    }
    drop(in_flight);
    http.metrics.answered(HttpLabels { method, route, status: response.status().as_u16() }, began.elapsed());
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// Counts a request for as long as it lives, also when its client goes away.
struct InFlight<'a>(&'a Http);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.metrics.requests_in_flight.dec();
    }
}

/// Renders a failure, and logs once what the client is not told.
fn finish(mut response: Response, id: &str, render: fn(&Failure, &str) -> Response) -> Response {
    let Some(failure) = response.extensions_mut().remove::<Failure>() else { return response };
    let (code, detail) = (failure.code(), failure.detail());
    if let Some(cause) = failure.cause() {
        tracing::error!(%code, cause, "request failed");
    } else {
        tracing::debug!(%code, detail, "request refused");
    }
    let mut rendered = render(&failure, id);
    if let Some(allow) = response.headers().get(header::ALLOW) {
        rendered.headers_mut().insert(header::ALLOW, allow.clone());
    }
    rendered
}

/// The client's id for the request if it is short and plain, so that it can stand in logs and headers; else a new one.
fn request_id(http: &Http, headers: &HeaderMap) -> String {
    let plain = |text: &&str| {
        (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let sent = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(plain);
    sent.map_or_else(|| darkroom_core::JobId::new(http.now()).to_string(), str::to_owned)
}

/// The template of the route, from the table, so that metrics have a closed set of labels.
fn route(http: &Http, matched: Option<&MatchedPath>) -> &'static str {
    let trimmed = |path: &str| path.trim_end_matches('/').len();
    let same = |path: &&&'static str| {
        matched.is_some_and(|m| path[..trimmed(path)] == m.as_str()[..trimmed(m.as_str())])
    };
    http.paths.iter().find(same).copied().unwrap_or("unmatched")
}

fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// Which web origins may call: none unless set.
pub(super) fn cross_origin(config: &Config) -> Option<CorsLayer> {
    if config.cors_origins.is_empty() {
        return None;
    }
    let origins = if config.cors_origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(config.cors_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    let shown = [
        header::LOCATION,
        header::ETAG,
        header::CONTENT_RANGE,
        header::RETRY_AFTER,
        header::LINK,
        REQUEST_ID,
    ];
    let layer =
        CorsLayer::new().allow_origin(origins).allow_methods(Any).allow_headers(Any).expose_headers(shown);
    Some(layer)
}
