//! The average-face service (Veriff): an archive of photos becomes the mean of the faces in them. What it does is a run
//! like all others, and its log follows from that run.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use darkroom_api::{Code, Run, RunAggregate, average_face};
use darkroom_core::{
    BlobId, Operation, RunId,
    job::{InvalidName, Origin},
    operation::{Faces, Which},
    run::{self as core, NewRun, RunName, RunState},
};

use crate::{
    http::{Http, caller::Caller, failure::Failure, gate, query::Query},
    sources::{Archive, ArchiveAt, Checksum, Source},
};

/// What its runs are called.
const NAME: &str = "average face";

const TEXT: &str = "text/plain; charset=utf-8";

/// Begins to work an archive through.
pub(in crate::http) async fn run(
    State(http): State<Http>,
    caller: Caller,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    match begin(&http, &caller, &headers, &uri).await {
        Ok(id) => text(format!("Process ID: {id}")),
        Err(failure) => in_words(failure),
    }
}

/// The log of a run that was begun so.
pub(in crate::http) async fn status(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
) -> Response {
    match log(&http, &caller, &id).await {
        Ok(Some(log)) => text(log),
        Ok(None) => {
            let words = "There is no process of this id. GET /run?url=... answers with one.\n";
            (StatusCode::NOT_FOUND, words).into_response()
        }
        Err(failure) => in_words(failure),
    }
}

async fn begin(http: &Http, caller: &Caller, headers: &HeaderMap, uri: &Uri) -> Result<RunId, Failure> {
    // What only looks is safe from other sites' pages anyway; this GET changes something.
    if caller.identity().is_none() && gate::is_from_elsewhere(http, headers) {
        return Err(Failure::new(Code::Forbidden, "Pages of other sites may not change anything here."));
    }
    http.quotas.charge_bytes(caller, 0, http.now())?;
    let source = source(uri)?;
    http.sources.check(&source)?;
    let faces = Operation::Faces(Faces { which: Which::First, ..Faces::default() });
    if let Some(Err(unknown)) = http.predictor.models_of(&faces) {
        return Err(unknown.into());
    }
    let kept = serde_json::to_value(&source).map_err(|error| Failure::caused(Code::Internal, error))?;
    let name = RunName::clean(NAME).ok_or_else(|| Failure::plain(Code::InvalidRun))?;
    let mut new = NewRun::new(http.now(), name, kept, vec![faces])?;
    // The mean over all photos comes first; of those by folder nobody asks here.
    new.aggregates.truncate(1);
    new.owner = caller.owner().clone();
    new.origin = origin()?;
    Ok(http.store.create_run(new).await?.id)
}

fn source(uri: &Uri) -> Result<Source, Failure> {
    let mut query = Query::of(uri)?;
    let (url, sum) = (query.take("url"), query.take("md5sum").filter(|sum| !sum.is_empty()));
    query.finish()?;
    let url = url.filter(|url| !url.is_empty()).ok_or_else(|| {
        Failure::new(Code::InvalidParameter, "Say where the archive is: /run?url=https://...&md5sum=...")
    })?;
    let checksum = sum.map(|sum| format!("md5:{sum}").parse::<Checksum>()).transpose();
    let checksum =
        checksum.map_err(|_| Failure::parameter("md5sum", "an MD5 sum is 32 hexadecimal digits"))?;
    Ok(Source::Archive(Archive { at: ArchiveAt::Url(url), checksum }))
}

async fn log(http: &Http, caller: &Caller, id: &str) -> Result<Option<String>, Failure> {
    let Ok(id) = id.parse::<RunId>() else { return Ok(None) };
    let ours = origin()?;
    let run = http.store.run(id).await?.filter(|run| caller.sees(&run.owner) && run.origin == ours);
    let Some(run) = run else { return Ok(None) };
    let mean = if run.status.state == RunState::Succeeded { mean(http, run.id).await? } else { None };
    let lines = average_face::log(&Run::of(&run, http.now()), mean.as_ref());
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    Ok(Some(lines.join("\n") + "\n"))
}

async fn mean(http: &Http, run: RunId) -> Result<Option<RunAggregate>, Failure> {
    let gathered = http.store.aggregates(run).await?.unwrap_or_default();
    let shown = |aggregate: core::Aggregate| {
        let digest = BlobId::of(&aggregate.bytes).to_string();
        RunAggregate::of(aggregate, digest)
    };
    Ok(gathered.into_iter().next().map(shown))
}

fn origin() -> Result<Origin, InvalidName> {
    "average-face".parse()
}

fn text(body: String) -> Response {
    ([(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, "no-store")], body).into_response()
}

/// A client's fault in a sentence; what the server cannot do is a problem as everywhere.
fn in_words(failure: Failure) -> Response {
    match StatusCode::from_u16(failure.code().status()) {
        Ok(status) if status.is_client_error() => {
            failure.answer(status, TEXT, format!("{}\n", failure.detail()).into_bytes())
        }
        _ => failure.into_response(),
    }
}
