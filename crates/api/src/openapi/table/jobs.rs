//! Jobs and their artifacts.

use super::super::endpoint::{
    Access::{Signed, User},
    Content, Endpoint, Parameter,
    Shape::{Id, Number, Pattern, Text, Time, Whole, Word, Words},
    answer, header, path, query,
};
use super::{ARTIFACT, ARTIFACT_PART};
use crate::problem::Code;

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::post("/v1/jobs", "jobs", "Submit one image and one or more operations. \
        The image comes as a part of multipart/form-data, as the raw body (with `op` and its parameters in the query), \
        or as JSON. `queue`, `priority`, `delay`, `run_at`, `cache` and `name` come in the query, as parts, or as JSON fields.")
        .needs(User)
        .takes(SUBMIT)
        .body(&[
            Content::Form(&[
                ("image", r#"{"type":"string","format":"binary","description":"The image; may also be called `file`."}"#),
                ("operations", r##"{"type":"array","minItems":1,"maxItems":16,"items":{"$ref":"#/components/schemas/Operation"},"description":"What is done to it. May also come as `op` with its parameters in the query."}"##),
            ]),
            Content::Json("JobRequest"),
            Content::Bytes("image/*"),
            Content::Bytes("application/octet-stream"),
        ])
        .answers(&[
            answer(200, "The job has ended within the time that the client waits.", &[Content::Json("Job")]).with(SUBMITTED),
            answer(202, "The job is recorded and survives any crash.", &[Content::Json("Job")]).with(SUBMITTED),
        ])
        .problems(&[
            Code::MalformedBody, Code::InvalidParameter, Code::RequestTimeout, Code::BodyTooLarge,
            Code::UnsupportedMediaType, Code::NotAnImage, Code::UnsupportedImage, Code::InvalidJob,
            Code::MissingImage, Code::DamagedImage, Code::ImageLimit, Code::UnknownBlob, Code::UnknownModel, Code::UrlRefused,
            Code::UrlFailed, Code::IdempotencyConflict, Code::QueueFull, Code::QuotaExceeded, Code::Internal, Code::Overloaded,
            Code::StoreUnavailable, Code::BlobsUnavailable, Code::DiskFull,
        ]),
    Endpoint::get("/v1/jobs", "jobs", "List jobs, newest first unless told otherwise.")
        .needs(User)
        .takes(&[
            query("limit", Whole(1, 1000), "Jobs at most; 50 if absent."),
            query("cursor", Text, "`next_cursor` of the part before. With the other `order` it leads back."),
            query("order", Word("JobOrder"), "Which jobs come first; `newest` if absent."),
            query("state", Words("State"), "Any of these states, separated by commas."),
            query("op", Text, "Jobs with this operation."),
            query("owner", Text, "Jobs of this owner."),
            query("queue", Text, "Jobs of this queue."),
            query("run", Id, "Images of this run."),
            query("origin", Text, "Jobs that came through this surface."),
            query("since", Time, "Submitted at or after."),
            query("until", Time, "Submitted before."),
            query("q", Text, "File names that contain this, ASCII case ignored."),
            query("failure", Words("FailureKind"), "Jobs that have failed, or wait for another attempt, for any of these \
                reasons, separated by commas."),
        ])
        .answers(&[answer(200, "A part of the listing.", &[Content::Json("JobPage")])])
        .problems(&[Code::InvalidParameter, Code::Internal, Code::StoreUnavailable]),
    Endpoint::post("/v1/jobs/bulk", "jobs", "Do the same to many jobs: retry, cancel or delete all that match, or those that \
        are named. A thousand at a time are one transaction, and each job is judged by what it is within that. What the \
        route for one job would refuse is skipped.")
        .needs(User)
        .body(&[Content::Json("BulkRequest")])
        .answers(&[answer(200, "What became of them.", &[Content::Json("BulkDone")])])
        .problems(&[
            Code::MalformedBody, Code::InvalidParameter, Code::RequestTimeout, Code::BodyTooLarge, Code::UnsupportedMediaType,
            Code::InvalidJob, Code::Internal, Code::StoreUnavailable, Code::DiskFull,
        ]),
    Endpoint::get("/v1/jobs/{id}", "jobs", "One job with its attempts, results and links to artifacts.")
        .needs(User)
        .takes(&[JOB])
        .answers(&[answer(200, "The job.", &[Content::Json("Job")])])
        .problems(ONE_JOB),
    Endpoint::delete("/v1/jobs/{id}", "jobs", "Delete a job and every blob that nobody else refers to.")
        .needs(User)
        .takes(&[JOB])
        .answers(&[answer(204, "It is gone.", &[])])
        .problems(&[Code::JobNotFound, Code::JobRunning, Code::JobOfRun, Code::Internal, Code::StoreUnavailable, Code::DiskFull]),
    Endpoint::get("/v1/jobs/{id}/events", "jobs", "Follow a job as server-sent events until it ends. \
        Every event is called `job`, and its data is the job.")
        .needs(User)
        .takes(&[JOB, header("Last-Event-ID", Text, "The id of the last event that the client has seen.")])
        .answers(&[
            answer(200, "The events.", &[Content::Events]),
            answer(204, "The job has ended, and the client has seen it: no need to come back.", &[]),
        ])
        .problems(&[Code::JobNotFound, Code::Internal, Code::Overloaded, Code::StoreUnavailable]),
    Endpoint::post("/v1/jobs/{id}/cancel", "jobs", "Cancel a job: at once while it waits, as soon as its worker notices \
        while it runs. Idempotent.")
        .needs(User)
        .takes(&[JOB])
        .answers(&[answer(200, "The job as it stands now.", &[Content::Json("Job")])])
        .problems(CHANGE_JOB),
    Endpoint::post("/v1/jobs/{id}/retry", "jobs", "Queue a failed, cancelled or scheduled job at once, with a fresh \
        budget of attempts. Idempotent.")
        .needs(User)
        .takes(&[JOB])
        .answers(&[answer(200, "The job as it stands now.", &[Content::Json("Job")])])
        .problems(&[Code::JobNotFound, Code::JobSucceeded, Code::Internal, Code::StoreUnavailable, Code::DiskFull]),
    Endpoint::get("/v1/jobs/{id}/preview", "jobs", "The image of a job as a small picture: JPEG, or PNG where it may be \
        transparent. It is made anew for whoever asks and never larger than the image.")
        .needs(User)
        .takes(&[
            JOB,
            query("size", Whole(16, 1024), "The side of the box that it fits, in pixels; 160 if absent."),
            header("If-None-Match", Text, "The picture is wanted only if none of these is the ETag."),
        ])
        .answers(&[
            answer(200, "The picture.", &[Content::Bytes("image/jpeg"), Content::Bytes("image/png")]).with(PREVIEW),
            answer(304, "The client has it already.", &[]).with(PREVIEW),
        ])
        .problems(&[
            Code::InvalidParameter, Code::JobNotFound, Code::ArtifactNotFound, Code::NotAnImage, Code::UnsupportedImage,
            Code::DamagedImage, Code::ImageLimit, Code::Internal, Code::Overloaded, Code::StoreUnavailable,
            Code::BlobsUnavailable,
        ]),
    Endpoint::get("/v1/jobs/{id}/artifacts/{name}", "artifacts", "Download what a job has produced, or its input as \
        `original`.")
        .needs(Signed)
        .takes(&[
            JOB,
            path("name", Pattern("^[^/]+$"), "The artifact's name, or `original`."),
            query("expires", Text, "Of a signed address: until when it works, in seconds since 1970."),
            query("signature", Text, "Of a signed address."),
            query("download", Word("Flag"), "Whether a browser is to save it rather than show it."),
            header("Range", Text, "One range of bytes."),
            header("If-Range", Text, "The range is wanted only if this is still the ETag."),
            header("If-None-Match", Text, "The bytes are wanted only if none of these is the ETag."),
        ])
        .answers(&[
            answer(200, "The bytes.", &[Content::Bytes("*/*")]).with(ARTIFACT),
            answer(206, "The range of bytes.", &[Content::Bytes("*/*")]).with(ARTIFACT_PART),
            answer(304, "The client has them already.", &[]).with(&[("ETag", "Their content address.")]),
        ])
        .problems(&[
            Code::InvalidParameter, Code::SignatureInvalid, Code::SignatureExpired, Code::JobNotFound, Code::ArtifactNotFound,
            Code::RangeNotSatisfiable, Code::Internal, Code::StoreUnavailable, Code::BlobsUnavailable,
        ]),
    Endpoint::post("/v1/artifacts/sign", "artifacts", "Make a temporary address of an artifact that works without \
        credentials.")
        .needs(User)
        .body(&[Content::Json("SignRequest")])
        .answers(&[answer(200, "The address.", &[Content::Json("Signed")])])
        .problems(&[
            Code::MalformedBody, Code::JobNotFound, Code::ArtifactNotFound, Code::RequestTimeout, Code::BodyTooLarge,
            Code::UnsupportedMediaType, Code::InvalidJob, Code::Internal, Code::StoreUnavailable,
        ]),
];

const JOB: Parameter = path("id", Id, "The job.");

const SUBMIT: &[Parameter] = &[
    query("op", Word("OperationName"), "One operation, whose parameters are those of the query that follow."),
    query("artifact", Text, "What to call the result: the `name` of the operation."),
    query("wait", Number(0.0, 3600.0), "Seconds to wait for the job to end; the server may wait less."),
    query("queue", Pattern("^[A-Za-z0-9_.:@/+-]{1,100}$"), "The queue to wait in."),
    query("priority", Whole(-128, 127), "Higher is taken first among the jobs of one owner."),
    query("delay", Number(0.0, 31_536_000.0), "Seconds before the job may start."),
    query("run_at", Time, "The instant before which the job does not start."),
    query(
        "cache",
        Word("Truth"),
        "Whether results may be remembered ones, and are remembered; `true` if absent.",
    ),
    query("name", Text, "What to call the image."),
    header("Prefer", Text, "`wait=SECONDS` (RFC 7240)."),
    header(
        "Idempotency-Key",
        Pattern("^[\\x21-\\x7e]{1,255}$"),
        "Makes a repeated submission give the first one's job.",
    ),
];

const SUBMITTED: &[(&str, &str)] =
    &[("Location", "Where the job is."), ("Preference-Applied", "`wait=SECONDS`, if the server has waited.")];

const PREVIEW: &[(&str, &str)] = &[
    ("ETag", "Changes with the image, the size, and the program that made it."),
    ("Cache-Control", "How long the one who asked may keep it."),
];

const ONE_JOB: &[Code] = &[Code::JobNotFound, Code::Internal, Code::StoreUnavailable];

const CHANGE_JOB: &[Code] = &[Code::JobNotFound, Code::Internal, Code::StoreUnavailable, Code::DiskFull];
