//! The Open Inference Protocol.

use super::super::endpoint::{
    Access::{Open, User},
    Answer, Content, Endpoint, Parameter,
    Shape::{Pattern, Whole},
    answer, header, path,
};
use crate::{problem::Code, v2};

pub(super) const ENDPOINTS: &[Endpoint] = &[
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
    Endpoint::post(
        "/v2/repository/index",
        v2::GROUP,
        "Every model at every version, and whether it can be asked.",
    )
    .needs(User)
    .answers(&[answer(
        200,
        "The models.",
        &[Content::JsonAs(r##"{"type":"array","items":{"$ref":"#/components/schemas/V2IndexEntry"}}"##)],
    )])
    .problems(&[]),
    Endpoint::get(
        "/v2/models/{model}",
        v2::GROUP,
        "What a model takes and gives, at its highest version. \
        Loads the model.",
    )
    .needs(User)
    .takes(&[MODEL])
    .answers(&[answer(200, "Its tensors.", &[Content::Json("V2Model")])])
    .problems(ASK_MODEL),
    Endpoint::get(
        "/v2/models/{model}/versions/{version}",
        v2::GROUP,
        "What one version of a model takes and gives. \
        Loads the model.",
    )
    .needs(User)
    .takes(&[MODEL, VERSION])
    .answers(&[answer(200, "Its tensors.", &[Content::Json("V2Model")])])
    .problems(ASK_MODEL),
    Endpoint::get(
        "/v2/models/{model}/ready",
        v2::GROUP,
        "Whether a model can be asked. Loads it, so that it can.",
    )
    .needs(User)
    .takes(&[MODEL])
    .answers(&[answer(200, "It can.", &[Content::Json("V2Ready")])])
    .problems(ASK_MODEL),
    Endpoint::get(
        "/v2/models/{model}/versions/{version}/ready",
        v2::GROUP,
        "Whether one version of a model can be \
        asked. Loads it, so that it can.",
    )
    .needs(User)
    .takes(&[MODEL, VERSION])
    .answers(&[answer(200, "It can.", &[Content::Json("V2Ready")])])
    .problems(ASK_MODEL),
    Endpoint::get(
        "/v2/models/{model}/config",
        v2::GROUP,
        "A model's configuration in Triton's words. Loads the model.",
    )
    .needs(User)
    .takes(&[MODEL])
    .answers(&[answer(200, "The configuration.", &[Content::Json("V2Config")])])
    .problems(ASK_MODEL),
    Endpoint::get(
        "/v2/models/{model}/versions/{version}/config",
        v2::GROUP,
        "The configuration of one version of a \
        model in Triton's words. Loads the model.",
    )
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
];

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
