//! Every endpoint, in reading order.

use super::endpoint::{
    Access::{Admin, Metrics, Open, Operator, Signed, SignedIn, User},
    Answer, Content, Endpoint, Parameter,
    Shape::{Id, Number, Pattern, Text, Time, Whole, Word, Words},
    answer, header, path, query,
};
use crate::{problem::Code, v2};

/// The endpoints of this server.
pub const ENDPOINTS: &[Endpoint] = &[
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
    Endpoint::get("/v1/jobs", "jobs", "List jobs, newest first.")
        .needs(User)
        .takes(&[
            query("limit", Whole(1, 1000), "Jobs at most; 50 if absent."),
            query("cursor", Text, "`next_cursor` of the part before."),
            query("state", Words("State"), "Any of these states, separated by commas."),
            query("op", Text, "Jobs with this operation."),
            query("owner", Text, "Jobs of this owner."),
            query("queue", Text, "Jobs of this queue."),
            query("run", Id, "Images of this run."),
            query("origin", Text, "Jobs that came through this surface."),
            query("since", Time, "Submitted at or after."),
            query("until", Time, "Submitted before."),
            query("q", Text, "File names that contain this, ASCII case ignored."),
        ])
        .answers(&[answer(200, "A part of the listing.", &[Content::Json("JobPage")])])
        .problems(&[Code::InvalidParameter, Code::Internal, Code::StoreUnavailable]),
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
    Endpoint::post("/v1/faces/compare", "faces", "Say whether two images show one person. \
        Of each image the largest face counts. The images come as parts of multipart/form-data or as JSON. Neither they nor their embeddings are kept; each is an entry of the inference log.")
        .needs(User)
        .body(&[
            Content::Form(&[
                ("first", r#"{"type":"string","format":"binary","description":"One image."}"#),
                ("second", r#"{"type":"string","format":"binary","description":"The other image."}"#),
                ("threshold", r#"{"type":"number","minimum":-1,"maximum":1,"description":"From which cosine on the verdict is `same`; 0.363 if absent."}"#),
            ]),
            Content::Json("CompareRequest"),
        ])
        .answers(&[answer(200, "The verdict, with the cosine that it follows from.", &[Content::Json("Comparison")])])
        .problems(&[
            Code::MalformedBody, Code::RequestTimeout, Code::BodyTooLarge, Code::UnsupportedMediaType, Code::NotAnImage,
            Code::UnsupportedImage, Code::InvalidJob, Code::MissingImage, Code::DamagedImage, Code::ImageLimit,
            Code::UnknownBlob, Code::UnknownModel, Code::NoFace, Code::UrlRefused, Code::UrlFailed, Code::QuotaExceeded,
            Code::Internal, Code::Overloaded, Code::StoreUnavailable, Code::BlobsUnavailable, Code::ModelUnavailable,
            Code::DiskFull,
        ]),
    Endpoint::post("/v1/runs", "runs", "Work through a dataset: a folder of the server, an archive, a list of addresses. \
        Images flow in while the source is still read, and a run that is interrupted goes on where it was.")
        .needs(User)
        .body(&[Content::Json("RunRequest")])
        .answers(&[answer(201, "The run is recorded and survives any crash.", &[Content::Json("Run")])
            .with(&[("Location", "Where the run is.")])])
        .problems(&[
            Code::MalformedBody, Code::InvalidParameter, Code::RequestTimeout, Code::BodyTooLarge, Code::UnsupportedMediaType,
            Code::InvalidRun, Code::SourceRefused, Code::UnknownModel, Code::QuotaExceeded, Code::Internal,
            Code::StoreUnavailable, Code::DiskFull,
        ]),
    Endpoint::get("/v1/runs", "runs", "List runs, newest first.")
        .needs(User)
        .takes(&[
            query("limit", Whole(1, 1000), "Runs at most; 50 if absent."),
            query("cursor", Text, "`next_cursor` of the part before."),
            query("state", Words("RunState"), "Any of these states, separated by commas."),
            query("owner", Text, "Runs of this owner."),
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
    Endpoint::get("/v1/operations", "operations", "Every operation with the JSON Schema of its parameters.")
        .needs(User)
        .answers(&[answer(200, "The operations.", &[Content::Json("Operations")])]),
    Endpoint::get("/v1/queues", "queues", "Every queue with its counts.")
        .needs(Operator)
        .answers(&[answer(200, "The queues.", &[Content::Json("Queues")])])
        .problems(READ),
    Endpoint::post("/v1/queues/{name}/pause", "queues", "Hold the jobs of a queue; running ones finish. Idempotent.")
        .needs(Operator)
        .takes(&[QUEUE])
        .answers(&[answer(204, "No job of it starts any more.", &[])])
        .problems(CHANGE_QUEUE),
    Endpoint::post("/v1/queues/{name}/resume", "queues", "Let the jobs of a queue start again. Idempotent.")
        .needs(Operator)
        .takes(&[QUEUE])
        .answers(&[answer(204, "Its jobs start again.", &[])])
        .problems(CHANGE_QUEUE),
    Endpoint::get("/v1/stats", "server", "Counts and rates per state, operation and queue.")
        .needs(Operator)
        .answers(&[answer(200, "The counts.", &[Content::Json("Stats")])])
        .problems(READ),
    Endpoint::get("/v1/models", "server", "Every model: version, digest, licence, and whether it can be asked.")
        .needs(User)
        .answers(&[answer(200, "The models.", &[Content::Json("ModelsList")])])
        .problems(&[]),
    Endpoint::get("/v1/predictions", "predictions", "What models were asked and what came of it, newest first. Users \
        see their own; operators see everybody's. It may lag behind by the time that entries wait to be written \
        together.")
        .needs(User)
        .takes(&[
            LOG[0], LOG[1], LOG[2], LOG[3], LOG[4], LOG[5], LOG[6], LOG[7],
            query("limit", Whole(1, 1000), "Entries at most; 100 if absent."),
            query("cursor", Text, "From `next_cursor` of the part before."),
        ])
        .answers(&[answer(200, "The entries.", &[Content::Json("PredictionPage")])])
        .problems(&[Code::InvalidParameter, Code::Internal, Code::StoreUnavailable]),
    Endpoint::get("/v1/predictions/export", "predictions", "The same as a file, whole: a line of JSON an entry, or \
        comma-separated values in which text that a table program would take for a formula has an apostrophe in front \
        of it.")
        .needs(User)
        .takes(&[
            LOG[0], LOG[1], LOG[2], LOG[3], LOG[4], LOG[5], LOG[6], LOG[7],
            query("format", Word("PredictionFormat"), "`jsonl` if absent."),
        ])
        .answers(&[
            answer(200, "The entries.", &[Content::Text("application/x-ndjson"), Content::Text("text/csv")])
                .with(&[("Content-Disposition", "The file name.")]),
        ])
        .problems(&[Code::InvalidParameter, Code::Internal, Code::Overloaded, Code::StoreUnavailable]),
    Endpoint::get("/v1/workers", "server", "Every live worker.")
        .needs(Operator)
        .answers(&[answer(200, "The workers.", &[Content::Json("Workers")])])
        .problems(READ),
    Endpoint::post("/token", "users", "Sign in with name and password (OAuth2, RFC 6749, 4.3). \
        The token goes into `Authorization: Bearer …` of every other request until it expires.")
        .needs(Open)
        .body(&[Content::Fields(r#"{"type":"object","required":["username","password"],"properties":{"grant_type":{"type":"string","const":"password"},"username":{"type":"string"},"password":{"type":"string","format":"password"},"scope":{"type":"string"},"client_id":{"type":"string"},"client_secret":{"type":"string"}}}"#)])
        .answers(&[
            answer(200, "Signed in.", &[Content::Json("TokenAnswer")]),
            answer(401, "Unknown name or wrong password, without saying which.", &[DETAIL]),
            answer(422, "A field is missing.", &[VALIDATION]),
        ])
        .problems(&[
            Code::MalformedBody, Code::RequestTimeout, Code::BodyTooLarge, Code::RateLimited, Code::Internal,
            Code::Overloaded, Code::StoreUnavailable,
        ]),
    Endpoint::post("/v1/tokens/revoke", "users", "Sign out: the token that this request comes with opens nothing any more.")
        .needs(SignedIn)
        .answers(&[answer(204, "It is over.", &[])])
        .problems(&[Code::InvalidAccount, Code::Overloaded, Code::DiskFull]),
    Endpoint::get("/v1/me", "users", "Who is asking.")
        .needs(User)
        .answers(&[answer(200, "The caller.", &[Content::Json("Me")])]),
    Endpoint::post("/v1/me/password", "users", "Choose a new password. Ends every token of the caller.")
        .needs(SignedIn)
        .body(&[Content::Json("PasswordChange")])
        .answers(&[answer(204, "It is the new one from now on.", &[])])
        .problems(CHANGE_USER),
    Endpoint::get("/v1/users", "users", "Every user.")
        .needs(Admin)
        .answers(&[answer(200, "The users.", &[Content::Json("UserList")])])
        .problems(READ),
    Endpoint::post("/v1/users", "users", "Make a user.")
        .needs(Admin)
        .body(&[Content::Json("NewUser")])
        .answers(&[answer(201, "The user.", &[Content::Json("UserInfo")])])
        .problems(CHANGE_USER),
    Endpoint::post("/v1/users/{name}", "users", "Change a user: role, password, whether they are disabled.")
        .needs(Admin)
        .takes(&[USER])
        .body(&[Content::Json("UserPatch")])
        .answers(&[answer(200, "The user as they are now.", &[Content::Json("UserInfo")])])
        .problems(CHANGE_USER),
    Endpoint::delete("/v1/users/{name}", "users", "Remove a user with every key. Their jobs stay.")
        .needs(Admin)
        .takes(&[USER])
        .answers(&[answer(204, "They are gone.", &[])])
        .problems(&[Code::UserNotFound, Code::LastAdmin, Code::Internal, Code::StoreUnavailable, Code::DiskFull]),
    Endpoint::get("/v1/keys", "users", "The caller's keys, or those of another user for administrators.")
        .needs(SignedIn)
        .takes(&[query("user", Text, "Whose; `*` is everybody's.")])
        .answers(&[answer(200, "The keys, newest first.", &[Content::Json("KeyList")])])
        .problems(&[Code::InvalidParameter, Code::Forbidden, Code::UserNotFound]),
    Endpoint::post("/v1/keys", "users", "Make a key for a program. It is shown once.")
        .needs(SignedIn)
        .body(&[Content::Json("NewKey")])
        .answers(&[answer(201, "The key.", &[Content::Json("CreatedKey")])])
        .problems(CHANGE_USER),
    Endpoint::delete("/v1/keys/{id}", "users", "Revoke a key. Idempotent.")
        .needs(SignedIn)
        .takes(&[path("id", Id, "The key.")])
        .answers(&[answer(204, "It opens nothing any more.", &[])])
        .problems(&[Code::KeyNotFound, Code::DiskFull]),
    Endpoint::get("/livez", "server", "Whether the process answers.")
        .needs(Open)
        .answers(&[answer(200, "It does.", &[Content::Text("text/plain")])]),
    Endpoint::get("/readyz", "server", "Whether everything that the server needs is there.")
        .needs(Open)
        .answers(&[answer(200, "It is.", &[Content::Json("Readiness")])])
        .problems(&[Code::NotReady]),
    Endpoint::get("/metrics", "server", "Metrics in Prometheus' text format.")
        .needs(Metrics)
        .answers(&[answer(200, "The metrics.", &[Content::Text("text/plain")])]),
    Endpoint::get("/version", "server", "What is running.")
        .needs(Open)
        .answers(&[answer(200, "Name and version.", &[Content::Json("Version")])]),
    Endpoint::get("/openapi.json", "server", "This document.")
        .needs(Open)
        .answers(&[answer(200, "The document.", &[Content::JsonAs(r#"{"type":"object"}"#)])]),
    Endpoint::get("/docs", "server", "This document, to browse and try out.")
        .needs(Open)
        .answers(&[answer(200, "A page.", &[Content::Text("text/html")])]),
    Endpoint::get("/docs/problems", "server", "Every problem code with its meaning and what to do.")
        .needs(Open)
        .answers(&[answer(200, "A page.", &[Content::Text("text/markdown")])]),
    Endpoint::get("/docs/{file}", "server", "A file of that page.")
        .needs(Open)
        .takes(&[path("file", Pattern("^[^/]+$"), "Its name.")])
        .answers(&[answer(200, "The file.", &[Content::Bytes("*/*")])])
        .problems(&[Code::NotFound]),
    Endpoint::get("/v1", "server", "Where everything is.")
        .needs(Open)
        .answers(&[answer(200, "Links.", &[Content::Json("Index")])]),
    Endpoint::get("/v2", v2::GROUP, "What this server is, and which extensions of the protocol it knows.")
        .needs(Open)
        .answers(&[answer(200, "Name, version, extensions.", &[Content::Json("V2Server")])]),
    Endpoint::get("/v2/health/live", v2::GROUP, "Whether the process answers.")
        .needs(Open)
        .answers(&[answer(200, "It does.", &[Content::Json("V2Live")])]),
    Endpoint::get("/v2/health/ready", v2::GROUP, "Whether everything that the server needs is there.")
        .needs(Open)
        .answers(&[answer(200, "It is.", &[Content::Json("V2Ready")])])
        .problems(&[Code::NotReady]),
    Endpoint::post("/v2/repository/index", v2::GROUP, "Every model at every version, and whether it can be asked.")
        .needs(User)
        .answers(&[answer(200, "The models.", &[Content::JsonAs(r##"{"type":"array","items":{"$ref":"#/components/schemas/V2IndexEntry"}}"##)])])
        .problems(&[]),
    Endpoint::get("/v2/models/{model}", v2::GROUP, "What a model takes and gives, at its highest version. \
        Loads the model.")
        .needs(User)
        .takes(&[MODEL])
        .answers(&[answer(200, "Its tensors.", &[Content::Json("V2Model")])])
        .problems(ASK_MODEL),
    Endpoint::get("/v2/models/{model}/versions/{version}", v2::GROUP, "What one version of a model takes and gives. \
        Loads the model.")
        .needs(User)
        .takes(&[MODEL, VERSION])
        .answers(&[answer(200, "Its tensors.", &[Content::Json("V2Model")])])
        .problems(ASK_MODEL),
    Endpoint::get("/v2/models/{model}/ready", v2::GROUP, "Whether a model can be asked. Loads it, so that it can.")
        .needs(User)
        .takes(&[MODEL])
        .answers(&[answer(200, "It can.", &[Content::Json("V2Ready")])])
        .problems(ASK_MODEL),
    Endpoint::get("/v2/models/{model}/versions/{version}/ready", v2::GROUP, "Whether one version of a model can be \
        asked. Loads it, so that it can.")
        .needs(User)
        .takes(&[MODEL, VERSION])
        .answers(&[answer(200, "It can.", &[Content::Json("V2Ready")])])
        .problems(ASK_MODEL),
    Endpoint::get("/v2/models/{model}/config", v2::GROUP, "A model's configuration in Triton's words. Loads the model.")
        .needs(User)
        .takes(&[MODEL])
        .answers(&[answer(200, "The configuration.", &[Content::Json("V2Config")])])
        .problems(ASK_MODEL),
    Endpoint::get("/v2/models/{model}/versions/{version}/config", v2::GROUP, "The configuration of one version of a \
        model in Triton's words. Loads the model.")
        .needs(User)
        .takes(&[MODEL, VERSION])
        .answers(&[answer(200, "The configuration.", &[Content::Json("V2Config")])])
        .problems(ASK_MODEL),
    Endpoint::post("/v2/models/{model}/infer", v2::GROUP, INFER)
        .needs(User)
        .takes(&[MODEL, JSON_LENGTH])
        .body(QUESTION)
        .answers(ANSWER)
        .problems(INFER_PROBLEMS),
    Endpoint::post("/v2/models/{model}/versions/{version}/infer", v2::GROUP, INFER)
        .needs(User)
        .takes(&[MODEL, VERSION, JSON_LENGTH])
        .body(QUESTION)
        .answers(ANSWER)
        .problems(INFER_PROBLEMS),
    Endpoint::get("/heartbeat", "classic: resize service", "Whether the resize service answers.")
        .needs(Open)
        .answers(&[answer(200, "It does.", &[RESULT])]),
    Endpoint::post("/uploadFile", "classic: resize service", "Have an image brought inside 500 × 500.")
        .needs(User)
        .body(&[FILE])
        .answers(&[
            answer(200, "Taken.", &[RESULT_WITH_ID]),
            answer(400, "There is no file, or it is empty.", &[RESULT]),
            answer(415, "The file is not called png, jpg or jpeg.", &[RESULT]),
            answer(500, "It could not be queued.", &[RESULT]),
        ])
        .problems(&[Code::RequestTimeout, Code::BodyTooLarge, Code::QuotaExceeded, Code::Overloaded]),
    Endpoint::get("/queryFileStatus/{file_id}", "classic: resize service", "Where a file stands.")
        .needs(User)
        .takes(&[path("file_id", Pattern("^[^/]+$"), "What the upload answered: 20 digits.")])
        .answers(&[
            answer(200, "STAGING STAGE, PROCESSING STAGE, COMPLETION STAGE, or FAILED STAGE with a reason.", &[RESULT_WITH_ID]),
            answer(400, "No such file.", &[RESULT_WITH_ID]),
        ])
        .problems(READ),
    Endpoint::get("/health", "classic: thumbnail service", "Whether the thumbnail service answers.")
        .needs(Open)
        .answers(&[answer(200, "It does.", &[Content::JsonAs(r#"{"type":"string"}"#)])]),
    Endpoint::post("/upload/", "classic: thumbnail service", "Have a 100 × 100 thumbnail made.")
        .needs(User)
        .body(&[FILE])
        .answers(&[
            answer(200, "Taken.", &[Content::JsonAs(r#"{"type":"object","required":["message","job_id"],"properties":{"message":{"type":"string"},"job_id":{"type":"string","format":"uuid"}}}"#)]),
            answer(400, "The file is not called png, jpg, jpeg or gif.", &[DETAIL]),
            answer(422, "There is no file.", &[VALIDATION]),
        ])
        .problems(&[
            Code::RequestTimeout, Code::BodyTooLarge, Code::QueueFull, Code::QuotaExceeded, Code::Internal,
            Code::Overloaded, Code::StoreUnavailable, Code::BlobsUnavailable, Code::DiskFull,
        ]),
    Endpoint::get("/job/status/{id}", "classic: thumbnail service", "Where a job stands.")
        .needs(User)
        .takes(&[path("id", Pattern("^[^/]+$"), "What the upload answered.")])
        .answers(&[
            answer(200, "pending, processing, succeeded or failed.", &[Content::JsonAs(r#"{"type":"object","required":["job_id","status"],"properties":{"job_id":{"type":"string","format":"uuid"},"status":{"enum":["pending","processing","succeeded","failed"]}}}"#)]),
            answer(404, "No such job.", &[DETAIL]),
        ])
        .problems(READ),
    Endpoint::get("/job/all", "classic: thumbnail service", "The jobs of the thumbnail service, newest first. \
        The Link header leads to the next part.")
        .needs(User)
        .takes(&[
            query("limit", Whole(1, 1000), "Jobs at most; 1000 if absent."),
            query("cursor", Text, "From the Link header of the part before."),
        ])
        .answers(&[
            answer(200, "The jobs.", &[Content::JsonAs(r#"{"type":"array","items":{"type":"object","required":["job_id","filename"],"properties":{"job_id":{"type":"string","format":"uuid"},"filename":{"type":"string"}}}}"#)])
                .with(&[("Link", "The next part, unless this is the last.")]),
        ])
        .problems(&[Code::InvalidParameter, Code::Internal, Code::StoreUnavailable]),
    Endpoint::get("/thumb/{name}", "classic: thumbnail service", "The thumbnail of the newest upload of this name.")
        .needs(User)
        .takes(&[path("name", Pattern("^[^/]+$"), "`thumb_` and the uploaded file's name.")])
        .answers(&[
            answer(200, "The image.", &[Content::Bytes("image/*")]).with(ARTIFACT),
            answer(206, "A part of it.", &[Content::Bytes("image/*")]).with(ARTIFACT_PART),
            answer(304, "The client has it already.", &[]),
            answer(404, "No such thumbnail.", &[Content::JsonAs(r#"{"type":"object","required":["error"],"properties":{"error":{"type":"string"}}}"#)]),
        ])
        .problems(&[Code::RangeNotSatisfiable, Code::Internal, Code::StoreUnavailable, Code::BlobsUnavailable]),
    Endpoint::post("/mnist/", "classic: digit service", "Read the handwritten digit in a picture.")
        .needs(User)
        .body(&[Content::JsonAs(r#"{"type":"object","required":["base64"],"properties":{"base64":{"type":"string","description":"The picture, with or without a data-URI prefix."}}}"#)])
        .answers(&[
            answer(200, "The digit, its score, and the scores of all ten.", &[DIGIT]),
            answer(400, "Not base64, or not an image.", &[DETAIL]),
            answer(413, "Too large.", &[DETAIL]),
            answer(422, "The body does not fit, or the image exceeds a limit.", &[DETAIL_OR_VALIDATION]),
        ])
        .problems(&[Code::RequestTimeout, Code::Internal, Code::Overloaded, Code::ModelUnavailable]),
    Endpoint::get("/", "classic: classifier", "A greeting; browsers are led to the documentation.")
        .needs(Open)
        .answers(&[
            answer(200, "The greeting.", &[Content::JsonAs(r#"{"type":"object","required":["message"],"properties":{"message":{"type":"string"}}}"#)]),
            answer(307, "Where a browser finds more.", &[]).with(&[("Location", "The documentation.")]),
        ]),
    Endpoint::post("/predict", "classic: classifier", "Name what is in a picture.")
        .needs(SignedIn)
        .body(&[FILE])
        .answers(&[
            answer(200, "The label, with its score in percent.", &[PREDICTED]),
            answer(406, "Not an image, or not one that can be looked at.", &[DETAIL]),
            answer(422, "There is no file.", &[VALIDATION]),
        ])
        .problems(&[
            Code::MalformedBody, Code::RequestTimeout, Code::BodyTooLarge, Code::Internal, Code::Overloaded,
            Code::ModelUnavailable,
        ]),
    Endpoint::get("/run", "classic: average face", "Have the mean of the faces in an archive of photos calculated.")
        .needs(User)
        .takes(&[
            query("url", Text, "Where the archive is: tar, tar.gz, tar.zst or zip. Needed."),
            query("md5sum", Pattern("^[0-9A-Fa-f]{32}$"), "What its bytes must sum up to; nothing is worked on before they do."),
        ])
        .answers(&[
            answer(200, "`Process ID: ` and the id of the run.", &[Content::Text("text/plain")]),
            answer(400, "There is no address, or the checksum is none.", &[Content::Text("text/plain")]),
            answer(403, "A page of another site asks.", &[Content::Text("text/plain")]),
            answer(422, "The address is not to be fetched from.", &[Content::Text("text/plain")]),
        ])
        .problems(&[Code::QuotaExceeded, Code::Internal, Code::StoreUnavailable, Code::DiskFull, Code::ModelUnavailable]),
    Endpoint::get("/status/{id}", "classic: average face", "The log of a run that `/run` has begun.")
        .needs(User)
        .takes(&[path("id", Pattern("^[^/]+$"), "What `/run` answered.")])
        .answers(&[
            answer(200, "The lines so far, the last ones with the mean.", &[Content::Text("text/plain")]),
            answer(404, "No such process.", &[Content::Text("text/plain")]),
        ])
        .problems(READ),
];

const RUN: Parameter = path("id", Id, "The run.");
const JOB: Parameter = path("id", Id, "The job.");
const USER: Parameter = path("name", Pattern("^[A-Za-z0-9_.@+-]{1,64}$"), "The user.");
const QUEUE: Parameter =
    path("name", Pattern("^[A-Za-z0-9_.:@+-]{1,100}$"), "The queue; unknown names are made.");

const MODEL: Parameter = path("model", Pattern("^[^/]+$"), "The model's name.");
const VERSION: Parameter = path("version", Pattern("^[^/]+$"), "Its version.");
const JSON_LENGTH: Parameter = header(
    "Inference-Header-Content-Length",
    Whole(0, 25_165_824),
    "How many bytes of the body are JSON; binary tensors follow. 0: the body is one encoded image, for a model that \
     takes images.",
);

const INFER: &str = "Ask a model. Tensors go in and come out as JSON or, with the binary extension, as bytes behind \
     the JSON; an image may be sent encoded (JPEG, PNG, WebP …) as an element of a `BYTES` tensor. The body may be \
     compressed (gzip, deflate), and so is the answer if the client says that it takes that.";
const QUESTION: &[Content] = &[Content::Json("V2InferRequest"), Content::Bytes("application/octet-stream")];
const ANSWER: &[Answer] = &[answer(
    200,
    "The outputs.",
    &[Content::Json("V2InferResponse"), Content::Bytes("application/octet-stream")],
)
.with(&[(
    "Inference-Header-Content-Length",
    "How many bytes of the body are JSON, if binary tensors follow.",
)])];

const ASK_MODEL: &[Code] =
    &[Code::InvalidParameter, Code::UnknownModel, Code::Internal, Code::Overloaded, Code::ModelUnavailable];
const INFER_PROBLEMS: &[Code] = &[
    Code::MalformedBody,
    Code::InvalidParameter,
    Code::InvalidJob,
    Code::NotAnImage,
    Code::UnsupportedImage,
    Code::DamagedImage,
    Code::ImageLimit,
    Code::UnknownModel,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::QuotaExceeded,
    Code::Internal,
    Code::Overloaded,
    Code::ModelUnavailable,
];

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

const ARTIFACT: &[(&str, &str)] = &[
    ("ETag", "The content address."),
    ("Cache-Control", "How long it may be kept: content at an address never changes."),
    ("Content-Disposition", "The file name."),
    ("Accept-Ranges", "`bytes`."),
];

const ARTIFACT_PART: &[(&str, &str)] =
    &[("ETag", "The content address."), ("Content-Range", "Which bytes, and of how many.")];

/// Which entries of the inference log are wanted.
const LOG: [Parameter; 8] = [
    query("model", Text, "Only of the model of this name."),
    query("version", Text, "Only of this version of it."),
    query("surface", Word("Surface"), "Only those that were asked here."),
    query("outcome", Word("PredictionOutcome"), "Only those that ended so."),
    query("label", Text, "Only those whose likeliest label is this one."),
    query("owner", Pattern("^[A-Za-z0-9_.:@/+-]{1,100}$"), "Only those that this user asked."),
    query("since", Time, "Only those that were answered at or after this instant."),
    query("until", Time, "Only those that were answered before this instant."),
];

const READ: &[Code] = &[Code::Internal, Code::StoreUnavailable];
const ONE_JOB: &[Code] = &[Code::JobNotFound, Code::Internal, Code::StoreUnavailable];
const CHANGE_JOB: &[Code] = &[Code::JobNotFound, Code::Internal, Code::StoreUnavailable, Code::DiskFull];
const ONE_RUN: &[Code] = &[Code::RunNotFound, Code::Internal, Code::StoreUnavailable];
const CHANGE_RUN: &[Code] =
    &[Code::RunNotFound, Code::RunState, Code::Internal, Code::StoreUnavailable, Code::DiskFull];
const CHANGE_QUEUE: &[Code] =
    &[Code::InvalidParameter, Code::Internal, Code::StoreUnavailable, Code::DiskFull];

const CHANGE_USER: &[Code] = &[
    Code::MalformedBody,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::Forbidden,
    Code::WrongPassword,
    Code::UserNotFound,
    Code::UserExists,
    Code::LastAdmin,
    Code::InvalidAccount,
    Code::RateLimited,
    Code::QuotaExceeded,
    Code::Internal,
    Code::Overloaded,
    Code::StoreUnavailable,
    Code::DiskFull,
];

const FILE: Content = Content::Form(&[("file", r#"{"type":"string","format":"binary"}"#)]);
const RESULT: Content =
    Content::JsonAs(r#"{"type":"object","required":["result"],"properties":{"result":{"type":"string"}}}"#);
const RESULT_WITH_ID: Content = Content::JsonAs(
    r#"{"type":"object","required":["result","file_id"],"properties":{"result":{"type":"string"},"file_id":{"type":"string"},"reason":{"type":"string"}}}"#,
);
const DETAIL: Content =
    Content::JsonAs(r#"{"type":"object","required":["detail"],"properties":{"detail":{"type":"string"}}}"#);
const PREDICTED: Content = Content::JsonAs(
    r#"{"type":"object","required":["username","filename","extension","date","class_id","category_name","score","success"],"properties":{"username":{"type":"string"},"filename":{"type":"string"},"extension":{"type":["string","null"]},"date":{"type":"string"},"class_id":{"type":"integer"},"category_name":{"type":["string","null"]},"score":{"type":"integer","minimum":0,"maximum":100},"success":{"const":true}}}"#,
);
const DIGIT: Content = Content::JsonAs(
    r#"{"type":"object","required":["pred","digit","score","scores"],"properties":{"pred":{"type":"integer","minimum":0,"maximum":9},"digit":{"type":"integer","minimum":0,"maximum":9},"score":{"type":"number"},"scores":{"type":"array","items":{"type":"number"},"minItems":10,"maxItems":10}}}"#,
);
const DETAIL_OR_VALIDATION: Content = Content::JsonAs(
    r#"{"type":"object","required":["detail"],"properties":{"detail":{"anyOf":[{"type":"string"},{"type":"array","items":{"type":"object","required":["loc","msg","type"]}}]}}}"#,
);
const VALIDATION: Content = Content::JsonAs(
    r#"{"type":"object","required":["detail"],"properties":{"detail":{"type":"array","items":{"type":"object","required":["loc","msg","type"],"properties":{"loc":{"type":"array","items":{"type":"string"}},"msg":{"type":"string"},"type":{"type":"string"}}}}}}"#,
);
