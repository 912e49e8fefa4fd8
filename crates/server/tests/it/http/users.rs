//! Administration of users and keys.

use darkroom_api::{Client, Code, NewKey, NewUser, Role as WireRole, Secret, UserPatch};
use darkroom_core::user::Role;

use super::app::{App, PASSWORD, problem, refused};

fn new(name: &str, role: WireRole) -> NewUser {
    NewUser { name: name.to_owned(), password: Secret::new(PASSWORD), role }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_makes_changes_and_removes_users() {
    let app = App::start().await;
    let admin = app.user("root", Role::Admin).await;
    let made = admin.add_user(&new("Ann", WireRole::User)).await.unwrap();
    assert_eq!((made.name.as_str(), made.role, made.disabled_at), ("ann", WireRole::User, None));
    assert_eq!(refused(admin.add_user(&new("ANN", WireRole::User)).await).code, Code::UserExists);
    let names = admin.users().await.unwrap().users.into_iter().map(|user| user.name);
    assert_eq!(names.collect::<Vec<_>>(), ["ann", "root"]);
    let patch = UserPatch { role: Some(WireRole::Operator), disabled: Some(true), ..UserPatch::default() };
    let changed = admin.change_user("ann", &patch).await.unwrap();
    assert!(changed.role == WireRole::Operator && changed.disabled_at.is_some());
    admin.remove_user("ann").await.unwrap();
    for refusal in [
        refused(admin.remove_user("ann").await),
        refused(admin.change_user("ann", &UserPatch::default()).await),
        refused(admin.remove_user("../root").await),
        refused(admin.keys(Some("ann")).await),
    ] {
        assert_eq!(refusal.code, Code::UserNotFound);
    }
    assert_eq!(refused(admin.remove_user("root").await).code, Code::LastAdmin);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_describes_no_user_is_refused_and_passwords_are_not_repeated() {
    let app = App::start().await;
    let key = app.key("root", Role::Admin).await;
    let bodies = [
        r#"{"name":"a b","password":"s3cr3t-s3cr3t"}"#,
        r#"{"name":"anonymous","password":"s3cr3t-s3cr3t"}"#,
        r#"{"name":"ann","password":"s3cr3t"}"#,
        r#"{"name":"ann","password":["s3cr3t-s3cr3t"]}"#,
        r#"{"name":"s3cr3t-s3cr3t","password":7}"#,
        r#"{"name":"ann"}"#,
        r#"["ann","s3cr3t-s3cr3t","admin"]"#,
        r#"{"name":"ann","password":"s3cr3t-s3cr3t","role":"s3cr3t"}"#,
        r#"{"name":"ann","password":"s3cr3t-s3cr3t","extra":1}"#,
    ];
    for body in bodies {
        let sent =
            app.post("/v1/users").bearer_auth(&key).header("content-type", "application/json").body(body);
        let answer = problem(sent.send().await.unwrap()).await;
        assert_eq!(answer.code, Code::InvalidAccount, "{body}");
        assert!(!answer.detail.contains("s3cr3t"), "{}", answer.detail);
    }
    let admin = Client::new(&app.base).unwrap().with_token(Secret::new(&key));
    assert_eq!(admin.users().await.unwrap().users.len(), 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_others_are_for_administrators() {
    let app = App::start().await;
    let admin = app.user("root", Role::Admin).await;
    let (ann, bob) = (app.user("ann", Role::Operator).await, app.user("bob", Role::User).await);
    let key = |user: Option<&str>| NewKey {
        name: "ci".to_owned(),
        expires_in: None,
        user: user.map(str::to_owned),
    };
    let anns = ann.add_key(&key(None)).await.unwrap();
    assert_eq!(refused(bob.revoke_key(&anns.info.id).await).code, Code::KeyNotFound);
    assert_eq!(refused(bob.add_key(&key(Some("ann"))).await).code, Code::Forbidden);
    for whose in ["ann", "*"] {
        assert_eq!(refused(bob.keys(Some(whose)).await).code, Code::Forbidden);
    }
    assert_eq!(bob.keys(Some("bob")).await.unwrap().keys.len(), 1);
    let made = admin.add_key(&key(Some("bob"))).await.unwrap();
    assert_eq!(app.client.clone().with_token(made.key).me().await.unwrap().name, "bob");
    assert_eq!(admin.keys(Some("*")).await.unwrap().keys.len(), 5);
    admin.revoke_key(&anns.info.id).await.unwrap();
    let revoked = admin.keys(Some("ann")).await.unwrap().keys;
    assert!(revoked.iter().any(|key| key.id == anns.info.id && key.revoked_at.is_some()));
    assert_eq!(refused(admin.revoke_key("x").await).code, Code::KeyNotFound);
    app.finish().await;
}

/// What anybody can be shown: answers, logs of types, the document.
#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?} {:?}", new("ann", WireRole::User), app_client());
    assert!(!shown.contains(PASSWORD) && !shown.contains("dk_secret"), "{shown}");
}

fn app_client() -> Client {
    Client::new("http://127.0.0.1:1").unwrap().with_token(Secret::new("dk_secret"))
}
