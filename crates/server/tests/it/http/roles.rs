//! Who may ask for what: every route of the table with every kind of caller.

use darkroom_api::{
    Code, Problem,
    openapi::{Access, Endpoint, table::endpoints},
};
use darkroom_core::user::Role;
use darkroom_server::accounts::Anonymous;

use super::app::App;

/// What everybody sees. A route that is added here is a decision.
const OPEN: [&str; 16] = [
    "/token",
    "/livez",
    "/readyz",
    "/version",
    "/openapi.json",
    "/docs",
    "/docs/problems",
    "/docs/{file}",
    "/ui/{folder}/{file}",
    "/v1",
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
    "/heartbeat",
    "/health",
    "/",
];

#[test]
fn every_route_says_who_may_ask() {
    let silent: Vec<_> =
        endpoints().filter(|endpoint| endpoint.access.is_none()).map(|endpoint| endpoint.path).collect();
    assert!(silent.is_empty(), "without a rule: {silent:?}");
    let open = endpoints().filter(|endpoint| endpoint.access == Some(Access::Open));
    assert_eq!(open.map(|endpoint| endpoint.path).collect::<Vec<_>>(), OPEN);
    for endpoint in endpoints() {
        let administers = endpoint.path.starts_with("/v1/users") || endpoint.path == "/v1/settings";
        assert_eq!(endpoint.access == Some(Access::Admin), administers, "{}", endpoint.path);
        let queues = endpoint.path.starts_with("/v1/queues");
        assert!(!queues || endpoint.access == Some(Access::Operator), "{}", endpoint.path);
    }
}

/// Whether a caller of this role is let through; `None` has not signed in, where nobody is answered without.
fn expected(access: Access, role: Option<Role>) -> bool {
    match access {
        Access::Open => true,
        Access::User | Access::Signed | Access::SignedIn => role.is_some(),
        Access::Metrics | Access::Operator => role >= Some(Role::Operator),
        Access::Admin => role == Some(Role::Admin),
    }
}

async fn is_let_through(app: &App, endpoint: &Endpoint, key: Option<&str>) -> bool {
    let path = endpoint
        .path
        .replace("{id}", "018f0000-0000-7000-8000-000000000000")
        .replace("{name}", "nobody")
        .replace("{file}", "start.js")
        .replace("{file_id}", "1");
    let method = endpoint.method.as_str().to_uppercase().parse().unwrap();
    let mut request = app.http.request(method, app.at(&path));
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let answer = request.send().await.unwrap();
    match answer.status().as_u16() {
        401 => {
            assert!(answer.headers().contains_key("www-authenticate"), "{path}");
            false
        }
        403 => {
            let problem: Problem = answer.json().await.unwrap();
            assert_eq!(problem.code, Code::Forbidden, "{path}");
            false
        }
        status => {
            assert!(status < 500, "{path}: {status}");
            true
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_answered_to_those_who_may_ask_and_to_nobody_else() {
    let app = App::with(|config| config.auth.anonymous = Anonymous::Never).await;
    let mut keys: Vec<(Option<Role>, Option<String>)> = vec![(None, None)];
    for role in Role::ALL {
        keys.push((Some(role), Some(app.key(role.as_str(), role).await)));
    }
    for endpoint in endpoints() {
        let access = endpoint.access.expect("every route says who may ask");
        for (role, key) in &keys {
            // Signing in checks a password each time; that is tried elsewhere.
            let through = is_let_through(&app, endpoint, key.as_deref()).await;
            assert_eq!(through, expected(access, *role), "{} {} as {role:?}", endpoint.method, endpoint.path);
        }
    }
    app.finish().await;
}

/// Zero configuration: whoever sits at the machine is an operator, and may not administer users without a name.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_loopback_address_callers_without_a_name_are_operators() {
    let app = App::start().await;
    for endpoint in endpoints() {
        let access = endpoint.access.expect("every route says who may ask");
        let expected = !matches!(access, Access::SignedIn | Access::Admin);
        assert_eq!(is_let_through(&app, endpoint, None).await, expected, "{}", endpoint.path);
    }
    let me = app.client.me().await.unwrap();
    assert_eq!(
        (me.name.as_str(), me.role.to_string().as_str(), me.signed_in),
        ("anonymous", "operator", false)
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_other_addresses_callers_without_a_name_are_answered_only_when_told() {
    let app = App::with(|config| config.http.listen = "0.0.0.0:0".parse().unwrap()).await;
    assert_eq!(app.get("/v1/jobs").await.status(), 401);
    assert_eq!(app.get("/livez").await.status(), 200);
    app.finish().await;
    let app = App::with(|config| {
        config.http.listen = "0.0.0.0:0".parse().unwrap();
        config.auth.anonymous = Anonymous::Always;
    })
    .await;
    assert_eq!(app.get("/v1/jobs").await.status(), 200);
    assert_eq!(app.get("/v1/stats").await.status(), 401);
    assert_eq!(app.client.me().await.unwrap().role.to_string(), "user");
    app.finish().await;
}

/// The browser says where a page comes from; nobody else need.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_changes_nothing_without_a_name() {
    let app = App::with(|config| config.http.cors_origins = vec!["https://a.example".to_owned()]).await;
    let key = app.key("op", Role::Operator).await;
    let pause = |site: &str, origin: &str| {
        app.post("/v1/queues/q/pause").header("sec-fetch-site", site).header("origin", origin)
    };
    let status = async |request: reqwest::RequestBuilder| request.send().await.unwrap().status().as_u16();
    assert_eq!(status(pause("cross-site", "https://evil.example")).await, 403);
    assert_eq!(status(pause("cross-site", "https://a.example")).await, 204);
    assert_eq!(status(pause("same-origin", "http://127.0.0.1")).await, 204);
    assert_eq!(status(pause("cross-site", "https://evil.example").bearer_auth(&key)).await, 204);
    let look = app.http.get(app.at("/v1/queues")).header("sec-fetch-site", "cross-site");
    assert_eq!(status(look).await, 200, "what it may not read need not be refused");
    app.finish().await;
}

/// A name that an attacker makes point at this machine (DNS rebinding) is none of ours.
#[tokio::test(flavor = "multi_thread")]
async fn under_another_name_nobody_is_taken_for_the_host_itself() {
    let app = App::with(|config| config.http.hosts = vec!["proxy.example".to_owned()]).await;
    let key = app.key("op", Role::Operator).await;
    let asked = |host: &str| app.http.get(app.at("/v1/queues")).header("host", host.to_owned());
    let status = async |request: reqwest::RequestBuilder| request.send().await.unwrap().status().as_u16();
    for ours in ["localhost:8080", "LOCALHOST", "x.localhost", "127.0.0.1", "[::1]:1", "Proxy.example:443"] {
        assert_eq!(status(asked(ours)).await, 200, "{ours}");
    }
    for other in ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example"] {
        assert_eq!(status(asked(other)).await, 403, "{other}");
        assert_eq!(status(asked(other).bearer_auth(&key)).await, 200, "{other}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_open_when_told() {
    let app = App::with(|config| {
        config.auth.anonymous = Anonymous::Never;
        config.auth.open_metrics = true;
    })
    .await;
    assert_eq!(app.get("/metrics").await.status(), 200);
    assert_eq!(app.get("/v1/stats").await.status(), 401);
    app.finish().await;
}

/// The originals knew no tokens, so their words for a missing one are those of the service that had some.
#[tokio::test(flavor = "multi_thread")]
async fn the_classic_services_refuse_in_their_own_form() {
    let app = App::with(|config| config.auth.anonymous = Anonymous::Never).await;
    let body = async |request: reqwest::RequestBuilder| {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        answer.json::<serde_json::Value>().await.unwrap()
    };
    let missing = body(app.http.get(app.at("/job/all"))).await;
    assert_eq!(missing, serde_json::json!({ "detail": "Not authenticated" }));
    let wrong = body(app.post("/upload/").bearer_auth("x")).await;
    assert_eq!(wrong, serde_json::json!({ "detail": "Invalid token" }));
    let key = app.key("ann", Role::User).await;
    let answer = app.http.get(app.at("/job/all")).bearer_auth(&key).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    app.finish().await;
}
