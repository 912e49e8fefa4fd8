//! Every endpoint, a file a group, in reading order.

mod classic;
mod jobs;
mod models;
mod runs;
mod system;
mod users;
mod v2;

use super::endpoint::{Content, Endpoint};
use crate::problem::Code;

/// The endpoints of this server.
pub fn endpoints() -> impl Iterator<Item = &'static Endpoint> {
    GROUPS.iter().copied().flatten()
}

const GROUPS: &[&[Endpoint]] = &[
    jobs::ENDPOINTS,
    runs::ENDPOINTS,
    models::ENDPOINTS,
    users::ENDPOINTS,
    system::ENDPOINTS,
    v2::ENDPOINTS,
    classic::ENDPOINTS,
];

const ARTIFACT: &[(&str, &str)] = &[
    ("ETag", "The content address."),
    ("Cache-Control", "How long it may be kept: content at an address never changes."),
    ("Content-Disposition", "The file name."),
    ("Accept-Ranges", "`bytes`."),
];

const ARTIFACT_PART: &[(&str, &str)] =
    &[("ETag", "The content address."), ("Content-Range", "Which bytes, and of how many.")];

const READ: &[Code] = &[Code::Internal, Code::StoreUnavailable];

const DETAIL: Content =
    Content::JsonAs(r#"{"type":"object","required":["detail"],"properties":{"detail":{"type":"string"}}}"#);

const VALIDATION: Content = Content::JsonAs(
    r#"{"type":"object","required":["detail"],"properties":{"detail":{"type":"array","items":{"type":"object","required":["loc","msg","type"],"properties":{"loc":{"type":"array","items":{"type":"string"}},"msg":{"type":"string"},"type":{"type":"string"}}}}}}"#,
);
