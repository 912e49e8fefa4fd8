//! The inference log: listed, and exported as a stream.

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use darkroom_api::{Prediction, PredictionFormat, PredictionPage, Time};
use darkroom_core::store::{Page, PredictionFilter, StoreError};
use futures_util::stream;

use super::{Http, caller::Caller, cursor, failure::Failure, jobs::page, query::Query};

/// Entries of one page unless the client says how many.
const PAGE: u32 = 100;

/// Entries that an export holds in memory at a time.
const PIECE: u32 = 500;

/// Entries that match, newest first. Users see their own.
pub(super) async fn list(
    State(http): State<Http>,
    caller: Caller,
    request: Request,
) -> Result<Json<PredictionPage>, Failure> {
    let mut query = Query::of(request.uri())?;
    let page = page(&mut query, PAGE)?;
    let wanted = filter(&mut query, &caller)?;
    query.finish()?;
    let Some(filter) = wanted else {
        return Ok(Json(PredictionPage { predictions: Vec::new(), next_cursor: None }));
    };
    http.journal.flushed().await;
    // A full page may be the last one; then the next is empty, which costs less than counting.
    let found = http.store.predictions(filter, page).await?;
    let next_cursor =
        found.last().filter(|_| found.len() == page.limit as usize).map(|last| cursor::of(last.seq));
    Ok(Json(PredictionPage { predictions: found.into_iter().map(Prediction::from).collect(), next_cursor }))
}

/// Everything that matches, newest first, read from the store a piece at a time while the client takes it.
pub(super) async fn export(
    State(http): State<Http>,
    caller: Caller,
    request: Request,
) -> Result<Response, Failure> {
    let mut query = Query::of(request.uri())?;
    let format = query.take("format").map(|text| text.parse::<PredictionFormat>()).transpose();
    let format = format.map_err(|what| Failure::parameter("format", what))?.unwrap_or_default();
    let wanted = filter(&mut query, &caller)?;
    query.finish()?;
    let permit = http.stream_permit()?;
    http.journal.flushed().await;
    let reading = wanted.map(|filter| Reading { http, filter, before: None, format, _permit: permit });
    let pieces = stream::try_unfold(reading, |reading| async {
        match reading {
            Some(reading) => reading.next().await,
            None => Ok(None),
        }
    });
    let head = stream::once(async move { Ok::<_, StoreError>(Bytes::from_static(format.head().as_bytes())) });
    let body = Body::from_stream(stream::StreamExt::chain(head, pieces));
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    let name = match format {
        PredictionFormat::Jsonl => "attachment; filename=\"predictions.jsonl\"",
        PredictionFormat::Csv => "attachment; filename=\"predictions.csv\"",
    };
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(name));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// An export on its way.
struct Reading {
    http: Http,
    filter: PredictionFilter,
    before: Option<u64>,
    format: PredictionFormat,
    _permit: tokio::sync::OwnedSemaphorePermit,
}

impl Reading {
    /// The next piece, and what is left after it. An error ends the connection: a client does not take half a log
    /// for a whole one.
    async fn next(mut self) -> Result<Option<(Bytes, Option<Self>)>, StoreError> {
        let page = Page { limit: PIECE, before: self.before };
        let found = self.http.store.predictions(self.filter.clone(), page).await;
        let found = found.inspect_err(|error| tracing::warn!(%error, "an export was cut off"))?;
        let Some(last) = found.last() else { return Ok(None) };
        self.before = Some(last.seq);
        let more = found.len() == PIECE as usize;
        let mut text = String::new();
        for prediction in found {
            self.format.write(&prediction.into(), &mut text);
        }
        Ok(Some((Bytes::from(text), more.then_some(self))))
    }
}

/// What the query narrows to; `None` if that is somebody else's.
fn filter(query: &mut Query, caller: &Caller) -> Result<Option<PredictionFilter>, Failure> {
    let filter = PredictionFilter {
        model: query.take("model"),
        version: query.take("version"),
        surface: query.parse("surface")?,
        ending: query.parse("outcome")?,
        label: query.take("label"),
        owner: query.parse("owner")?,
        since: query.parse::<Time>("since")?.map(|time| time.0),
        until: query.parse::<Time>("until")?.map(|time| time.0),
    };
    if filter.owner.as_ref().is_some_and(|owner| !caller.sees(owner)) {
        return Ok(None);
    }
    let owner = filter.owner.clone().or_else(|| caller.only());
    Ok(Some(PredictionFilter { owner, ..filter }))
}
