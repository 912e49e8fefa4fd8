//! Signing in and out.

use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use darkroom_api::{Code, Me, PasswordChange, Secret, TokenAnswer};
use serde_json::{Value, json};

use super::{
    Http,
    body::Incoming,
    caller::Caller,
    failure::Failure,
    gate::address,
    intake::{content_type, media_type},
    multipart::Multipart,
    query::Query,
    users::account_body,
};

/// Bytes of a sign-in.
const MAX_BODY: usize = 16 << 10;

/// Signs in, in the words of the classifier service that had this route.
pub(super) async fn sign_in(State(http): State<Http>, request: Request) -> Result<Response, Failure> {
    let from = address(request.extensions());
    let mut fields = form(&http, request).await?;
    let grant = fields.take("grant_type").filter(|grant| !grant.is_empty());
    let (name, password) = (fields.take("username"), fields.take("password"));
    let filled = |field: Option<String>| field.filter(|text| !text.is_empty());
    let (Some(name), Some(password)) = (filled(name.clone()), filled(password.clone())) else {
        let missing = [("username", filled(name)), ("password", filled(password))];
        let missing = missing.iter().filter(|(_, field)| field.is_none()).map(|(name, _)| required(name));
        return Ok(unprocessable(&missing.collect::<Vec<_>>()));
    };
    if grant.is_some_and(|grant| grant != "password") {
        return Ok(unprocessable(&[other_grant()]));
    }
    let Some(signed_in) = http.accounts.sign_in(&name, Secret::new(password), from).await? else {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
        let words = Json(json!({ "detail": "Invalid username of password" }));
        return Ok((StatusCode::UNAUTHORIZED, challenge, words).into_response());
    };
    let answer = TokenAnswer {
        access_token: signed_in.token,
        token_type: "bearer".to_owned(),
        expires_in: signed_in.life.as_secs(),
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// Ends the caller's token.
pub(super) async fn sign_out(State(http): State<Http>, caller: Caller) -> Result<StatusCode, Failure> {
    http.accounts.sign_out(caller.signed_in()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who is asking.
pub(super) async fn me(caller: Caller) -> Result<Json<Me>, Failure> {
    let role = caller.role().ok_or_else(|| Failure::plain(Code::NotAuthenticated))?;
    let signed_in = caller.identity().is_some();
    Ok(Json(Me { name: caller.owner().to_string(), role: role.into(), signed_in }))
}

/// Gives the caller a new password.
pub(super) async fn change_password(
    State(http): State<Http>,
    caller: Caller,
    request: Request,
) -> Result<StatusCode, Failure> {
    let from = address(request.extensions());
    let change: PasswordChange = account_body(&http, request).await?;
    let passwords = (change.current, change.new);
    http.accounts.change_own_password(caller.signed_in()?, passwords, from).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The fields of a form, written in either way that browsers do. What is no form has no field.
async fn form(http: &Http, request: Request) -> Result<Query, Failure> {
    let (head, body) = request.into_parts();
    let mut body = Incoming::new(body, http.config.body_timeout);
    let content_type = content_type(&head.headers);
    match media_type(&content_type).as_str() {
        "application/x-www-form-urlencoded" => {
            let text = String::from_utf8(body.read(MAX_BODY).await?);
            let text = text.map_err(|_| Failure::new(Code::MalformedBody, "The form is not UTF-8."))?;
            Query::of_form(&text)
        }
        "multipart/form-data" => {
            let mut fields = Query::default();
            let mut parts = Multipart::new(&content_type, body)?;
            while let Some(part) = parts.next_part().await? {
                let value = parts.text(MAX_BODY).await?;
                fields.set(part.name, value);
            }
            Ok(fields)
        }
        _ => {
            body.read(MAX_BODY).await?;
            Ok(Query::default())
        }
    }
}

/// What `FastAPI` answers when a field is missing.
fn required(field: &str) -> Value {
    json!({ "loc": ["body", field], "msg": "field required", "type": "value_error.missing" })
}

fn other_grant() -> Value {
    let words = "string does not match regex \"password\"";
    json!({ "loc": ["body", "grant_type"], "msg": words, "type": "value_error.str.regex" })
}

fn unprocessable(faults: &[Value]) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "detail": faults }))).into_response()
}
