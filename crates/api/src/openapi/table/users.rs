//! Users, tokens and keys.

use super::super::endpoint::{
    Access::{Admin, Open, SignedIn, User},
    Content, Endpoint, Parameter,
    Shape::{Id, Pattern, Text},
    answer, path, query,
};
use super::{DETAIL, READ, VALIDATION};
use crate::problem::Code;

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::post("/token", "users", "Sign in with name and password (OAuth2, RFC 6749, 4.3). \
        The token goes into `Authorization: Bearer …` of every other request until it expires.")
        .needs(Open)
        .body(&[Content::Fields(r#"{"type":"object","required":["username","password"],"properties":{"grant_type":{"type":"string","const":"password"},"username":{"type":"string"},"password":{"type":"string","format":"password"},"scope":{"type":"string"},"client_id":{"type":"string"},"client_secret":{"type":"string"}}}"#)])
        .answers(&[
            answer(200, "Signed in.", &[Content::Json("TokenAnswer")]),
            answer(401, "Unknown name or wrong password, without saying which.", &[DETAIL]),
            answer(422, "A field is missing.", &[VALIDATION]),
        ])
        .problems(&[
            Code::MalformedBody, Code::RequestTimeout, Code::BodyTooLarge, Code::RateLimited, Code::Internal,
            Code::Overloaded, Code::StoreUnavailable,
        ]),
    Endpoint::post("/v1/tokens/revoke", "users", "Sign out: the token that this request comes with opens nothing any more.")
        .needs(SignedIn)
        .answers(&[answer(204, "It is over.", &[])])
        .problems(&[Code::InvalidAccount, Code::Overloaded, Code::DiskFull]),
    Endpoint::get("/v1/me", "users", "Who is asking.")
        .needs(User)
        .answers(&[answer(200, "The caller.", &[Content::Json("Me")])]),
    Endpoint::post("/v1/me/password", "users", "Choose a new password. Ends every token of the caller.")
        .needs(SignedIn)
        .body(&[Content::Json("PasswordChange")])
        .answers(&[answer(204, "It is the new one from now on.", &[])])
        .problems(CHANGE_USER),
    Endpoint::get("/v1/users", "users", "Every user.")
        .needs(Admin)
        .answers(&[answer(200, "The users.", &[Content::Json("UserList")])])
        .problems(READ),
    Endpoint::post("/v1/users", "users", "Make a user.")
        .needs(Admin)
        .body(&[Content::Json("NewUser")])
        .answers(&[answer(201, "The user.", &[Content::Json("UserInfo")])])
        .problems(CHANGE_USER),
    Endpoint::post("/v1/users/{name}", "users", "Change a user: role, password, whether they are disabled.")
        .needs(Admin)
        .takes(&[USER])
        .body(&[Content::Json("UserPatch")])
        .answers(&[answer(200, "The user as they are now.", &[Content::Json("UserInfo")])])
        .problems(CHANGE_USER),
    Endpoint::delete("/v1/users/{name}", "users", "Remove a user with every key. Their jobs stay.")
        .needs(Admin)
        .takes(&[USER])
        .answers(&[answer(204, "They are gone.", &[])])
        .problems(&[Code::UserNotFound, Code::LastAdmin, Code::Internal, Code::StoreUnavailable, Code::DiskFull]),
    Endpoint::get("/v1/keys", "users", "The caller's keys, or those of another user for administrators.")
        .needs(SignedIn)
        .takes(&[query("user", Text, "Whose; `*` is everybody's.")])
        .answers(&[answer(200, "The keys, newest first.", &[Content::Json("KeyList")])])
        .problems(&[Code::InvalidParameter, Code::Forbidden, Code::UserNotFound]),
    Endpoint::post("/v1/keys", "users", "Make a key for a program. It is shown once.")
        .needs(SignedIn)
        .body(&[Content::Json("NewKey")])
        .answers(&[answer(201, "The key.", &[Content::Json("CreatedKey")])])
        .problems(CHANGE_USER),
    Endpoint::delete("/v1/keys/{id}", "users", "Revoke a key. Idempotent.")
        .needs(SignedIn)
        .takes(&[path("id", Id, "The key.")])
        .answers(&[answer(204, "It opens nothing any more.", &[])])
        .problems(&[Code::KeyNotFound, Code::DiskFull]),
];

const USER: Parameter = path("name", Pattern("^[A-Za-z0-9_.@+-]{1,64}$"), "The user.");

const CHANGE_USER: &[Code] = &[
    Code::MalformedBody,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::Forbidden,
    Code::WrongPassword,
    Code::UserNotFound,
    Code::UserExists,
    Code::LastAdmin,
    Code::InvalidAccount,
    Code::RateLimited,
    Code::QuotaExceeded,
    Code::Internal,
    Code::Overloaded,
    Code::StoreUnavailable,
    Code::DiskFull,
];
