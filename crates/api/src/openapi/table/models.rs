//! Models: operations, what they are asked, what they answered.

use super::super::endpoint::{
    Access::User,
    Content, Endpoint, Parameter,
    Shape::{Pattern, Text, Time, Whole, Word},
    answer, query,
};
use crate::problem::Code;

pub(super) const ENDPOINTS: &[Endpoint] = &[
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
    Endpoint::get("/v1/operations", "operations", "Every operation with the JSON Schema of its parameters.")
        .needs(User)
        .answers(&[answer(200, "The operations.", &[Content::Json("Operations")])]),
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
];

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
