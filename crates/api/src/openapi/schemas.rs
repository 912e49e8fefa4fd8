//! The schemas of the document: those of the wire types, and the few that a derive cannot say.

#![allow(unused_qualifications, reason = "the derive of utoipa writes them")]
use serde_json::{Map, Value, json};
use utoipa::{OpenApi, PartialSchema};

use crate::{
    BulkDone, BulkRequest, Code, CompareRequest, Comparison, CreatedKey, History, Index, Job, JobPage,
    JobRequest, KeyInfo, KeyList, Me, ModelsList, NewKey, NewUser, Operations, PasswordChange,
    PredictionFormat, PredictionOutcome, PredictionPage, Problem, QueueLimit, Queues, Readiness, Role, Run,
    RunAggregates, RunGroups, RunItem, RunPage, RunRequest, RunState, SettingList, SignRequest, Signed, Span,
    Stats, TokenAnswer, UserInfo, UserList, UserPatch, Version, Workers,
    job::{FailureKind, JobOrder, State},
    prediction::Surface,
    system::{OperationInfo, Operations as OperationList},
    v2,
};
use darkroom_core::operation::{AnyModel, Classify, Digit, Faces, Thumbnail};
use serde::Serialize;

#[derive(OpenApi)]
#[openapi(components(schemas(
    Job,
    JobPage,
    JobRequest,
    BulkRequest,
    BulkDone,
    JobOrder,
    FailureKind,
    CompareRequest,
    Comparison,
    Run,
    RunPage,
    RunRequest,
    RunState,
    RunItem,
    RunAggregates,
    RunGroups,
    State,
    Problem,
    Code,
    Stats,
    History,
    Span,
    SettingList,
    Queues,
    QueueLimit,
    Workers,
    Operations,
    ModelsList,
    PredictionPage,
    PredictionOutcome,
    PredictionFormat,
    Surface,
    Readiness,
    Version,
    Index,
    SignRequest,
    Signed,
    Me,
    Role,
    UserInfo,
    UserList,
    NewUser,
    UserPatch,
    PasswordChange,
    KeyInfo,
    KeyList,
    NewKey,
    CreatedKey,
    TokenAnswer,
    v2::Refused,
    v2::ServerMetadata,
    v2::Live,
    v2::Ready,
    v2::ModelMetadata,
    v2::ModelConfig,
    v2::ModelIndex,
    v2::InferRequest,
    v2::InferResponse
)))]
struct WireTypes;

/// Every schema by name.
pub(super) fn all() -> Map<String, Value> {
    let document = serde_json::to_value(WireTypes::openapi()).unwrap_or_default();
    let mut schemas = match document.pointer("/components/schemas") {
        Some(Value::Object(found)) => found.clone(),
        _ => Map::new(),
    };
    let mut references = Vec::new();
    let mut mapping = Map::new();
    for (op, name, parameters) in parameters_by_operation() {
        let path = format!("#/components/schemas/{name}");
        references.push(json!({ "$ref": path }));
        mapping.insert(op.to_owned(), Value::String(path));
        schemas.insert(name.to_owned(), tagged(&parameters, op));
    }
    let operation = json!({
        "description": "One thing done to an image, with its parameters.",
        "oneOf": references,
        "discriminator": { "propertyName": "op", "mapping": mapping },
    });
    // The derive sees the names of the variants, not those of the wire.
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    schemas.insert("Code".to_owned(), json!({ "type": "string", "enum": codes }));
    schemas.insert("Operation".to_owned(), operation);
    schemas.insert(
        "OperationName".to_owned(),
        json!({ "type": "string", "enum": darkroom_core::Operation::NAMES }),
    );
    schemas.insert("Truth".to_owned(), json!({ "type": "string", "enum": ["true", "false"] }));
    schemas.insert("Flag".to_owned(), json!({ "type": "string", "enum": ["true", "false", "1", "0", ""] }));
    schemas
}

/// The answer of `GET /v1/operations`. Each schema stands alone: what it refers to is inside of it.
pub fn operations() -> OperationList {
    let all = all();
    let operations = parameters_by_operation().into_iter().map(|(op, name, _)| {
        let mut parameters = all.get(name).cloned().unwrap_or_default();
        let description = parameters["description"].as_str().unwrap_or_default().to_owned();
        inline(&mut parameters, &all);
        OperationInfo { name: op.to_owned(), description, parameters }
    });
    OperationList { operations: operations.collect() }
}

/// Every operation: its name, the name of its schema, and the schema of its parameters.
pub(super) fn parameters_by_operation() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("thumbnail", "Thumbnail", parameters_of_thumbnail()),
        ("classify", "Classify", parameters(&Classify::schema())),
        ("digit", "Digit", parameters(&Digit::schema())),
        ("faces", "Faces", parameters(&Faces::schema())),
        ("model", "AnyModel", parameters(&AnyModel::schema())),
    ]
}

/// The parameters as JSON sees them: no others.
fn parameters(schema: &impl Serialize) -> Value {
    let mut schema = serde_json::to_value(schema).unwrap_or_default();
    schema["additionalProperties"] = Value::Bool(false);
    schema
}

/// All may be left out.
fn parameters_of_thumbnail() -> Value {
    let mut schema = parameters(&Thumbnail::schema());
    if let Value::Object(fields) = &mut schema {
        fields.remove("required");
    }
    schema["properties"]["name"]["minLength"] = json!(1);
    schema["properties"]["name"]["maxLength"] = json!(100);
    for side in ["width", "height"] {
        schema["properties"][side]["minimum"] = json!(1);
    }
    schema
}

/// `schema` with the field that says which operation it is.
fn tagged(schema: &Value, op: &str) -> Value {
    let mut tagged = schema.clone();
    tagged["properties"]["op"] = json!({ "type": "string", "const": op });
    let required = schema["required"].as_array().into_iter().flatten().cloned();
    tagged["required"] = std::iter::once(json!("op")).chain(required).collect();
    tagged
}

/// Replaces references by what they refer to. The schemas of parameters do not refer to themselves.
fn inline(schema: &mut Value, all: &Map<String, Value>) {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    if let Some(found) = target.and_then(|name| all.get(name)) {
        *schema = found.clone();
    }
    match schema {
        Value::Object(fields) => fields.values_mut().for_each(|field| inline(field, all)),
        Value::Array(items) => items.iter_mut().for_each(|item| inline(item, all)),
        _ => {}
    }
}
