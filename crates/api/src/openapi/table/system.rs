//! The server itself: queues, workers, probes, documentation.

use super::super::endpoint::{
    Access::{Admin, Metrics, Open, Operator},
    Content, Endpoint, Parameter,
    Shape::{Pattern, Word},
    answer, path, query,
};
use super::READ;
use crate::problem::Code;

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::get("/v1/queues", "queues", "Every queue with its counts.")
        .needs(Operator)
        .answers(&[answer(200, "The queues.", &[Content::Json("Queues")])])
        .problems(READ),
    Endpoint::post(
        "/v1/queues/{name}/pause",
        "queues",
        "Hold the jobs of a queue; running ones finish. Idempotent.",
    )
    .needs(Operator)
    .takes(&[QUEUE])
    .answers(&[answer(204, "No job of it starts any more.", &[])])
    .problems(CHANGE_QUEUE),
    Endpoint::post("/v1/queues/{name}/resume", "queues", "Let the jobs of a queue start again. Idempotent.")
        .needs(Operator)
        .takes(&[QUEUE])
        .answers(&[answer(204, "Its jobs start again.", &[])])
        .problems(CHANGE_QUEUE),
    Endpoint::post(
        "/v1/queues/{name}/limit",
        "queues",
        "Let only so many jobs of a queue run at a time, or any number again. Those that are above it go on to their \
         end. Idempotent.",
    )
    .needs(Operator)
    .takes(&[QUEUE])
    .body(&[Content::Json("QueueLimit")])
    .answers(&[answer(204, "No more of its jobs start than that.", &[])])
    .problems(LIMIT_QUEUE),
    Endpoint::get("/v1/stats", "server", "Counts and rates per state, operation and queue.")
        .needs(Operator)
        .answers(&[answer(200, "The counts.", &[Content::Json("Stats")])])
        .problems(READ),
    Endpoint::get(
        "/v1/history",
        "server",
        "What happened within the last hour, day or week, step by step. It survives restarts.",
    )
    .needs(Operator)
    .takes(&[query("span", Word("Span"), "How much of the past; `hour` if absent.")])
    .answers(&[answer(200, "Every step of it.", &[Content::Json("History")])])
    .problems(&[Code::InvalidParameter, Code::Internal, Code::StoreUnavailable]),
    Endpoint::get(
        "/v1/events",
        "server",
        "Follow what the server counts as server-sent events. Every event is called `stats`, and its data is what \
         `/v1/stats` answers: at once, then whenever something has changed, once a second at most.",
    )
    .needs(Operator)
    .answers(&[answer(200, "The events.", &[Content::Events])])
    .problems(&[Code::Overloaded]),
    Endpoint::get(
        "/v1/settings",
        "server",
        "Every setting in force, and where its value comes from. Secrets are hidden.",
    )
    .needs(Admin)
    .answers(&[answer(200, "The settings.", &[Content::Json("SettingList")])]),
    Endpoint::get("/v1/workers", "server", "Every live worker.")
        .needs(Operator)
        .answers(&[answer(200, "The workers.", &[Content::Json("Workers")])])
        .problems(READ),
    Endpoint::get("/livez", "server", "Whether the process answers.").needs(Open).answers(&[answer(
        200,
        "It does.",
        &[Content::Text("text/plain")],
    )]),
    Endpoint::get("/readyz", "server", "Whether everything that the server needs is there.")
        .needs(Open)
        .answers(&[answer(200, "It is.", &[Content::Json("Readiness")])])
        .problems(&[Code::NotReady]),
    Endpoint::get("/metrics", "server", "Metrics in Prometheus' text format.")
        .needs(Metrics)
        .answers(&[answer(200, "The metrics.", &[Content::Text("text/plain")])]),
    Endpoint::get("/version", "server", "What is running.").needs(Open).answers(&[answer(
        200,
        "Name and version.",
        &[Content::Json("Version")],
    )]),
    Endpoint::get("/openapi.json", "server", "This document.").needs(Open).answers(&[answer(
        200,
        "The document.",
        &[Content::JsonAs(r#"{"type":"object"}"#)],
    )]),
    Endpoint::get("/docs", "server", "This document, to browse and try out.").needs(Open).answers(&[answer(
        200,
        "A page.",
        &[Content::Text("text/html")],
    )]),
    Endpoint::get("/docs/problems", "server", "Every problem code with its meaning and what to do.")
        .needs(Open)
        .answers(&[answer(200, "A page.", &[Content::Text("text/markdown")])]),
    Endpoint::get("/docs/{file}", "server", "A file of that page.")
        .needs(Open)
        .takes(&[path("file", Pattern("^[^/]+$"), "Its name.")])
        .answers(&[answer(200, "The file.", &[Content::Bytes("*/*")])])
        .problems(&[Code::NotFound]),
    Endpoint::get("/ui/{folder}/{file}", "server", "A file of the dashboard, which browsers find at `/`.")
        .needs(Open)
        .takes(&[
            path("folder", Pattern("^[^/]+$"), "Its folder."),
            path("file", Pattern("^[^/]+$"), "Its name."),
        ])
        .answers(&[
            answer(200, "The file.", &[Content::Bytes("*/*")]).with(&[("ETag", "A tag of its content.")]),
            answer(304, "The browser has it.", &[]),
        ])
        .problems(&[Code::NotFound]),
    Endpoint::get("/v1", "server", "Where everything is.").needs(Open).answers(&[answer(
        200,
        "Links.",
        &[Content::Json("Index")],
    )]),
];

const QUEUE: Parameter =
    path("name", Pattern("^[A-Za-z0-9_.:@+-]{1,100}$"), "The queue; unknown names are made.");

const LIMIT_QUEUE: &[Code] = &[
    Code::InvalidParameter,
    Code::InvalidLimit,
    Code::MalformedBody,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::Internal,
    Code::StoreUnavailable,
    Code::DiskFull,
];

const CHANGE_QUEUE: &[Code] =
    &[Code::InvalidParameter, Code::Internal, Code::StoreUnavailable, Code::DiskFull];
