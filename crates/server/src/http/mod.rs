//! The HTTP surface. The table below is the list of what it serves; the API crate's table says what each row means,
//! and a test compares the two.

#![allow(clippy::unused_async, reason = "the router takes async handlers only")]

mod artifacts;
mod body;
mod bulk;
mod caller;
mod classic;
mod conditional;
mod config;
mod cursor;
mod dashboard;
mod disposition;
mod docs;
mod drain;
mod envelope;
mod events;
mod faces;
mod failure;
mod feed;
mod fetch;
mod gate;
mod health;
mod intake;
mod jobs;
mod listen;
mod look;
mod models;
mod multipart;
mod notices;
mod predictions;
mod preview;
mod query;
mod queues;
mod quotas;
mod range;
mod run_embeddings;
mod run_groups;
mod run_items;
mod run_make;
mod run_report;
mod run_results;
mod run_rows;
mod runs;
mod settings;
mod sign;
mod state;
mod stats;
mod submit;
mod tokens;
mod users;
mod v2;
mod wait;

use axum::{
    Router,
    handler::Handler,
    middleware,
    routing::{self, MethodRouter},
};
use darkroom_api::{Code, openapi::Method};

pub use config::Config;
pub use listen::serve;
pub use sign::SigningKey;
pub use state::{Http, Wiring};

use classic::{average_face, classifier, digit, resize, thumbnail};
use failure::Failure;

/// Every route of this server.
fn table() -> Vec<Row> {
    vec![
        post("/v1/jobs", submit::submit),
        get("/v1/jobs", jobs::list),
        post("/v1/jobs/bulk", bulk::act),
        get("/v1/jobs/{id}", jobs::show),
        delete("/v1/jobs/{id}", jobs::delete),
        get("/v1/jobs/{id}/events", events::follow),
        post("/v1/jobs/{id}/cancel", jobs::cancel),
        post("/v1/jobs/{id}/retry", jobs::retry),
        get("/v1/jobs/{id}/preview", preview::preview),
        get("/v1/jobs/{id}/artifacts/{name}", artifacts::download),
        post("/v1/artifacts/sign", sign::sign),
        post("/v1/faces/compare", faces::compare),
        post("/v1/runs", run_make::make),
        get("/v1/runs", runs::list),
        get("/v1/runs/{id}", runs::show),
        delete("/v1/runs/{id}", runs::delete),
        get("/v1/runs/{id}/events", run_results::follow),
        get("/v1/runs/{id}/results", run_rows::results),
        get("/v1/runs/{id}/aggregate", run_results::aggregate),
        get("/v1/runs/{id}/groups", run_groups::list),
        get("/v1/runs/{id}/embeddings", run_embeddings::download),
        get("/v1/runs/{id}/report", run_report::show),
        post("/v1/runs/{id}/pause", runs::pause),
        post("/v1/runs/{id}/resume", runs::resume),
        post("/v1/runs/{id}/cancel", runs::cancel),
        post("/v1/runs/{id}/retry-failed", runs::retry_failed),
        post("/v1/runs/{id}/redo", runs::redo),
        get("/v1/operations", health::operations),
        get("/v1/models", models::list),
        get("/v1/predictions", predictions::list),
        get("/v1/predictions/export", predictions::export),
        get("/v1/queues", queues::list),
        post("/v1/queues/{name}/pause", queues::pause),
        post("/v1/queues/{name}/resume", queues::resume),
        post("/v1/queues/{name}/limit", queues::limit),
        get("/v1/stats", stats::stats),
        get("/v1/history", stats::history),
        get("/v1/events", feed::follow),
        get("/v1/settings", settings::list),
        get("/v1/workers", health::workers),
        post("/token", tokens::sign_in),
        post("/v1/tokens/revoke", tokens::sign_out),
        get("/v1/me", tokens::me),
        post("/v1/me/password", tokens::change_password),
        get("/v1/users", users::list),
        post("/v1/users", users::add),
        post("/v1/users/{name}", users::change),
        delete("/v1/users/{name}", users::remove),
        get("/v1/keys", users::keys),
        post("/v1/keys", users::add_key),
        delete("/v1/keys/{id}", users::revoke_key),
        get("/livez", health::live),
        get("/readyz", health::ready),
        get("/metrics", health::metrics),
        get("/version", health::version),
        get("/openapi.json", docs::document),
        get("/docs", docs::page),
        get("/docs/problems", docs::problems),
        get("/docs/{file}", docs::file),
        get("/ui/{folder}/{file}", dashboard::file),
        get("/v1", health::index),
        // The Open Inference Protocol.
        get("/v2", v2::server::metadata),
        get("/v2/health/live", v2::server::live),
        get("/v2/health/ready", v2::server::ready),
        post("/v2/repository/index", v2::server::index),
        get("/v2/models/{model}", v2::models::metadata),
        get("/v2/models/{model}/versions/{version}", v2::models::metadata),
        get("/v2/models/{model}/ready", v2::models::ready),
        get("/v2/models/{model}/versions/{version}/ready", v2::models::ready),
        get("/v2/models/{model}/config", v2::models::config),
        get("/v2/models/{model}/versions/{version}/config", v2::models::config),
        post("/v2/models/{model}/infer", v2::infer::infer),
        post("/v2/models/{model}/versions/{version}/infer", v2::infer::infer),
        // The classic surfaces.
        get("/heartbeat", resize::heartbeat),
        post("/uploadFile", resize::upload),
        get("/queryFileStatus/{file_id}", resize::status),
        get("/health", thumbnail::health),
        post("/upload/", thumbnail::upload),
        get("/job/status/{id}", thumbnail::status),
        get("/job/all", thumbnail::list),
        get("/thumb/{name}", thumbnail::image),
        post("/mnist/", digit::predict),
        get("/", classifier::root),
        post("/predict", classifier::predict),
        get("/run", average_face::run),
        get("/status/{id}", average_face::status),
    ]
}

/// One method of one path.
struct Row {
    method: Method,
    path: &'static str,
    handler: MethodRouter<Http>,
}

fn get<H: Handler<T, Http>, T: 'static>(path: &'static str, handler: H) -> Row {
    Row { method: Method::Get, path, handler: routing::get(handler) }
}

fn post<H: Handler<T, Http>, T: 'static>(path: &'static str, handler: H) -> Row {
    Row { method: Method::Post, path, handler: routing::post(handler) }
}

fn delete<H: Handler<T, Http>, T: 'static>(path: &'static str, handler: H) -> Row {
    Row { method: Method::Delete, path, handler: routing::delete(handler) }
}

/// The routes as a service.
pub fn router(http: &Http) -> Router {
    let mut router = Router::new();
    for row in table() {
        router = router.route(row.path, row.handler.clone());
        // With and without a slash at the end is the same route: a redirect would lose the body of a careless client.
        if let Some(twin) = twin(row.path) {
            router = router.route(&twin, row.handler);
        }
    }
    let router = router
        .fallback(|| async { Failure::plain(Code::NotFound) })
        .method_not_allowed_fallback(|| async { Failure::plain(Code::MethodNotAllowed) })
        .layer(middleware::from_fn_with_state(http.clone(), gate::admit))
        .layer(middleware::from_fn_with_state(http.clone(), envelope::wrap))
        .with_state(http.clone());
    match envelope::cross_origin(&http.config) {
        Some(cross_origin) => router.layer(cross_origin),
        None => router,
    }
}

/// Every method and path, for comparison with the document.
pub fn routes() -> Vec<(Method, &'static str)> {
    table().into_iter().map(|row| (row.method, row.path)).collect()
}

/// The same path with a slash at its end, or without.
fn twin(path: &str) -> Option<String> {
    match path.strip_suffix('/') {
        Some("") => None,
        Some(without) => Some(without.to_owned()),
        None => Some(format!("{path}/")),
    }
}
