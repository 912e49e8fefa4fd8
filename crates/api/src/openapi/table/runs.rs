//! Runs.

use super::super::endpoint::{
    Access::User,
    Content, Endpoint, Parameter,
    Shape::{Id, Pattern, Text, Whole, Words},
    answer, header, path, query,
};
use crate::problem::Code;

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::post("/v1/runs", "runs", "Work through a dataset: a folder of the server, an archive, a list of addresses, \
        or images that are stored already. An archive may be sent along, as the part after the run. Images flow in while the source is still read, and a run that is interrupted goes on where it was.")
        .needs(User)
        .takes(&[header("Idempotency-Key", Pattern("^[\\x21-\\x7e]{1,255}$"), "Makes a repeated request give the first one's run, until \
            that is deleted.")])
        .body(&[
            Content::Json("RunRequest"),
            Content::Form(&[
                ("archive", r#"{"type":"string","format":"binary","description":"The archive: tar, tar.gz, tar.zst or zip. Comes after `run`."}"#),
                ("run", r##"{"$ref":"#/components/schemas/RunRequest"}"##),
            ]),
        ])
        .answers(&[
            answer(200, "The same request came before under this key: the run that it made.", &[Content::Json("Run")]).with(PLACE),
            answer(201, "The run is recorded and survives any crash.", &[Content::Json("Run")]).with(PLACE),
        ])
        .problems(&[
            Code::MalformedBody, Code::InvalidParameter, Code::RequestTimeout, Code::BodyTooLarge, Code::UnsupportedMediaType,
            Code::InvalidRun, Code::SourceRefused, Code::UnknownModel, Code::IdempotencyConflict, Code::QuotaExceeded,
            Code::Internal, Code::Overloaded, Code::StoreUnavailable, Code::BlobsUnavailable, Code::DiskFull,
        ]),
    Endpoint::get("/v1/runs", "runs", "List runs, newest first.")
        .needs(User)
        .takes(&[
            query("limit", Whole(1, 1000), "Runs at most; 50 if absent."),
            query("cursor", Text, "`next_cursor` of the part before."),
            query("state", Words("RunState"), "Any of these states, separated by commas."),
            query("owner", Text, "Runs of this owner."),
            query("idempotency_key", Text, "The caller's run that was asked for under this key."),
        ])
        .answers(&[answer(200, "A part of the listing.", &[Content::Json("RunPage")])])
        .problems(&[Code::InvalidParameter, Code::Internal, Code::StoreUnavailable]),
    Endpoint::get("/v1/runs/{id}", "runs", "One run: state, counts, rate, time left, failures by reason.")
        .needs(User)
        .takes(&[RUN])
        .answers(&[answer(200, "The run.", &[Content::Json("Run")])])
        .problems(ONE_RUN),
    Endpoint::delete("/v1/runs/{id}", "runs", "Delete a run with its images and results. It is gone at once; what it \
        held is removed within the next minutes.")
        .needs(User)
        .takes(&[RUN])
        .answers(&[answer(204, "It is gone.", &[])])
        .problems(CHANGE_RUN),
    Endpoint::get("/v1/runs/{id}/events", "runs", "Follow a run as server-sent events until it ends. Every event is \
        called `run`, and its data is the run.")
        .needs(User)
        .takes(&[RUN])
        .answers(&[answer(200, "The events.", &[Content::Events])])
        .problems(&[Code::RunNotFound, Code::Internal, Code::Overloaded, Code::StoreUnavailable]),
    Endpoint::get("/v1/runs/{id}/results", "runs", "Every image with what came of it, streamed: JSON lines with all of it, or a table with a column for what is alike.")
        .needs(User)
        .takes(&[RUN, query("format", Pattern("^(jsonl|csv|parquet)$"), "`jsonl` if absent, `csv` or `parquet`.")])
        .answers(&[answer(200, "In the order of the source. Each JSON line is a `RunItem`.", &[
            Content::Text("application/jsonl"), Content::Text("text/csv"), Content::Bytes("application/vnd.apache.parquet"),
        ])])
        .problems(&[Code::InvalidParameter, Code::RunNotFound, Code::Internal, Code::Overloaded, Code::StoreUnavailable]),
    Endpoint::get("/v1/runs/{id}/aggregate", "runs", "What the run has gathered so far: exact, whatever the order and \
        the number of workers.")
        .needs(User)
        .takes(&[
            RUN,
            query("format", Pattern("^(json|npy)$"), "`json`, or one mean as `npy`."),
            query("which", Whole(0, 3), "Of several aggregates, for `npy`: its place; 0 if absent."),
        ])
        .answers(&[answer(200, "The aggregates.", &[Content::Json("RunAggregates"), Content::Bytes("application/octet-stream")])])
        .problems(&[Code::InvalidParameter, Code::RunNotFound, Code::Internal, Code::StoreUnavailable]),
    Endpoint::get("/v1/runs/{id}/groups", "runs", "The groups of one aggregate, by name: folders with their exact means, \
        labels with their counts.")
        .needs(User)
        .takes(&[
            RUN,
            query("which", Whole(0, 3), "Of several aggregates: its place; the first one that has groups if absent."),
            query("limit", Whole(1, 1000), "Groups at most; 100 if absent."),
            query("cursor", Text, "`next_cursor` of the part before."),
        ])
        .answers(&[answer(200, "A part of the groups.", &[Content::Json("RunGroups")])])
        .problems(&[Code::InvalidParameter, Code::RunNotFound, Code::Internal, Code::StoreUnavailable]),
    Endpoint::get("/v1/runs/{id}/embeddings", "runs", "The embeddings of all faces as one matrix in NumPy's format: a row \
        of 128 numbers in single precision for each face, images in the order of the results, faces of an image the best \
        first. They are counted before the first byte is sent.")
        .needs(User)
        .takes(&[
            RUN,
            query("format", Pattern("^(npy|jsonl)$"), "`npy` if absent; `jsonl` says of each row whose it is."),
        ])
        .answers(&[answer(200, "The matrix, or whose its rows are.", &[
            Content::Bytes("application/octet-stream"), Content::Text("application/jsonl"),
        ]).with(FILE)])
        .problems(&[Code::InvalidParameter, Code::RunNotFound, Code::Internal, Code::Overloaded, Code::StoreUnavailable]),
    Endpoint::get("/v1/runs/{id}/report", "runs", "The run as one page that needs nothing else: figures, charts, some of \
        its images, and what failed. To be kept, sent or printed.")
        .needs(User)
        .takes(&[RUN])
        .answers(&[answer(200, "The page.", &[Content::Text("text/html")]).with(FILE)])
        .problems(&[Code::RunNotFound, Code::Internal, Code::Overloaded, Code::StoreUnavailable]),
    Endpoint::post("/v1/runs/{id}/pause", "runs", "Hold the images of a run; running ones finish. Idempotent.")
        .needs(User)
        .takes(&[RUN])
        .answers(&[answer(200, "The run as it stands now.", &[Content::Json("Run")])])
        .problems(CHANGE_RUN),
    Endpoint::post("/v1/runs/{id}/resume", "runs", "Go on with a paused run. Idempotent.")
        .needs(User)
        .takes(&[RUN])
        .answers(&[answer(200, "The run as it stands now.", &[Content::Json("Run")])])
        .problems(CHANGE_RUN),
    Endpoint::post("/v1/runs/{id}/cancel", "runs", "Cancel a run with everything that waits. Idempotent.")
        .needs(User)
        .takes(&[RUN])
        .answers(&[answer(200, "The run as it stands now.", &[Content::Json("Run")])])
        .problems(CHANGE_RUN),
    Endpoint::post("/v1/runs/{id}/retry-failed", "runs", "Queue every image that has failed, with a fresh budget of \
        attempts; a run that had stopped goes on.")
        .needs(User)
        .takes(&[RUN])
        .answers(&[answer(200, "The run as it stands now.", &[Content::Json("Run")])])
        .problems(CHANGE_RUN),
    Endpoint::post("/v1/runs/{id}/redo", "runs", "Queue every image that has ended once more: what it gave is taken back, \
        and its results with it. Results that other jobs remember are not worked out again, unless the run was made with \
        `cache: false`.")
        .needs(User)
        .takes(&[RUN])
        .answers(&[answer(200, "The run as it stands now.", &[Content::Json("Run")])])
        .problems(CHANGE_RUN),
];

const FILE: &[(&str, &str)] = &[("Content-Disposition", "The file name.")];

const PLACE: &[(&str, &str)] = &[("Location", "Where the run is.")];

const RUN: Parameter = path("id", Id, "The run.");

const ONE_RUN: &[Code] = &[Code::RunNotFound, Code::Internal, Code::StoreUnavailable];

const CHANGE_RUN: &[Code] =
    &[Code::RunNotFound, Code::RunState, Code::Internal, Code::StoreUnavailable, Code::DiskFull];
