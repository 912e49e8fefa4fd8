//! Signing in over HTTP, and what surrounds a token on the wire.

use darkroom_api::{Client, Code, NewKey, PasswordChange, Secret, TokenAnswer};
use darkroom_core::user::Role;
use darkroom_server::accounts::Anonymous;
use serde_json::{Value, json};

use super::{
    app::{App, PASSWORD, problem, refused},
    raw,
};

async fn closed() -> App {
    App::with(|config| config.auth.anonymous = Anonymous::Never).await
}

#[tokio::test(flavor = "multi_thread")]
async fn name_and_password_give_a_token_that_opens() {
    let app = closed().await;
    app.user("ann", Role::User).await;
    let fields = [("grant_type", "password"), ("username", "ann"), ("password", PASSWORD), ("scope", "")];
    let multipart = reqwest::multipart::Form::new().text("username", "Ann").text("password", PASSWORD);
    let forms = [
        app.post("/token").form(&fields),
        app.post("/token/").form(&fields[1..3]),
        app.post("/token").multipart(multipart),
    ];
    for form in forms {
        let answer = form.send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["cache-control"]),
            (200, &"no-store".parse().unwrap())
        );
        let text = answer.text().await.unwrap();
        let fields: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(fields.as_object().unwrap().len(), 3, "{text}");
        let answer: TokenAnswer = serde_json::from_str(&text).unwrap();
        assert_eq!((answer.token_type.as_str(), answer.expires_in), ("bearer", 12 * 3_600));
        let me = app.client.clone().with_token(answer.access_token).me().await.unwrap();
        assert_eq!((me.name.as_str(), me.signed_in), ("ann", true));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_and_unknown_names_are_told_the_same() {
    let app = closed().await;
    app.user("ann", Role::User).await;
    let mut told = Vec::new();
    for (name, password) in
        [("ann", "wrong"), ("nobody", PASSWORD), ("anonymous", PASSWORD), ("ann\0", "x"), ("é", "x")]
    {
        let answer =
            app.post("/token").form(&[("username", name), ("password", password)]).send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["www-authenticate"]),
            (401, &"Bearer".parse().unwrap())
        );
        told.push(answer.json::<Value>().await.unwrap());
    }
    assert!(
        told.iter().all(|words| *words == json!({ "detail": "Invalid username of password" })),
        "{told:?}"
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_fields_are_named_as_the_original_did() {
    let app = closed().await;
    let missing =
        |name: &str| json!({ "loc": ["body", name], "msg": "field required", "type": "value_error.missing" });
    let cases = [
        (app.post("/token"), vec![missing("username"), missing("password")]),
        (
            app.post("/token").json(&json!({ "username": "ann", "password": "x" })),
            vec![missing("username"), missing("password")],
        ),
        (app.post("/token").form(&[("username", "ann")]), vec![missing("password")]),
        (app.post("/token").form(&[("username", ""), ("password", "x")]), vec![missing("username")]),
    ];
    for (request, expected) in cases {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 422);
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({ "detail": expected }));
    }
    let other = [("grant_type", "client_credentials"), ("username", "ann"), ("password", "x")];
    let answer = app.post("/token").form(&other).send().await.unwrap();
    assert_eq!(answer.status(), 422);
    assert_eq!(answer.json::<Value>().await.unwrap()["detail"][0]["loc"], json!(["body", "grant_type"]));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_answered_429_with_the_time_to_wait() {
    let app = App::with(|config| config.auth.attempts = 2).await;
    let guess = || app.post("/token").form(&[("username", "ann"), ("password", "wrong")]).send();
    for _ in 0..2 {
        assert_eq!(guess().await.unwrap().status(), 401);
    }
    let answer = guess().await.unwrap();
    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=450).contains(&wait), "{wait}");
    assert_eq!(problem(answer).await.code, Code::RateLimited);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_signed_out_opens_nothing() {
    let app = closed().await;
    app.user("ann", Role::User).await;
    let password = Secret::new(PASSWORD);
    let token = app.client.sign_in("ann", &password).await.unwrap().access_token;
    let ann = app.client.clone().with_token(token);
    ann.me().await.unwrap();
    ann.sign_out().await.unwrap();
    assert_eq!(refused(ann.me().await).code, Code::InvalidToken);
    assert_eq!(refused(ann.sign_out().await).code, Code::InvalidToken);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_changes_the_own_password_and_makes_own_keys() {
    let app = closed().await;
    app.user("ann", Role::User).await;
    let token = app.client.sign_in("ann", &Secret::new(PASSWORD)).await.unwrap().access_token;
    let ann = app.client.clone().with_token(token);
    let new = |name: &str| NewKey { name: name.to_owned(), expires_in: Some(60), user: None };
    let made = ann.add_key(&new("ci")).await.unwrap();
    assert!(made.key.reveal().starts_with(&made.info.prefix));
    let listed = ann.keys(None).await.unwrap();
    assert_eq!(listed.keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["ci", "test"]);
    let shown = serde_json::to_string(&listed).unwrap();
    assert!(!shown.contains(&made.key.reveal()[20..]), "a key is shown once");
    let with_key = app.client.clone().with_token(made.key);
    assert_eq!(with_key.me().await.unwrap().name, "ann");
    assert_eq!(refused(with_key.sign_out().await).code, Code::InvalidAccount);
    ann.revoke_key(&made.info.id).await.unwrap();
    ann.revoke_key(&made.info.id).await.unwrap();
    assert_eq!(refused(with_key.me().await).code, Code::InvalidToken);
    let change =
        |current: &str| PasswordChange { current: Secret::new(current), new: Secret::new("battery staple") };
    assert_eq!(refused(ann.change_password(&change("wrong")).await).code, Code::WrongPassword);
    ann.change_password(&change(PASSWORD)).await.unwrap();
    assert_eq!(refused(ann.me().await).code, Code::InvalidToken);
    app.client.sign_in("ann", &Secret::new("battery staple")).await.unwrap();
    app.finish().await;
}

/// A token that is wrong is told, even where none is needed: nobody works as somebody else by mistake.
#[tokio::test(flavor = "multi_thread")]
async fn odd_credentials_are_refused() {
    let app = App::start().await;
    let key = app.key("ann", Role::User).await;
    let odd = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Basic YW5uOmNvcnJlY3Q=".to_owned(),
        key.clone(),
        format!("Bearer {key} x"),
        format!("Bearer {key},{key}"),
        format!("Bearer Bearer {key}"),
        format!("Bearer {}", "A".repeat(100_000)),
    ];
    for value in odd {
        let answer = app.http.get(app.at("/v1/jobs")).header("authorization", &value).send().await.unwrap();
        assert_eq!(problem(answer).await.code, Code::InvalidToken, "{value:.60}");
    }
    let twice = format!(
        "GET /v1/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {key}\r\nAuthorization: Bearer {key}\r\n\r\n"
    );
    assert_eq!(raw::send(&app, twice.as_bytes()).await.status, 401);
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let value = format!("{scheme} {key}");
        let answer = app.http.get(app.at("/v1/me")).header("authorization", value).send().await.unwrap();
        assert_eq!(answer.json::<Value>().await.unwrap()["name"], "ann");
    }
    let in_the_address = app.get(&format!("/v1/keys?access_token={key}")).await;
    assert_eq!(in_the_address.status(), 401, "no secret belongs into an address");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_and_bodies_are_bounded_before_and_after_signing_in() {
    let app = closed().await;
    let key = app.key("ann", Role::User).await;
    let injected = format!(
        "GET /v1/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer x\r\n\tBearer {key}\r\n\r\n"
    );
    assert!([400, 401].contains(&raw::send(&app, injected.as_bytes()).await.status));
    let large = format!(
        "GET /v1/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
        "A".repeat(200_000)
    );
    assert_eq!(raw::send(&app, large.as_bytes()).await.status, 431);
    let form = format!("username=ann&password={}", "x".repeat(20_000));
    let sent = app.post("/token").header("content-type", "application/x-www-form-urlencoded").body(form);
    assert_eq!(problem(sent.send().await.unwrap()).await.code, Code::BodyTooLarge);
    let ann = Client::new(&app.base).unwrap().with_token(Secret::new(&key));
    let long = NewKey { name: "x".repeat(20_000), expires_in: None, user: None };
    assert_eq!(refused(ann.add_key(&long).await).code, Code::BodyTooLarge);
    for target in
        ["/v1/users/..", "/v1/users/%2e%2e", "/v1/keys/..%2f..%2fkeys", "//v1/me", "/v1//me", "/v1/ME"]
    {
        let head = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let status = raw::send(&app, head.as_bytes()).await.status;
        assert!([400, 401, 404, 405].contains(&status), "{target}: {status}");
    }
    // A method that no route has runs no handler, and needs no name to be told so.
    let put = app.http.put(app.at("/v1/users")).send().await.unwrap();
    assert_eq!(put.status(), 405);
    let head = app.http.head(app.at("/v1/jobs")).send().await.unwrap();
    assert_eq!(head.status(), 401);
    app.finish().await;
}
