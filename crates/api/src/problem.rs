//! Everything that can go wrong, as one literal table. `docs/problems.md` is this table as a page.

use std::{fmt, fmt::Write};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

macro_rules! problems {
    ($($variant:ident = $code:literal, $status:literal, $title:literal, $meaning:literal, $remedy:literal;)+) => {
        /// Why a request was refused, from a closed set. Clients decide by this word and never by sentences.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        pub enum Code {
            $(#[doc = $meaning] #[serde(rename = $code)] $variant),+
        }

        impl Code {
            /// Every code, in the order of the page.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// The HTTP status that it comes with.
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }

            /// The same few words every time.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            /// What it means.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),+ }
            }

            /// What to do about it.
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy),+ }
            }
        }
    };
}

problems! {
    MalformedBody = "malformed_body", 400, "The body cannot be read",
        "The JSON or multipart body breaks its own format, or ended early.",
        "Send a complete body that matches its Content-Type.";
    InvalidParameter = "invalid_parameter", 400, "A parameter is not valid",
        "A query parameter or header has a value that it cannot have.",
        "`detail` names the parameter and what it may be.";
    NotAuthenticated = "not_authenticated", 401, "Sign in first",
        "This server does not answer those who have not signed in, or not for this route.",
        "Send `Authorization: Bearer …` with a token from POST /token, or with a key.";
    InvalidToken = "invalid_token", 401, "The token or key is not valid",
        "The token or key was changed, has expired, was revoked, or its user may not ask any more.",
        "Get a new token from POST /token, or use another key.";
    Forbidden = "forbidden", 403, "The role does not allow it",
        "The caller is known, but may not do this.",
        "Ask with a user of the role that the route needs.";
    WrongPassword = "wrong_password", 403, "The current password is wrong",
        "The password until now was not the one that was sent.",
        "Send the right one, or have an administrator set a new one.";
    SignatureInvalid = "signature_invalid", 403, "The signature does not match",
        "The signed address was changed, or was signed by another server.",
        "Ask for a new address with POST /v1/artifacts/sign.";
    SignatureExpired = "signature_expired", 403, "The signed address has expired",
        "The time for which the address was signed is over.",
        "Ask for a new address with POST /v1/artifacts/sign.";
    NotFound = "not_found", 404, "No such route",
        "Nothing is served at this path.",
        "See /docs for everything that is.";
    JobNotFound = "job_not_found", 404, "No such job",
        "No job has this id: it was never submitted, was deleted, or retention has outlived it.",
        "Check the id; finished jobs are kept for a configured time only.";
    RunNotFound = "run_not_found", 404, "No such run",
        "No run has this id: it was never made, was deleted, or retention has outlived it.",
        "Check the id; GET /v1/runs lists the runs.";
    ArtifactNotFound = "artifact_not_found", 404, "No such artifact",
        "The job exists but has no artifact of this name, or not yet.",
        "GET the job: its results list the artifacts.";
    UserNotFound = "user_not_found", 404, "No such user",
        "No user has this name.",
        "GET /v1/users lists the users.";
    KeyNotFound = "key_not_found", 404, "No such key",
        "No key has this id, or it belongs to somebody else.",
        "GET /v1/keys lists the keys.";
    MethodNotAllowed = "method_not_allowed", 405, "The route does not have this method",
        "The path exists, the method does not.",
        "The Allow header lists the methods.";
    RequestTimeout = "request_timeout", 408, "The request came too slowly",
        "No part of the body arrived for longer than the server waits.",
        "Send again; check the network.";
    JobRunning = "job_running", 409, "The job is running",
        "A running job cannot be deleted.",
        "Cancel it first, then delete it once it has ended.";
    JobSucceeded = "job_succeeded", 409, "The job has succeeded",
        "A job that has its results cannot be retried.",
        "Submit a new job for the same image.";
    JobOfRun = "job_of_run", 409, "The job belongs to a run",
        "An item of a run cannot be deleted alone.",
        "Delete the run, or leave it to retention.";
    RunState = "run_state", 409, "The run's state does not allow it",
        "What was asked makes no sense for a run that stands where this one does.",
        "GET the run: `state` and `stop` say where it stands and why.";
    UserExists = "user_exists", 409, "There is such a user already",
        "The name belongs to another user.",
        "Choose another name.";
    LastAdmin = "last_admin", 409, "The last administrator stays",
        "Nobody could administer users any more.",
        "Make another administrator first.";
    BodyTooLarge = "body_too_large", 413, "The body is too large",
        "The upload is larger than the server accepts.",
        "Send a smaller file, or raise the server's upload limit.";
    UnsupportedMediaType = "unsupported_media_type", 415, "The body is of a kind that this route does not take",
        "The Content-Type is none of those that the route takes.",
        "Send multipart/form-data, application/json, or the bytes of an image.";
    NotAnImage = "not_an_image", 415, "The upload is not an image",
        "The content matches no image format that is known here. Names and Content-Type do not count.",
        "Send an image file as it is, without a wrapper.";
    UnsupportedImage = "unsupported_image", 415, "This kind of image is not supported",
        "The format is recognised, but this variety of it cannot be decoded.",
        "Convert the image; `detail` says what is not supported.";
    RangeNotSatisfiable = "range_not_satisfiable", 416, "The range lies outside of the artifact",
        "The Range header asks for bytes behind the end.",
        "The Content-Range header says how long the artifact is.";
    InvalidJob = "invalid_job", 422, "The submission does not describe a job",
        "The body can be read, but an operation or another field is missing, unknown or out of its bounds.",
        "`detail` names the field; GET /v1/operations lists the operations with their parameters.";
    InvalidRun = "invalid_run", 422, "The submission does not describe a run",
        "The body can be read, but the source, an operation or another field is missing, unknown or out of its bounds.",
        "`detail` names the field.";
    SourceRefused = "source_refused", 422, "The source may not be read",
        "The folder is in none of those that runs may read, the address is refused, a pattern makes no sense, or the bytes of an archive that was sent do not sum up as they must.",
        "`detail` says which; an operator sets `sources.roots`.";
    InvalidAccount = "invalid_account", 422, "This does not describe a user or a key",
        "The body can be read, but a field is missing, unknown or out of its bounds.",
        "`detail` names the field.";
    InvalidLimit = "invalid_limit", 422, "This is no limit of a queue",
        "The body can be read, but `max_running` is missing, zero, or more than may be set.",
        "Send `max_running` as 1 to 100,000, or as null for any number; to let no job run, pause the queue.";
    MissingImage = "missing_image", 422, "There is no image",
        "The submission has no image, or an empty one.",
        "Send the image as the part `image` or `file`, as the raw body, or in the JSON field `image`.";
    DamagedImage = "damaged_image", 422, "The image is damaged",
        "The header of the image breaks its own format.",
        "Send the original file again; it may have been cut off on its way.";
    ImageLimit = "image_limit", 422, "The image exceeds a limit",
        "The header declares more pixels, a longer side, or more work than the server accepts.",
        "`detail` names the limit: send a smaller image, or raise the limit.";
    UnknownBlob = "unknown_blob", 422, "No such blob",
        "The submission names a blob that is not stored here.",
        "Upload the image itself.";
    UnknownModel = "unknown_model", 422, "No such model",
        "The submission names a model that is not installed here, or a version of it.",
        "GET /v1/models lists the models; `darkroom models fetch` and `import` install more.";
    NoFace = "no_face", 422, "There is no face",
        "No face was found in one of the images that were to be compared.",
        "`detail` says in which; send an image on which the face is larger or clearer.";
    UrlRefused = "url_refused", 422, "The address may not be fetched",
        "The address is not http or https, or leads to a private, local or reserved network.",
        "Upload the image itself, or have the operator allow private addresses.";
    UrlFailed = "url_failed", 422, "The address could not be fetched",
        "The server of the image did not answer with an image in time.",
        "Check that the address works without a login, or upload the image itself.";
    IdempotencyConflict = "idempotency_conflict", 422, "The idempotency key was used for another submission",
        "The same Idempotency-Key came earlier with another image, another archive or other parameters.",
        "Use a new key for each new job or run.";
    QueueFull = "queue_full", 429, "Too many jobs wait",
        "The server holds as many waiting jobs as it is allowed to.",
        "Come back after the seconds in Retry-After.";
    RateLimited = "rate_limited", 429, "Too many requests",
        "This user or address asks more often than it may, or failed to sign in too often.",
        "Come back after the seconds in Retry-After.";
    QuotaExceeded = "quota_exceeded", 429, "A quota is used up",
        "The user has as many open jobs or keys, or has sent as many bytes within a day, as they may.",
        "`detail` names the quota; wait for jobs to end, or for the next day.";
    Internal = "internal", 500, "Something went wrong here",
        "A fault of the server. The details are in its log under this request id.",
        "Report the request id to the operator.";
    Overloaded = "overloaded", 503, "The server is busy",
        "As many uploads or event streams are open as the server allows.",
        "Come back after the seconds in Retry-After.";
    StoreUnavailable = "store_unavailable", 503, "The store cannot be reached",
        "The database does not answer just now. Whether the request was recorded is unknown.",
        "Send it again after Retry-After, with the same Idempotency-Key.";
    BlobsUnavailable = "blobs_unavailable", 503, "Blobs cannot be reached",
        "The place where images are kept does not answer just now.",
        "Send it again after the seconds in Retry-After.";
    ModelUnavailable = "model_unavailable", 503, "The model cannot be asked",
        "The model or what runs it is missing, damaged, or failed on this image.",
        "`detail` or the server's log says what is wrong; `darkroom models check` examines the models.";
    NotReady = "not_ready", 503, "The server is not ready",
        "Something that the server needs is missing; `checks` says what.",
        "Wait, or repair what is missing.";
    DiskFull = "disk_full", 507, "There is no room left",
        "The disk is full. Nothing was recorded.",
        "Make room, then send it again.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The media type of a problem (RFC 9457, 3).
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// An error answer (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// An address that names the kind of problem: `/docs/problems#` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same few words every time.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What exactly went wrong this time.
    pub detail: String,
    /// The kind of problem, as a word of a closed set.
    pub code: Code,
    /// Names this request in the server's log.
    pub request_id: String,
    /// With `not_ready`: `ok`, or what is missing, by dependency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub checks: Option<Value>,
}

impl Problem {
    /// The problem of this code, in these words.
    pub fn new(code: Code, detail: impl Into<String>, request_id: impl Into<String>) -> Self {
        Self {
            kind: format!("/docs/problems#{code}"),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            code,
            request_id: request_id.into(),
            checks: None,
        }
    }
}

/// The page of all problems, in Markdown.
pub fn page() -> String {
    let mut page = String::from(
        "# Problems\n\nGenerated from `crates/api/src/problem.rs`; a test compares the two.\n\n\
         Every error of `/v1` is `application/problem+json` (RFC 9457). `code` is one word of this closed set, \
         `request_id` names the request in the log. 429 and 503 carry `Retry-After`.\n",
    );
    for code in Code::ALL {
        let (status, title) = (code.status(), code.title());
        let (meaning, remedy) = (code.meaning(), code.remedy());
        // Writing to a String does not fail.
        let _ = write!(page, "\n## {code}\n\n**{status} {title}.** {meaning}\n\nWhat to do: {remedy}\n");
    }
    page
}
