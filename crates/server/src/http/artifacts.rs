//! Downloading what jobs have produced, and what they were given.

use axum::{
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use darkroom_api::Code;
use darkroom_core::{
    BlobId,
    job::{Artifact, Input, Job},
};

use super::{
    Http,
    caller::Caller,
    conditional,
    disposition::Disposition,
    failure::Failure,
    query::Query,
    range::{self, Wanted},
    sign,
};

/// The name under which a job's input is downloaded.
const ORIGINAL: &str = "original";

/// Content at an address never changes: the job and the name belong to one content for ever. Only for the one who
/// asked: what caches share could outlive the job.
const FOR_EVER: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

/// Something that can be downloaded.
pub(super) struct Download {
    pub(super) blob: BlobId,
    /// Set if it is an input, which may lie elsewhere.
    pub(super) input: Option<Input>,
    pub(super) media_type: String,
    pub(super) file_name: String,
    pub(super) disposition: Disposition,
    pub(super) cache: HeaderValue,
}

/// One artifact, or the input as `original`.
pub(super) async fn download(
    State(http): State<Http>,
    caller: Caller,
    Path((id, name)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Failure> {
    let mut query = Query::of(request.uri())?;
    let signed = sign::verify(&http, &mut query, &id, &name)?;
    let disposition = match query.take("download").as_deref() {
        Some("" | "true" | "1") => Disposition::Attachment,
        None | Some("false" | "0") => Disposition::Inline,
        Some(_) => return Err(Failure::parameter("download", "is true or false")),
    };
    query.finish()?;
    // A signed address opens what it names, whoever has it.
    let job = if signed { http.any_job(&id).await? } else { http.job_of(&caller, &id).await? };
    let download = find(&job, &name, disposition).ok_or_else(|| Failure::plain(Code::ArtifactNotFound))?;
    send(&http, download, request.headers()).await
}

/// What `name` is of this job.
pub(super) fn find(job: &Job, name: &str, disposition: Disposition) -> Option<Download> {
    if name == ORIGINAL {
        let own = job.input.name.as_ref().map(ToString::to_string);
        return Some(Download {
            blob: job.input.blob,
            input: Some(job.input.clone()),
            media_type: job.input.media_type.clone(),
            file_name: own.unwrap_or_else(|| ORIGINAL.to_owned()),
            // An original is whatever somebody has sent; showing it is the client's own decision.
            disposition: Disposition::Attachment,
            cache: FOR_EVER,
        });
    }
    let Artifact { name, blob, media_type, .. } =
        job.results.iter().flat_map(|result| &result.artifacts).find(|artifact| artifact.name == name)?;
    Some(Download {
        blob: *blob,
        input: None,
        media_type: media_type.clone(),
        file_name: name.clone(),
        disposition,
        cache: FOR_EVER,
    })
}

/// Answers with the bytes, as far as the client wants them.
pub(super) async fn send(http: &Http, download: Download, asked: &HeaderMap) -> Result<Response, Failure> {
    let etag = format!("\"{}\"", download.blob);
    if conditional::matches(asked, header::IF_NONE_MATCH, &etag) {
        return Ok(describe(StatusCode::NOT_MODIFIED.into_response(), &download, &etag));
    }
    let blob = match &download.input {
        Some(input) => http.blobs.open_input(input).await?,
        None => http.blobs.get(download.blob).await?,
    };
    let wanted = match asked.get(header::RANGE).and_then(|value| value.to_str().ok()) {
        Some(range) if if_range(asked, &etag) => range::wanted(range, blob.bytes()),
        _ => Wanted::Whole,
    };
    let (status, range) = match wanted {
        Wanted::Whole => (StatusCode::OK, 0..blob.bytes()),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Unsatisfiable => {
            let of = number(format!("bytes */{}", blob.bytes()));
            return Err(Failure::plain(Code::RangeNotSatisfiable).with_header(header::CONTENT_RANGE, of));
        }
    };
    let body = Body::from_stream(blob.stream(range.clone()));
    let mut response = describe((status, body).into_response(), &download, &etag);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, number((range.end - range.start).to_string()));
    if status == StatusCode::PARTIAL_CONTENT {
        let which = format!("bytes {}-{}/{}", range.start, range.end - 1, blob.bytes());
        headers.insert(header::CONTENT_RANGE, number(which));
    }
    Ok(response)
}

fn describe(mut response: Response, download: &Download, etag: &str) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ETAG, number(etag.to_owned()));
    headers.insert(header::CACHE_CONTROL, download.cache.clone());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_DISPOSITION, download.disposition.header(&download.file_name));
    let media_type = HeaderValue::try_from(&download.media_type);
    headers.insert(
        header::CONTENT_TYPE,
        media_type.unwrap_or(HeaderValue::from_static("application/octet-stream")),
    );
    // Whatever the bytes are, a browser runs nothing of them.
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    response
}

/// Whether a range may be answered as a range: without If-Range always, else only for the same content.
fn if_range(asked: &HeaderMap, etag: &str) -> bool {
    asked.get(header::IF_RANGE).is_none_or(|value| value.as_bytes() == etag.as_bytes())
}

/// A header value of digits and plain words.
fn number(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}
