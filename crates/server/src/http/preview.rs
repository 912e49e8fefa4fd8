//! The input of a job as a small picture, for lists and pages of jobs. It is made when somebody looks, at the smallest
//! scale that the decoder gives, and kept by nobody but the one who asked.

use std::{
    io::ErrorKind,
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use darkroom_api::Code;
use darkroom_core::{
    job::Input,
    operation::{OutputFormat, Reduce, Thumbnail},
};
use darkroom_imaging::{Guard, ImageError, Inspected, Limits, Rendition, Source};

use super::{Http, caller::Caller, conditional::matches, failure::Failure, look::apart, query::Query};

/// The box of a preview unless the client says otherwise.
const SIDE: u32 = 160;

/// The boxes that can be asked for.
const SIDES: RangeInclusive<u32> = 16..=1_024;

/// Only for the one who asked, and not for ever: another version of this program may make another picture.
const A_DAY: HeaderValue = HeaderValue::from_static("private, max-age=86400");

/// Stands for the code that makes previews.
const CODE: &str = env!("CARGO_PKG_VERSION");

/// The input of one job, in a box of `size` pixels.
pub(super) async fn preview(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    let mut query = Query::of(request.uri())?;
    let side = query.parse("size")?.unwrap_or(SIDE);
    if !SIDES.contains(&side) {
        let (least, most) = SIDES.into_inner();
        return Err(Failure::parameter("size", format_args!("is {least} to {most}")));
    }
    query.finish()?;
    let input = http.job_of(&caller, &id).await?.input;
    let etag = format!("\"{}-{side}-{CODE}\"", input.blob);
    if matches(request.headers(), header::IF_NONE_MATCH, &etag) {
        return Ok(described(StatusCode::NOT_MODIFIED.into_response(), etag));
    }
    let made = made(&http, input, side).await?;
    let media_type = HeaderValue::from_static(made.format.media_type());
    let mut response = described(made.bytes.into_response(), etag);
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    Ok(response)
}

fn described(mut response: Response, etag: String) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, A_DAY);
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

/// Waits for a turn and makes the picture. Whoever goes away meanwhile stops the work; its turn lasts until then.
async fn made(http: &Http, input: Input, side: u32) -> Result<Rendition, Failure> {
    let turn = http.preview_permit().await?;
    let blobs = http.blobs.clone();
    let limits = Limits {
        memory: http.limits.memory.min(http.config.preview_memory.bytes()),
        decode_time: http.limits.decode_time.min(http.config.preview_time),
        ..http.limits.clone()
    };
    let asker = Asker::default();
    let guard = Guard::new(limits.decode_time, Arc::clone(&asker.gone));
    apart(move || {
        let _turn = turn;
        let held = blobs.input(&input)?;
        rendered(held.source.clone(), limits, side, &guard).map_err(told)
    })
    .await
}

fn rendered(source: Source, limits: Limits, side: u32, guard: &Guard) -> Result<Rendition, ImageError> {
    let inspected = Inspected::new(source, limits)?;
    let format = if inspected.has_alpha() { OutputFormat::Png } else { OutputFormat::Jpeg };
    let wanted = Thumbnail { format, reduce: Reduce::Speed, ..Thumbnail::fit(side, side) };
    let mut made = inspected.render(&[wanted], guard)?;
    // One request gives one rendition.
    made.pop().ok_or(ImageError::Cancelled)
}

fn told(error: ImageError) -> Failure {
    match &error {
        ImageError::Io(gone) if gone.kind() == ErrorKind::NotFound => {
            Failure::new(Code::ArtifactNotFound, "The image of this job is gone.")
        }
        _ => error.into(),
    }
}

/// Somebody who waits for a picture; once they do not, the guard of the work knows.
#[derive(Default)]
struct Asker {
    gone: Arc<AtomicBool>,
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}
