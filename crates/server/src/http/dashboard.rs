//! The dashboard: the page and its files. It uses the public API like any other client; nothing here knows of it.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use darkroom_api::Code;
use darkroom_dashboard::{File, PAGE, POLICY};

use super::{Http, conditional, failure::Failure};

/// The page. It is found at `/`, by browsers.
pub(super) fn page(http: &Http, asked: &HeaderMap) -> Result<Response, Failure> {
    send(http, PAGE, asked)
}

/// A file of the page.
pub(super) async fn file(
    State(http): State<Http>,
    Path((folder, file)): Path<(String, String)>,
    asked: HeaderMap,
) -> Result<Response, Failure> {
    send(&http, &format!("{folder}/{file}"), &asked)
}

fn send(http: &Http, name: &str, asked: &HeaderMap) -> Result<Response, Failure> {
    let Some(file) = http.dashboard.get(name) else { return Err(Failure::plain(Code::NotFound)) };
    // The tag is of the content, the encoding is not in it: a weak one.
    let tag = format!("W/\"{}\"", file.tag);
    if conditional::matches(asked, header::IF_NONE_MATCH, tag.trim_start_matches("W/")) {
        return Ok(describe(StatusCode::NOT_MODIFIED.into_response(), &file, &tag));
    }
    let (body, encoding) = match &file.gzip {
        Some(short) if takes_gzip(asked) => (short.clone(), Some("gzip")),
        _ => (file.bytes.clone(), None),
    };
    let mut response = describe(body.into_response(), &file, &tag);
    if let Some(encoding) = encoding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Ok(response)
}

fn describe(mut response: Response, file: &File, tag: &str) -> Response {
    // Browsers ask each time whether the file is still the same: after an update nobody sees half of the old page.
    let fixed: [(HeaderName, &'static str); 6] = [
        (header::CONTENT_TYPE, file.media_type),
        (header::CACHE_CONTROL, "no-cache"),
        (header::VARY, "Accept, Accept-Encoding"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    let headers = response.headers_mut();
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::ETAG, HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("")));
    response
}

/// Whether the browser takes compressed files. `gzip;q=0` is a no that no browser says.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let values = asked.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    let mut words = values.flat_map(|value| value.split(',')).map(str::trim);
    words.any(|word| word == "gzip" || word.starts_with("gzip;") && !word.ends_with("q=0"))
}
