//! The classic services.

use super::super::endpoint::{
    Access::{Open, SignedIn, User},
    Content, Endpoint,
    Shape::{Pattern, Text, Whole},
    answer, path, query,
};
use super::{ARTIFACT, ARTIFACT_PART, DETAIL, READ, VALIDATION};
use crate::problem::Code;

pub(super) const ENDPOINTS: &[Endpoint] = &[
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
    Endpoint::get("/", "classic: classifier", "A greeting; browsers get the dashboard.")
        .needs(Open)
        .answers(&[
            answer(200, "The greeting.", &[Content::JsonAs(r#"{"type":"object","required":["message"],"properties":{"message":{"type":"string"}}}"#)]),
            answer(304, "The browser has the page.", &[]),
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

const FILE: Content = Content::Form(&[("file", r#"{"type":"string","format":"binary"}"#)]);

const RESULT: Content =
    Content::JsonAs(r#"{"type":"object","required":["result"],"properties":{"result":{"type":"string"}}}"#);

const RESULT_WITH_ID: Content = Content::JsonAs(
    r#"{"type":"object","required":["result","file_id"],"properties":{"result":{"type":"string"},"file_id":{"type":"string"},"reason":{"type":"string"}}}"#,
);

const PREDICTED: Content = Content::JsonAs(
    r#"{"type":"object","required":["username","filename","extension","date","class_id","category_name","score","success"],"properties":{"username":{"type":"string"},"filename":{"type":"string"},"extension":{"type":["string","null"]},"date":{"type":"string"},"class_id":{"type":"integer"},"category_name":{"type":["string","null"]},"score":{"type":"integer","minimum":0,"maximum":100},"success":{"const":true}}}"#,
);

const DIGIT: Content = Content::JsonAs(
    r#"{"type":"object","required":["pred","digit","score","scores"],"properties":{"pred":{"type":"integer","minimum":0,"maximum":9},"digit":{"type":"integer","minimum":0,"maximum":9},"score":{"type":"number"},"scores":{"type":"array","items":{"type":"number"},"minItems":10,"maxItems":10}}}"#,
);

const DETAIL_OR_VALIDATION: Content = Content::JsonAs(
    r#"{"type":"object","required":["detail"],"properties":{"detail":{"anyOf":[{"type":"string"},{"type":"array","items":{"type":"object","required":["loc","msg","type"]}}]}}}"#,
);
