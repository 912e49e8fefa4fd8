//! What opens and what does not, with a clock to move.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use darkroom_api::Secret;
use darkroom_core::{
    ManualClock, TokenKeyId,
    store::{StoreLimits, Tokens as _},
    user::{Role, TokenKey, TokenSecret},
};
use darkroom_store::Memory;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::{Config as Settings, blobs::Blobs, predict::Predictor};

const NOON: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const PASSWORD: &str = "correct horse";
const HERE: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

/// Accounts with one user, `ann`.
struct Bench {
    accounts: Accounts,
    metrics: Metrics,
    store: Arc<Memory>,
    clock: Arc<ManualClock>,
    ann: User,
    _folder: TempDir,
}

impl Bench {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at(NOON));
        let store = Arc::new(Memory::new(StoreLimits::default(), clock.clone()));
        let mut config = Settings::default();
        change(&mut config.auth);
        assert_eq!(config.validate(), []);
        let blobs = Blobs::open(folder.path()).unwrap();
        let predictor = Predictor::open(&config.models, folder.path(), None).unwrap();
        let sources = crate::runs::sources(&config, &blobs, folder.path());
        let parts = Parts {
            store: store.clone(),
            blobs,
            sources,
            predictor,
            clock: clock.clone(),
            config,
            settings: Arc::default(),
        };
        let metrics = Metrics::default();
        let accounts = Accounts::new(&parts, &metrics);
        let ann = accounts.add_user("Ann", Secret::new(PASSWORD), Role::User).await.unwrap();
        Self { accounts, metrics, store, clock, ann, _folder: folder }
    }

    async fn token(&self) -> String {
        let signed_in = self.accounts.sign_in("ann", Secret::new(PASSWORD), HERE).await.unwrap();
        signed_in.expect("the password is right").token.reveal().to_owned()
    }

    async fn opens(&self, credential: &str) -> bool {
        let identity = self.accounts.authenticate(credential).await.unwrap();
        identity.as_ref().inspect(|identity| assert_eq!(identity.user.id, self.ann.id)).is_some()
    }

    async fn key(&self) -> TokenKey {
        self.store.token_keys().await.unwrap().pop().unwrap()
    }

    async fn fails(&self, name: &str, from: std::net::IpAddr) -> Option<Duration> {
        match self.accounts.sign_in(name, Secret::new("wrong"), from).await {
            Ok(None) => None,
            Err(AccountError::TooOften(wait)) => Some(wait),
            other => panic!("{other:?}"),
        }
    }
}

/// The three parts of a token: head and claims as JSON, the signature as text.
fn parts(token: &str) -> (Value, Value, String) {
    let parts: Vec<&str> = token.split('.').collect();
    let read = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    (read(parts[0]), read(parts[1]), parts[2].to_owned())
}

fn written(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn signed(key: &TokenKey, kid: Option<String>, claims: &Value) -> String {
    let header = Header { kid, ..Header::new(Algorithm::HS256) };
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(key.secret.reveal())).unwrap()
}

#[tokio::test]
async fn a_token_opens_until_it_expires_and_says_nothing_secret() {
    let bench = Bench::new().await;
    let token = bench.token().await;
    let (head, claims, _) = parts(&token);
    assert_eq!((&head["alg"], &head["typ"]), (&json!("HS256"), &json!("JWT")));
    let names: Vec<&String> = claims.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 6, "{names:?}");
    assert!(!claims.to_string().contains("argon2") && !claims.to_string().contains(PASSWORD));
    assert!(bench.opens(&token).await);
    bench.clock.advance(Duration::from_hours(12) - Duration::from_millis(1));
    assert!(bench.opens(&token).await);
    bench.clock.advance(Duration::from_millis(1));
    assert!(!bench.opens(&token).await);
}

#[tokio::test]
async fn a_token_of_another_algorithm_or_of_none_opens_nothing() {
    let bench = Bench::new().await;
    let token = bench.token().await;
    let (head, claims, signature) = parts(&token);
    let body = written(&claims);
    for alg in ["none", "None", "NONE", "HS384", "HS512", "RS256", "ES256", "EdDSA", ""] {
        let mut other = head.clone();
        other["alg"] = json!(alg);
        for signature in ["", &signature] {
            assert!(!bench.opens(&format!("{}.{body}.{signature}", written(&other))).await, "{alg}");
        }
    }
    // Genuinely signed by our own key, but with another algorithm than ours.
    let key = bench.key().await;
    let header = Header { kid: Some(key.id.to_string()), ..Header::new(Algorithm::HS512) };
    let strong = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(key.secret.reveal()));
    assert!(!bench.opens(&strong.unwrap()).await);
    assert!(bench.opens(&signed(&key, Some(key.id.to_string()), &claims)).await, "the control");
}

#[tokio::test]
async fn a_token_that_was_changed_or_signed_by_somebody_else_opens_nothing() {
    let bench = Bench::new().await;
    let token = bench.token().await;
    let (head, claims, signature) = parts(&token);
    let admin = bench.accounts.add_user("root", Secret::new(PASSWORD), Role::Admin).await.unwrap();
    for (name, value) in [
        ("sub", json!(admin.id)),
        ("exp", json!(9_999_999_999_i64)),
        ("generation", json!(1)),
        ("jti", json!("x")),
    ] {
        let mut changed = claims.clone();
        changed[name] = value;
        assert!(
            !bench.opens(&format!("{}.{}.{signature}", written(&head), written(&changed))).await,
            "{name}"
        );
    }
    let own = bench.key().await;
    let kid = Some(own.id.to_string());
    let stranger = TokenKey { secret: TokenSecret::from_bytes([1; 32]), ..own.clone() };
    assert!(!bench.opens(&signed(&stranger, kid.clone(), &claims)).await, "wrong key");
    let unknown = Some(TokenKeyId::new(NOON).to_string());
    for kid in [None, unknown, Some("../../signing.key".to_owned()), Some(String::new())] {
        assert!(!bench.opens(&signed(&own, kid.clone(), &claims)).await, "{kid:?}");
    }
    for missing in ["exp", "sub", "jti", "iss", "generation"] {
        let mut fewer = claims.clone();
        fewer.as_object_mut().unwrap().remove(missing);
        assert!(!bench.opens(&signed(&own, kid.clone(), &fewer)).await, "without {missing}");
    }
    for (name, value) in [("iss", json!("elsewhere")), ("exp", json!(i64::MAX)), ("exp", json!("never"))] {
        let mut odd = claims.clone();
        odd[name] = value;
        assert!(!bench.opens(&signed(&own, kid.clone(), &odd)).await, "{name}");
    }
    let long = format!("{token}{}", "A".repeat(5_000));
    for text in ["", ".", "..", "a.b.c", &token[1..], &token[..token.len() - 2], &long] {
        assert!(!bench.opens(text).await, "{text:.60}");
    }
    assert!(bench.opens(&signed(&own, kid, &claims)).await, "the control");
}

#[tokio::test]
async fn a_new_signing_key_takes_over_and_old_tokens_work_until_they_expire() {
    let day = Duration::from_hours(24);
    let bench = Bench::with(|config| {
        config.signing_key_life = day;
        config.token_life = Duration::from_hours(36);
    })
    .await;
    let first = bench.token().await;
    assert_eq!(parts(&bench.token().await).0, parts(&first).0, "one key signs for its life");
    bench.clock.advance(day);
    let second = bench.token().await;
    assert_ne!(parts(&first).0["kid"], parts(&second).0["kid"]);
    assert!(bench.opens(&first).await && bench.opens(&second).await);
    assert_eq!(bench.store.token_keys().await.unwrap().len(), 2);
    bench.clock.advance(day);
    assert!(!bench.opens(&first).await && bench.opens(&second).await);
    bench.token().await;
    bench.clock.advance(day);
    bench.token().await;
    assert_eq!(
        bench.store.token_keys().await.unwrap().len(),
        3,
        "what has signed nothing that lives is forgotten"
    );
}

#[tokio::test]
async fn a_token_that_was_signed_out_stays_out_and_others_stay_in() {
    let bench = Bench::new().await;
    let (token, other) = (bench.token().await, bench.token().await);
    let identity = bench.accounts.authenticate(&token).await.unwrap().unwrap();
    for _ in 0..2 {
        bench.accounts.sign_out(&identity).await.unwrap();
    }
    assert!(!bench.opens(&token).await && bench.opens(&other).await);
    assert!(!bench.accounts.stands(&identity).await.unwrap());
    // The clock goes on, the token does not come back.
    bench.clock.advance(Duration::from_hours(11));
    assert!(!bench.opens(&token).await);
}

#[tokio::test]
async fn who_is_disabled_or_removed_is_out_at_once() {
    let bench = Bench::new().await;
    let token = bench.token().await;
    let wish = KeyWish { name: "ci".to_owned(), life: None };
    let (_, key) = bench.accounts.add_key(&bench.ann, wish).await.unwrap();
    let identity = bench.accounts.authenticate(&token).await.unwrap().unwrap();
    let disable = |disabled| Patch { disabled: Some(disabled), ..Patch::default() };
    bench.accounts.change_user("ann", disable(true)).await.unwrap();
    assert!(!bench.opens(&token).await && !bench.opens(key.reveal()).await);
    assert!(!bench.accounts.stands(&identity).await.unwrap());
    assert_eq!(bench.fails("ann", HERE).await, None);
    assert!(bench.accounts.sign_in("ann", Secret::new(PASSWORD), HERE).await.unwrap().is_none());
    bench.accounts.change_user("ann", disable(false)).await.unwrap();
    assert!(!bench.opens(&token).await, "tokens of before stay out");
    assert!(bench.opens(key.reveal()).await && bench.opens(&bench.token().await).await);
    bench.accounts.remove_user("ann").await.unwrap();
    assert!(!bench.opens(key.reveal()).await);
    bench.accounts.add_user("ann", Secret::new(PASSWORD), Role::Admin).await.unwrap();
    assert!(
        bench.accounts.authenticate(&token).await.unwrap().is_none(),
        "another user, though of the same name"
    );
}

#[tokio::test]
async fn a_new_password_ends_every_token() {
    let bench = Bench::new().await;
    let token = bench.token().await;
    let identity = bench.accounts.authenticate(&token).await.unwrap().unwrap();
    let change = async |current: &str, new: &str| {
        let passwords = (Secret::new(current), Secret::new(new));
        bench.accounts.change_own_password(&identity, passwords, HERE).await
    };
    assert!(matches!(change("wrong", "battery staple").await, Err(AccountError::WrongPassword)));
    assert!(matches!(change(PASSWORD, "short").await, Err(AccountError::Invalid(_))));
    assert!(bench.opens(&token).await);
    change(PASSWORD, "battery staple").await.unwrap();
    assert!(!bench.opens(&token).await);
    assert!(bench.accounts.sign_in("ann", Secret::new(PASSWORD), HERE).await.unwrap().is_none());
    assert!(bench.accounts.sign_in("ANN", Secret::new("battery staple"), HERE).await.unwrap().is_some());
}

#[tokio::test]
async fn a_key_opens_until_it_expires_or_is_revoked() {
    let bench = Bench::new().await;
    let add = async |life| {
        let wish = KeyWish { name: " ci ".to_owned(), life };
        bench.accounts.add_key(&bench.ann, wish).await.unwrap()
    };
    let (short, short_text) = add(Some(Duration::from_mins(1))).await;
    let (long, long_text) = add(None).await;
    assert_eq!(short.name, "ci");
    assert!(bench.opens(short_text.reveal()).await && bench.opens(long_text.reveal()).await);
    let used = bench.accounts.keys(Some(&bench.ann)).await.unwrap();
    assert!(used.iter().all(|key| key.last_used_at == Some(NOON)));
    bench.clock.advance(Duration::from_mins(1));
    assert!(!bench.opens(short_text.reveal()).await && bench.opens(long_text.reveal()).await);
    let mut changed = long_text.reveal().to_owned();
    let last = if changed.pop() == Some('A') { 'B' } else { 'A' };
    changed.push(last);
    assert!(!bench.opens(&changed).await);
    let stranger = bench.accounts.add_user("bob", Secret::new(PASSWORD), Role::Operator).await.unwrap();
    let refused = bench.accounts.revoke_key(long.id, Some(&stranger)).await;
    assert!(matches!(refused, Err(AccountError::NoKey)));
    bench.accounts.revoke_key(long.id, Some(&bench.ann)).await.unwrap();
    assert!(!bench.opens(long_text.reveal()).await);
    for name in ["", "  ", "a\nb", &"x".repeat(101)] {
        let wish = KeyWish { name: name.to_owned(), life: None };
        assert!(matches!(bench.accounts.add_key(&bench.ann, wish).await, Err(AccountError::Invalid(_))));
    }
}

/// Wall time would be a guess; the work is the same, one check each.
#[tokio::test]
async fn an_unknown_name_costs_what_a_wrong_password_costs() {
    let bench = Bench::new().await;
    let mut before = bench.metrics.password_checks.get();
    for name in ["ann", "nobody", "no body", "", "../ann"] {
        assert_eq!(bench.fails(name, HERE).await, None, "{name}");
        let after = bench.metrics.password_checks.get();
        assert_eq!(after - before, 1, "{name}");
        before = after;
    }
}

#[tokio::test]
async fn guessing_is_stopped_by_name_and_by_address() {
    let bench = Bench::with(|config| config.attempts = 2).await;
    let other = std::net::IpAddr::from([192, 0, 2, 2]);
    for _ in 0..2 {
        assert_eq!(bench.fails("ann", HERE).await, None);
    }
    let checks = bench.metrics.password_checks.get();
    let wait = bench.fails("ann", HERE).await.expect("the third is one too many");
    assert!(wait <= Duration::from_mins(15) / 2, "{wait:?}");
    let refused = bench.accounts.sign_in("ann", Secret::new(PASSWORD), HERE).await;
    assert!(matches!(refused, Err(AccountError::TooOften(_))), "even with the right password");
    assert_eq!(bench.metrics.password_checks.get(), checks, "and no password is looked at");
    let elsewhere = bench.accounts.sign_in("ann", Secret::new(PASSWORD), other).await.unwrap();
    assert!(elsewhere.is_some(), "nobody is locked out by a stranger's guesses");
    for name in 0..8 {
        assert_eq!(bench.fails(&format!("guess{name}"), HERE).await, None);
    }
    assert!(bench.fails("another", HERE).await.is_some(), "one address tries many names");
    bench.clock.advance(Duration::from_mins(15));
    assert_eq!(bench.fails("ann", HERE).await, None);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let bench = Bench::new().await;
    let (admin, password) = {
        bench.accounts.remove_user("ann").await.unwrap();
        bench.accounts.first_admin().await.unwrap().expect("there is nobody")
    };
    assert_eq!((admin.name.as_str(), admin.role), ("admin", Role::Admin));
    assert!(bench.accounts.first_admin().await.unwrap().is_none());
    assert!(bench.accounts.sign_in("admin", password, HERE).await.unwrap().is_some());
    let demote = || Patch { role: Some(Role::Operator), ..Patch::default() };
    let disable = || Patch { disabled: Some(true), ..Patch::default() };
    for patch in [demote(), disable()] {
        let refused = bench.accounts.change_user("admin", patch).await;
        assert!(matches!(refused, Err(AccountError::LastAdmin)));
    }
    assert!(matches!(bench.accounts.remove_user("admin").await, Err(AccountError::LastAdmin)));
    bench.accounts.add_user("second", Secret::new(PASSWORD), Role::Admin).await.unwrap();
    bench.accounts.change_user("second", disable()).await.unwrap();
    let refused = bench.accounts.change_user("admin", demote()).await;
    assert!(matches!(refused, Err(AccountError::LastAdmin)), "one who is disabled is none");
    bench.accounts.change_user("second", Patch { disabled: Some(false), ..Patch::default() }).await.unwrap();
    bench.accounts.change_user("admin", demote()).await.unwrap();
}

#[test]
fn who_is_answered_without_a_name_depends_on_where_the_server_listens() {
    let (here, everywhere, six) = ("127.0.0.1", "0.0.0.0", "::1");
    let config = |anonymous| Config { anonymous, ..Config::default() };
    let admits =
        |anonymous, listen: &str| config(anonymous).admits_anonymous(listen.parse().expect("an address"));
    let cases = [
        (Anonymous::Loopback, [true, false, true]),
        (Anonymous::Always, [true, true, true]),
        (Anonymous::Never, [false, false, false]),
    ];
    for (anonymous, expected) in cases {
        assert_eq!([here, everywhere, six].map(|listen| admits(anonymous, listen)), expected);
    }
    assert!(!Config::default().needs_users(here.parse().unwrap()));
    assert!(Config::default().needs_users(everywhere.parse().unwrap()));
    assert!(config(Anonymous::Never).needs_users(here.parse().unwrap()));
}

#[test]
fn neighbours_of_version_six_are_one_address() {
    let same = |a: &str, b: &str| network(a.parse().unwrap()) == network(b.parse().unwrap());
    assert!(same("2001:db8::1", "2001:db8::ffff:1") && !same("2001:db8::1", "2001:db8:0:1::1"));
    assert!(same("192.0.2.1", "::ffff:192.0.2.1") && !same("192.0.2.1", "192.0.2.2"));
}
