//! Users, keys, tokens, and what belongs to whom.

use std::time::Duration;

use super::{
    NOON, Open,
    fixture::{Bench, damaged, job, named_blob, success},
};
use crate::{
    KeyId, TokenId, TokenKeyId, UserId,
    job::{NewJob, Owner},
    store::{Added, Submitted},
    user::{ApiKey, KeyHash, MAX_KEYS, PasswordHash, Role, TokenKey, TokenSecret, User, UserChange},
};

const HOUR: Duration = Duration::from_hours(1);

fn user(name: &str) -> User {
    User {
        id: UserId::new(NOON),
        name: name.parse().expect("a name"),
        role: Role::User,
        password: PasswordHash::new(format!("$argon2id${name}")),
        created_at: NOON,
        disabled_at: None,
        generation: 0,
    }
}

fn key(user: &User, name: &str) -> ApiKey {
    ApiKey {
        id: KeyId::new(NOON),
        user: user.id,
        name: name.to_owned(),
        hash: KeyHash::of(&[7; 32]),
        created_at: NOON,
        last_used_at: None,
        expires_at: Some(NOON + HOUR),
        revoked_at: None,
    }
}

async fn add(bench: &Bench, name: &str) -> User {
    let user = user(name);
    assert_eq!(bench.store.add_user(user.clone()).await.expect("add"), Added::Added);
    user
}

/// By id and by name, and in the list by name.
pub async fn a_user_is_found_as_it_was_added(open: Open<'_>) {
    let bench = Bench::new(open);
    let (zoe, ann) = (add(&bench, "zoe").await, add(&bench, "ann@example.org").await);
    assert_eq!(bench.store.user(zoe.id).await.expect("read"), Some(zoe.clone()));
    assert_eq!(bench.store.user_named(ann.name.clone()).await.expect("read"), Some(ann.clone()));
    assert_eq!(bench.store.users().await.expect("list"), [ann, zoe]);
    assert_eq!(bench.store.user(UserId::new(NOON)).await.expect("read"), None);
    assert_eq!(bench.store.user_named("bob".parse().expect("name")).await.expect("read"), None);
}

/// Names and ids are there once, and the first one stays.
pub async fn a_name_belongs_to_one_user(open: Open<'_>) {
    let bench = Bench::new(open);
    let ann = add(&bench, "ann").await;
    let twin = User { role: Role::Admin, ..user("ANN") };
    assert_eq!(bench.store.add_user(twin).await.expect("add"), Added::Taken);
    assert_eq!(bench.store.add_user(User { id: ann.id, ..user("bob") }).await.expect("add"), Added::Taken);
    assert_eq!(bench.store.users().await.expect("list"), [ann]);
}

/// By the one function that says how; unknown users stay unknown.
pub async fn users_change_as_the_rules_say(open: Open<'_>) {
    let bench = Bench::new(open);
    let mut expected = add(&bench, "ann").await;
    let other = add(&bench, "bob").await;
    let changes = [
        UserChange::Role(Role::Operator),
        UserChange::Password(PasswordHash::new("new")),
        UserChange::Disable(NOON),
        UserChange::Disable(NOON + HOUR),
        UserChange::Enable,
    ];
    for change in changes {
        expected = expected.after(change.clone());
        let now = bench.store.change_user(expected.id, change).await.expect("change");
        assert_eq!(now.as_ref(), Some(&expected));
        assert_eq!(bench.store.user(expected.id).await.expect("read"), now);
    }
    assert_eq!((expected.generation, expected.role, expected.disabled_at), (2, Role::Operator, None));
    assert_eq!(bench.store.user(other.id).await.expect("read"), Some(other));
    let nobody = bench.store.change_user(UserId::new(NOON), UserChange::Enable).await.expect("change");
    assert_eq!(nobody, None);
}

/// The name is free again, for another user.
pub async fn a_removed_user_is_gone_with_its_keys(open: Open<'_>) {
    let bench = Bench::new(open);
    let (ann, bob) = (add(&bench, "ann").await, add(&bench, "bob").await);
    let (anns, bobs) = (key(&ann, "a"), key(&bob, "b"));
    for key in [&anns, &bobs] {
        assert_eq!(bench.store.add_key(key.clone()).await.expect("add"), Added::Added);
    }
    assert!(bench.store.remove_user(ann.id).await.expect("remove"));
    assert!(!bench.store.remove_user(ann.id).await.expect("remove"));
    assert_eq!(bench.store.user(ann.id).await.expect("read"), None);
    assert_eq!(bench.store.key(anns.id).await.expect("read"), None);
    assert_eq!(bench.store.keys(None).await.expect("list"), [bobs]);
    assert_ne!(add(&bench, "ann").await.id, ann.id);
}

/// Of one user and of all, newest first; ids are there once, and keys belong to somebody.
pub async fn keys_are_found_and_listed(open: Open<'_>) {
    let bench = Bench::new(open);
    let (ann, bob) = (add(&bench, "ann").await, add(&bench, "bob").await);
    let keys = [key(&ann, "old"), ApiKey { created_at: NOON + HOUR, ..key(&ann, "new") }];
    let others = ApiKey { expires_at: None, created_at: NOON + 2 * HOUR, ..key(&bob, "b") };
    for key in [&keys[0], &keys[1], &others] {
        assert_eq!(bench.store.add_key(key.clone()).await.expect("add"), Added::Added);
        assert_eq!(bench.store.key(key.id).await.expect("read").as_ref(), Some(key));
    }
    assert_eq!(bench.store.add_key(keys[0].clone()).await.expect("add"), Added::Taken);
    assert_eq!(bench.store.add_key(key(&user("x"), "x")).await.expect("add"), Added::Orphan);
    let [old, new] = keys;
    assert_eq!(bench.store.keys(Some(ann.id)).await.expect("list"), [new.clone(), old.clone()]);
    assert_eq!(bench.store.keys(None).await.expect("list"), [others, new, old]);
    assert_eq!(bench.store.key(KeyId::new(NOON)).await.expect("read"), None);
}

/// The first revocation counts; using a key leaves it as it is otherwise.
pub async fn a_key_is_used_and_revoked(open: Open<'_>) {
    let bench = Bench::new(open);
    let ann = add(&bench, "ann").await;
    let (mut expected, other) = (key(&ann, "a"), key(&ann, "b"));
    for key in [&expected, &other] {
        bench.store.add_key(key.clone()).await.expect("add");
    }
    bench.store.touch_key(expected.id, NOON + HOUR).await.expect("touch");
    bench.store.touch_key(KeyId::new(NOON), NOON).await.expect("an unknown key is no error");
    expected.last_used_at = Some(NOON + HOUR);
    assert_eq!(bench.store.key(expected.id).await.expect("read"), Some(expected.clone()));
    expected.revoked_at = Some(NOON + HOUR);
    for at in [NOON + HOUR, NOON + 2 * HOUR] {
        let revoked = bench.store.revoke_key(expected.id, at).await.expect("revoke");
        assert_eq!(revoked.as_ref(), Some(&expected));
    }
    assert_eq!(bench.store.key(expected.id).await.expect("read"), Some(expected));
    assert_eq!(bench.store.key(other.id).await.expect("read"), Some(other));
    assert_eq!(bench.store.revoke_key(KeyId::new(NOON), NOON).await.expect("revoke"), None);
}

/// Revoked ones make room, the first revoked first; live ones never.
pub async fn a_user_has_a_bounded_number_of_keys(open: Open<'_>) {
    let bench = Bench::new(open);
    let (ann, bob) = (add(&bench, "ann").await, add(&bench, "bob").await);
    let keys: Vec<ApiKey> = (0..MAX_KEYS).map(|i| key(&ann, &i.to_string())).collect();
    for key in &keys {
        assert_eq!(bench.store.add_key(key.clone()).await.expect("add"), Added::Added);
    }
    assert_eq!(bench.store.add_key(key(&ann, "more")).await.expect("add"), Added::Full);
    assert_eq!(bench.store.add_key(key(&bob, "b")).await.expect("add"), Added::Added);
    bench.store.revoke_key(keys[5].id, NOON + HOUR).await.expect("revoke");
    bench.store.revoke_key(keys[9].id, NOON).await.expect("revoke");
    assert_eq!(bench.store.add_key(key(&ann, "more")).await.expect("add"), Added::Added);
    assert_eq!(bench.store.key(keys[9].id).await.expect("read"), None);
    assert!(bench.store.key(keys[5].id).await.expect("read").is_some());
}

/// Each of the next two is remembered until it expires.
pub async fn a_revoked_token_is_remembered_until_it_expires(open: Open<'_>) {
    let bench = Bench::new(open);
    let (soon, late, other) = (TokenId::new(NOON), TokenId::new(NOON), TokenId::new(NOON));
    for _ in 0..2 {
        assert_eq!(bench.store.revoke_token(soon, NOON + HOUR).await.expect("revoke"), Added::Added);
    }
    bench.store.revoke_token(late, NOON + 2 * HOUR).await.expect("revoke");
    let revoked = async |id| bench.store.is_token_revoked(id).await.expect("ask");
    assert!(revoked(soon).await && revoked(late).await && !revoked(other).await);
    bench.wait(HOUR);
    bench.store.revoke_token(other, NOON + 2 * HOUR).await.expect("revoke");
    assert!(!revoked(soon).await && revoked(late).await && revoked(other).await);
}

/// Oldest first; what is older than a given time goes when a new one comes, and the new one never.
pub async fn token_keys_are_kept_as_long_as_they_are_needed(open: Open<'_>) {
    let bench = Bench::new(open);
    let made = |hours: u32| TokenKey {
        id: TokenKeyId::new(NOON),
        secret: TokenSecret::from_bytes([hours as u8; 32]),
        created_at: NOON + hours * HOUR,
    };
    assert_eq!(bench.store.token_keys().await.expect("list"), []);
    let (first, second, third) = (made(0), made(1), made(2));
    for (key, forget) in [(&second, NOON), (&first, NOON + 100 * HOUR), (&second, NOON)] {
        let renewed = TokenKey { id: TokenKeyId::new(NOON), ..key.clone() };
        bench.store.add_token_key(renewed, forget).await.expect("add");
    }
    let ages = async || {
        let keys = bench.store.token_keys().await.expect("list");
        keys.into_iter().map(|key| (key.created_at, key.secret)).collect::<Vec<_>>()
    };
    let age = |key: &TokenKey| (key.created_at, key.secret);
    assert_eq!(ages().await, [age(&first), age(&second)]);
    bench.store.add_token_key(third.clone(), NOON + HOUR).await.expect("add");
    assert_eq!(ages().await, [age(&second), age(&third)]);
}

/// Whatever its state, as input and as artifact; what others have does not count.
pub async fn a_blob_is_referred_to_by_the_jobs_of_an_owner(open: Open<'_>) {
    let bench = Bench::new(open);
    let (ann, bob): (Owner, Owner) = ("ann".parse().expect("owner"), "bob".parse().expect("owner"));
    let by = |owner: &Owner, name: &str| NewJob { owner: owner.clone(), ..job(name) };
    let ids = bench.submit_all(vec![by(&ann, "a"), by(&bob, "b"), by(&ann, "both"), by(&bob, "both")]).await;
    let leased = bench.claim(bench.session().await, 1).await;
    bench.finish(leased[0].lease, success("a.thumb")).await;
    let refers =
        async |owner: &Owner, name| bench.store.refers(owner.clone(), named_blob(name)).await.expect("ask");
    for (name, anns, bobs) in
        [("a", true, false), ("a.thumb", true, false), ("b", false, true), ("both", true, true)]
    {
        assert_eq!((refers(&ann, name).await, refers(&bob, name).await), (anns, bobs), "{name}");
    }
    assert!(!refers(&ann, "stray").await && !refers(&Owner::default(), "a").await);
    bench.store.delete(ids[0]).await.expect("delete");
    assert!(!refers(&ann, "a").await && !refers(&ann, "a.thumb").await);
}

/// Waiting and running jobs count, ended and deleted ones do not, and other owners have their own number.
pub async fn an_owner_has_a_bounded_number_of_open_jobs(open: Open<'_>) {
    let bench = Bench::new(open);
    let bounded = |owner: &str| {
        let (owner, run_at) = (owner.parse().expect("owner"), None);
        NewJob { owner, max_open: Some(2), run_at, ..job("a") }
    };
    let submit = async |job| bench.store.submit(vec![job]).await.expect("submit").remove(0);
    let delayed = NewJob { run_at: Some(NOON + HOUR), ..bounded("ann") };
    let first = bench.submit(delayed.clone()).await;
    let second = bench.submit(bounded("ann")).await;
    assert_eq!(submit(bounded("ann")).await, Submitted::TooManyOpen);
    assert_eq!(submit(delayed).await, Submitted::Existing(first), "the same job is not a further one");
    let others = bench.submit(bounded("bob")).await;
    bench.submit(NewJob { max_open: None, ..bounded("ann") }).await;
    bench.store.cancel(first).await.expect("cancel");
    assert_eq!(submit(bounded("ann")).await, Submitted::TooManyOpen);
    let session = bench.session().await;
    let leased = bench.claim(session, 3).await;
    assert_eq!(submit(bounded("ann")).await, Submitted::TooManyOpen, "running jobs are open");
    for leased in leased {
        bench.finish(leased.lease, damaged()).await;
    }
    bench.store.retry(second).await.expect("retry");
    bench.submit(bounded("ann")).await;
    assert_eq!(submit(bounded("ann")).await, Submitted::TooManyOpen);
    bench.store.delete(second).await.expect("delete");
    bench.submit(bounded("ann")).await;
    bench.store.delete(others).await.expect("delete");
}
