//! Users and what may be shown of them.

use darkroom_core::{
    Timestamp, TokenKeyId, UserId,
    job::Owner,
    user::{KeyHash, PasswordHash, Role, TokenKey, TokenSecret, User, UserChange, UserName},
};

fn user() -> User {
    User {
        id: UserId::new(Timestamp::default()),
        name: "ann".parse().expect("a name"),
        role: Role::User,
        password: PasswordHash::new("$argon2id$v=19$hidden"),
        created_at: Timestamp::default(),
        disabled_at: None,
        generation: 0,
    }
}

#[test]
fn names_of_users_are_owners_but_never_the_nameless_one() {
    for text in ["a", "Ann", "ann@example.org", "a.b+c_d-e", &"x".repeat(64)] {
        let name: UserName = text.parse().expect(text);
        assert_eq!(name.as_str(), text.to_lowercase());
        assert_eq!(name.as_str().parse::<Owner>().expect(text), Owner::from(&name));
    }
    let long = "x".repeat(65);
    for text in ["", "a b", "a/b", "a:b", "..", ".", "é", "a\0", "a\n", "anonymous", "Anonymous", &long] {
        assert!(text.parse::<UserName>().is_err(), "{text:?}");
    }
}

#[test]
fn a_new_password_and_a_dismissal_end_tokens_and_nothing_else_does() {
    let changed = |change| user().after(change).generation;
    assert_eq!(changed(UserChange::Password(PasswordHash::new("x"))), 1);
    assert_eq!(changed(UserChange::Disable(Timestamp::default())), 1);
    assert_eq!((changed(UserChange::Enable), changed(UserChange::Role(Role::Admin))), (0, 0));
    let twice = user().after(UserChange::Disable(Timestamp::default()));
    assert_eq!(twice.clone().after(UserChange::Disable(Timestamp::from_millis(9))), twice);
    assert!(!twice.is_enabled() && twice.after(UserChange::Enable).is_enabled());
}

#[test]
fn roles_are_ordered_and_spelled() {
    assert!(Role::ALL.is_sorted());
    for role in Role::ALL {
        assert_eq!(role.to_string().parse(), Ok(role));
    }
    assert!("root".parse::<Role>().is_err() && "Admin".parse::<Role>().is_err());
}

#[test]
fn secrets_are_not_shown() {
    let key = TokenKey {
        id: TokenKeyId::new(Timestamp::default()),
        secret: TokenSecret::from_bytes([123; 32]),
        created_at: Timestamp::default(),
    };
    let shown = format!("{:?} {:?} {:?}", user(), key, KeyHash::from_bytes([123; 32]));
    assert!(!shown.contains("argon2id") && !shown.contains("123") && !shown.contains("7b7b"), "{shown}");
    assert_eq!(shown.matches("hidden").count(), 3, "{shown}");
}
