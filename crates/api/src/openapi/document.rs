//! The table of endpoints as a document.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    endpoint::{Access, Answer, CLASSIC, Content, Endpoint, Parameter, Place, Shape},
    schemas,
    table::endpoints,
};
use crate::{
    problem::{Code, PROBLEM_MEDIA_TYPE},
    v2,
};

/// The `OpenAPI` 3.1 document of this server.
pub fn document() -> Value {
    let schemas = schemas::all();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for endpoint in endpoints() {
        let operation = operation(endpoint, &schemas);
        paths.entry(endpoint.path).or_default().insert(endpoint.method.to_string(), operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Darkroom",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What happens to images after they arrive: durable jobs over HTTP.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": { "schemas": schemas, "responses": shared_responses(), "securitySchemes": security_schemes() },
    })
}

fn operation(endpoint: &Endpoint, schemas: &Map<String, Value>) -> Value {
    let mut parameters: Vec<Value> = endpoint.parameters.iter().map(parameter).collect();
    if endpoint.parameters.iter().any(|parameter| parameter.name == "op" && endpoint.bodies.len() > 1) {
        parameters.extend(parameters_of_operations(schemas));
    }
    let mut operation = json!({
        "operationId": operation_id(endpoint),
        "tags": [endpoint.group],
        "summary": endpoint.about.split_inclusive(". ").next().unwrap_or_default().trim_end_matches(['.', ' ']),
        "description": endpoint.about,
        "parameters": parameters,
        "responses": responses(endpoint),
    });
    operation["security"] = security(endpoint.access);
    if !endpoint.bodies.is_empty() {
        operation["requestBody"] = json!({ "required": true, "content": contents(endpoint.bodies) });
    }
    operation
}

/// Swagger UI's "Authorize" asks for user and password by the first, for a token or a key by the second.
fn security_schemes() -> Value {
    json!({
        "password": {
            "type": "oauth2",
            "description": "Sign in with name and password.",
            "flows": { "password": { "tokenUrl": "/token", "scopes": {} } },
        },
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token from POST /token, or a key that begins with dk_.",
        },
    })
}

/// Either scheme; and none, where the server may be told to answer callers without a name.
fn security(access: Option<Access>) -> Value {
    let schemes = json!([{ "password": [] }, { "bearer": [] }]);
    match access {
        Some(Access::Open) => json!([]),
        Some(Access::SignedIn | Access::Admin) | None => schemes,
        Some(Access::Metrics | Access::User | Access::Signed | Access::Operator) => {
            json!([{}, { "password": [] }, { "bearer": [] }])
        }
    }
}

/// Answers that nearly every route may give, described once.
const SHARED: &[(&str, &[Code])] = &[
    ("NotSignedIn", &[Code::NotAuthenticated, Code::InvalidToken]),
    ("Forbidden", &[Code::Forbidden]),
    ("RateLimited", &[Code::RateLimited]),
    ("Internal", &[Code::Internal]),
    ("StoreUnavailable", &[Code::StoreUnavailable]),
];

fn shared_responses() -> Map<String, Value> {
    SHARED.iter().map(|(name, codes)| ((*name).to_owned(), problem(codes))).collect()
}

/// What can go wrong before the route itself is asked.
fn problems_of(access: Option<Access>) -> &'static [Code] {
    match access {
        Some(Access::Open) => &[],
        _ => &[
            Code::NotAuthenticated,
            Code::InvalidToken,
            Code::Forbidden,
            Code::RateLimited,
            Code::Internal,
            Code::StoreUnavailable,
        ],
    }
}

/// `get_v1_jobs_id` and the like: unique because method and path are.
fn operation_id(endpoint: &Endpoint) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let path: String = endpoint.path.chars().filter(|c| !"{}".contains(*c)).map(plain).collect();
    format!("{}{}", endpoint.method, if path == "_" { "_index" } else { path.trim_end_matches('_') })
}

fn parameter(parameter: &Parameter) -> Value {
    let place = match parameter.place {
        Place::Path => "path",
        Place::Query => "query",
        Place::Header => "header",
    };
    let mut described = json!({
        "name": parameter.name,
        "in": place,
        "required": parameter.place == Place::Path,
        "description": parameter.about,
        "schema": shape(parameter.shape),
    });
    if let Shape::Words(_) = parameter.shape {
        described["style"] = json!("form");
        described["explode"] = json!(false);
    }
    described
}

fn shape(shape: Shape) -> Value {
    match shape {
        Shape::Text => json!({ "type": "string" }),
        Shape::Id => json!({ "type": "string", "format": "uuid" }),
        Shape::Time => json!({ "$ref": "#/components/schemas/Time" }),
        Shape::Whole(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Shape::Number(min, max) => json!({ "type": "number", "minimum": min, "maximum": max }),
        Shape::Pattern(pattern) => json!({ "type": "string", "pattern": pattern }),
        Shape::Word(schema) => reference(schema),
        Shape::Words(schema) => json!({ "type": "array", "items": reference(schema) }),
    }
}

/// The parameters of the operations, as the query takes them.
fn parameters_of_operations(schemas: &Map<String, Value>) -> Vec<Value> {
    let own = |name: &str| name == "op" || name == "name";
    let mut parameters = BTreeMap::new();
    for (_, name, _) in schemas::parameters_by_operation() {
        let fields = schemas.get(name).and_then(|schema| schema.get("properties")).and_then(Value::as_object);
        parameters.extend(fields.into_iter().flatten().filter(|(name, _)| !own(name)));
    }
    parameters
        .into_iter()
        .map(|(name, schema)| {
            let about = schema.get("description").cloned().unwrap_or_default();
            json!({ "name": name, "in": "query", "required": false, "description": about, "schema": without_null(schema) })
        })
        .collect()
}

/// The schema of a value that is left out rather than null.
fn without_null(schema: &Value) -> Value {
    let mut plain = schema.clone();
    if let Some(kinds) = schema.get("type").and_then(Value::as_array) {
        plain["type"] = kinds.iter().find(|kind| *kind != "null").cloned().unwrap_or_default();
    }
    if let Some(choices) = schema.get("oneOf").and_then(Value::as_array)
        && let [only] = choices.iter().filter(|choice| choice["type"] != "null").collect::<Vec<_>>()[..]
    {
        return only.clone();
    }
    plain
}

fn responses(endpoint: &Endpoint) -> Map<String, Value> {
    let mut responses: Map<String, Value> =
        endpoint.answers.iter().map(|answer| (answer.status.to_string(), response(answer))).collect();
    let protocol = endpoint.group == v2::GROUP;
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in problems_of(endpoint.access).iter().chain(endpoint.problems) {
        let status = if protocol { v2::status(*code) } else { code.status() };
        let codes = by_status.entry(status).or_default();
        if !codes.contains(code) {
            codes.push(*code);
        }
    }
    if protocol {
        responses.extend(by_status.iter().map(|(status, codes)| (status.to_string(), refusal(codes))));
        return responses;
    }
    let classic = endpoint.group.starts_with(CLASSIC);
    if classic && endpoint.access.is_some_and(|access| access != Access::Open) {
        responses.entry("401").or_insert_with(classic_refusal);
    }
    for (status, codes) in by_status {
        if !responses.contains_key(&status.to_string())
            && let Some((name, _)) = SHARED.iter().find(|(_, shared)| *shared == codes)
        {
            let shared = json!({ "$ref": format!("#/components/responses/{name}") });
            responses.insert(status.to_string(), shared);
            continue;
        }
        let problem = problem(&codes);
        match responses.get_mut(&status.to_string()) {
            // A classic surface has a form of its own at this status; the problem is a second one.
            Some(own) => own["content"][PROBLEM_MEDIA_TYPE] = problem["content"][PROBLEM_MEDIA_TYPE].clone(),
            None => {
                responses.insert(status.to_string(), problem);
            }
        }
    }
    responses
}

/// How the classic services say 401.
fn classic_refusal() -> Value {
    let schema =
        json!({ "type": "object", "required": ["detail"], "properties": { "detail": { "type": "string" } } });
    json!({
        "description": "Not signed in.",
        "content": { "application/json": { "schema": schema } },
    })
}

fn response(answer: &Answer) -> Value {
    let mut response = json!({ "description": answer.about });
    if !answer.contents.is_empty() {
        response["content"] = contents(answer.contents);
    }
    if !answer.headers.is_empty() {
        response["headers"] = answer.headers.iter().map(|(name, about)| header(name, about)).collect();
    }
    response
}

fn header(name: &str, about: &str) -> (String, Value) {
    (name.to_owned(), json!({ "description": about, "schema": { "type": "string" } }))
}

/// How the Open Inference Protocol says what went wrong.
fn refusal(codes: &[Code]) -> Value {
    let meanings: Vec<&str> = codes.iter().map(|code| code.meaning()).collect();
    let mut refusal = json!({
        "description": meanings.join(" "),
        "content": { "application/json": { "schema": reference("V2Error") } },
    });
    with_retry_after(&mut refusal, codes);
    refusal
}

fn problem(codes: &[Code]) -> Value {
    let meanings: Vec<String> = codes.iter().map(|code| format!("`{code}`: {}", code.meaning())).collect();
    let words: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let mut problem = json!({
        "description": meanings.join(" "),
        "content": { PROBLEM_MEDIA_TYPE: { "schema": {
            "allOf": [reference("Problem"), { "properties": { "code": { "enum": words } } }],
        } } },
    });
    with_retry_after(&mut problem, codes);
    problem
}

fn with_retry_after(response: &mut Value, codes: &[Code]) {
    if codes.iter().any(|code| matches!(code.status(), 429 | 503)) {
        response["headers"] =
            std::iter::once(header("Retry-After", "Seconds to wait before coming back.")).collect();
    }
}

fn contents(contents: &[Content]) -> Value {
    let described = contents.iter().map(|content| {
        let (media_type, schema) = content_schema(*content);
        (media_type.to_owned(), json!({ "schema": schema }))
    });
    Value::Object(described.collect())
}

fn content_schema(content: Content) -> (&'static str, Value) {
    match content {
        Content::Json(schema) => ("application/json", reference(schema)),
        Content::JsonAs(schema) => ("application/json", written(schema)),
        Content::Form(parts) => {
            let parts: Map<String, Value> =
                parts.iter().map(|(name, schema)| ((*name).to_owned(), written(schema))).collect();
            let first = parts.keys().next().cloned().unwrap_or_default();
            ("multipart/form-data", json!({ "type": "object", "required": [first], "properties": parts }))
        }
        Content::Fields(schema) => ("application/x-www-form-urlencoded", written(schema)),
        Content::Bytes(media_type) => (media_type, json!({ "type": "string", "format": "binary" })),
        Content::Text(media_type) => (media_type, json!({ "type": "string" })),
        Content::Events => {
            let field = json!({ "type": "string" });
            let event = json!({ "event": field, "id": field, "data": field });
            ("text/event-stream", json!({ "type": "object", "required": ["data"], "properties": event }))
        }
    }
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

/// A schema from the table. A test parses them all.
fn written(schema: &str) -> Value {
    serde_json::from_str(schema).unwrap_or_else(|fault| json!({ "description": fault.to_string() }))
}
