//! Conditional requests (RFC 9110, 13).

use axum::http::{HeaderMap, HeaderName};

/// Whether one of the listed tags is `etag`, compared weakly (RFC 9110, 13.1.2).
pub(super) fn matches(asked: &HeaderMap, name: HeaderName, etag: &str) -> bool {
    let values = asked.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}
