//! Who may ask what. Every request passes here, and the API crate's table says who may ask for its route; what the
//! table does not know is answered to nobody.

use std::{collections::HashMap, net::IpAddr};

use axum::{
    Json,
    extract::{MatchedPath, Request, State},
    http::{
        Extensions, HeaderMap, HeaderName, HeaderValue, Method as HttpMethod, StatusCode, Uri, header,
        request::Parts, uri::Authority,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use darkroom_api::{
    Code,
    openapi::{Access, CLASSIC, Method, table::endpoints},
};
use darkroom_core::user::Role;
use serde_json::json;

use super::{Http, caller::Caller, failure::Failure, listen::Peer};

/// Who may ask for which route.
pub(super) type Rules = HashMap<(Method, &'static str), Rule>;

/// Who may ask for one route.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    access: Option<Access>,
    classic: bool,
}

/// The rule of every route, by its path without a slash at the end.
pub(super) fn rules() -> Rules {
    let mut rules: Rules = super::routes()
        .into_iter()
        .map(|(method, path)| ((method, trimmed(path)), Rule { access: None, classic: false }))
        .collect();
    for endpoint in endpoints() {
        let classic = endpoint.group.starts_with(CLASSIC);
        rules.insert((endpoint.method, trimmed(endpoint.path)), Rule { access: endpoint.access, classic });
    }
    rules
}

/// The middleware.
pub(super) async fn admit(State(http): State<Http>, request: Request, next: Next) -> Response {
    // Without a rule there is no handler behind this: no such path, or no such method.
    let Some(rule) = rule(&http, &request) else { return next.run(request).await };
    let (mut head, body) = request.into_parts();
    match admitted(&http, &head, rule).await {
        Ok(caller) => {
            head.extensions.insert(caller);
            next.run(Request::from_parts(head, body)).await
        }
        Err(refusal) => refused(refusal, rule),
    }
}

fn rule(http: &Http, request: &Request) -> Option<Rule> {
    let method = match *request.method() {
        HttpMethod::GET | HttpMethod::HEAD => Method::Get,
        HttpMethod::POST => Method::Post,
        HttpMethod::DELETE => Method::Delete,
        _ => return None,
    };
    let path = request.extensions().get::<MatchedPath>()?;
    let rules: &HashMap<(Method, &str), Rule> = &http.rules;
    rules.get(&(method, trimmed(path.as_str()))).copied()
}

fn trimmed(path: &str) -> &str {
    path.trim_end_matches('/')
}

async fn admitted(http: &Http, head: &Parts, rule: Rule) -> Result<Caller, Failure> {
    let address = address(&head.extensions);
    let access = rule.access.ok_or_else(|| Failure::plain(Code::Forbidden))?;
    let open = match access {
        Access::Open => true,
        Access::Metrics => http.auth.open_metrics,
        Access::Signed => !has_credential(&head.headers) && is_signed(&head.uri),
        _ => false,
    };
    if open {
        return Ok(Caller::nobody(address));
    }
    let caller = identified(http, &head.headers, address).await?;
    if caller.identity().is_none() && is_forged(http, head) {
        return Err(Failure::new(Code::Forbidden, "Pages of other sites may not change anything here."));
    }
    if caller.identity().is_none() && !is_our_name(http, &head.headers) {
        let what = "This server has no such name; sign in, or add the name to http.hosts.";
        return Err(Failure::new(Code::Forbidden, what));
    }
    http.quotas.charge_request(&caller, http.now())?;
    let needed = match access {
        Access::Open | Access::User | Access::Signed => Role::User,
        Access::Metrics | Access::Operator => Role::Operator,
        Access::SignedIn => return caller.signed_in().map(|_| caller.clone()),
        Access::Admin => {
            caller.signed_in()?;
            Role::Admin
        }
    };
    if caller.role() < Some(needed) { Err(forbidden(&caller, needed)) } else { Ok(caller) }
}

/// Callers without a name are told to sign in, the others that their role is not enough.
fn forbidden(caller: &Caller, needed: Role) -> Failure {
    match caller.signed_in() {
        Ok(_) => Failure::new(Code::Forbidden, format!("This needs the role {needed}.")),
        Err(failure) => failure,
    }
}

async fn identified(http: &Http, headers: &HeaderMap, address: IpAddr) -> Result<Caller, Failure> {
    if !has_credential(headers) {
        return http.anonymous(address).ok_or_else(|| Failure::plain(Code::NotAuthenticated));
    }
    let identity = match bearer(headers) {
        Some(credential) => http.accounts.authenticate(credential).await?,
        None => None,
    };
    if let Some(identity) = identity {
        return Ok(Caller::signed(identity, &http.quotas));
    }
    // Guessing is no quicker than asking.
    http.quotas.charge_request(&Caller::nobody(address), http.now())?;
    Err(Failure::plain(Code::InvalidToken))
}

/// Whether a page of another site has a browser change something here (Fetch Metadata): it could not read the answer,
/// but callers without a name need not prove anything else.
fn is_forged(http: &Http, head: &Parts) -> bool {
    !head.method.is_safe() && is_from_elsewhere(http, &head.headers)
}

/// Whether a page of another site has a browser ask.
pub(super) fn is_from_elsewhere(http: &Http, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let allowed = |origin: &str| http.config.cors_origins.iter().any(|known| known == "*" || known == origin);
    text("sec-fetch-site") == Some("cross-site") && !text("origin").is_some_and(allowed)
}

/// Whether the host that is asked is this one. A page whose name was made to point at a loopback address (DNS
/// rebinding), or a proxy that opens it to the world, asks for another, and would be taken for the host itself.
fn is_our_name(http: &Http, headers: &HeaderMap) -> bool {
    let Some(asked) = headers.get(header::HOST).filter(|_| http.config.listen.ip().is_loopback()) else {
        return true;
    };
    let Ok(authority) = asked.to_str().unwrap_or_default().parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok()
        || http.config.hosts.iter().any(|known| known.eq_ignore_ascii_case(&name))
}

fn has_credential(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION)
}

/// The one token or key (RFC 6750, 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).into_iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, credential) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credential.trim())
}

fn is_signed(uri: &Uri) -> bool {
    uri.query().unwrap_or_default().split('&').any(|pair| pair.starts_with("signature="))
}

/// Where the request comes from. A proxy in front of the server hides that: all its clients are then one address.
pub(super) fn address(extensions: &Extensions) -> IpAddr {
    extensions.get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip())
}

fn refused(failure: Failure, rule: Rule) -> Response {
    let words = match failure.code() {
        Code::NotAuthenticated => "Not authenticated",
        Code::InvalidToken => "Invalid token",
        _ => return failure.into_response(),
    };
    let challenge: (HeaderName, HeaderValue) =
        (header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"darkroom\""));
    if !rule.classic {
        return failure.with_header(challenge.0, challenge.1).into_response();
    }
    (StatusCode::UNAUTHORIZED, [challenge], Json(json!({ "detail": words }))).into_response()
}
