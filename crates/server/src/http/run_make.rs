//! `POST /v1/runs`: a description in, and perhaps its archive behind it; a run out.

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use darkroom_api::{ArchivePlace, Code, Run, RunRequest, RunSource};
use darkroom_core::{
    BlobId,
    job::{Caching, Idempotency},
    run::{HighWater, InvalidRun, NewRun, RunName},
    store::StoreError,
};
use darkroom_inference::InferenceError;
use serde_json::Value;

use super::{
    Http,
    body::Incoming,
    caller::Caller,
    failure::{Failure, sentence},
    intake::{content_type, length, media_type},
    multipart::Multipart,
    query,
    submit::idempotency_key,
};
use crate::{
    blobs::{BlobError, Stored},
    sources::{Archive, ArchiveAt, Checksum, Source, SourceError},
};

/// Bytes of a description of a run: a list of addresses may be long.
const MAX_DESCRIPTION: usize = 16 << 20;

/// Bytes of a form besides its parts.
const MAX_AROUND: u64 = 64 << 10;

/// Makes a run.
pub(super) async fn make(
    State(http): State<Http>,
    caller: Caller,
    request: Request,
) -> Result<Response, Failure> {
    let key = idempotency_key(request.headers())?;
    http.quotas.charge_bytes(&caller, 0, http.now())?;
    let (head, body) = request.into_parts();
    let content_type = content_type(&head.headers);
    let mut body = Incoming::new(body, http.config.body_timeout);
    // The archive is held until the run that needs it is recorded.
    let (mut new, archive) = match media_type(&content_type).as_str() {
        "application/json" => {
            let asked = described(&body.read(MAX_DESCRIPTION).await?)?;
            if is_upload(&asked.source) {
                return Err(invalid(
                    "Send the archive along: multipart/form-data with the parts `run` and `archive`.",
                ));
            }
            (described_run(&http, &caller, asked)?, None)
        }
        "multipart/form-data" => {
            check_length(&http, &head.headers)?;
            let _permit = http.stream_permit()?;
            let (new, stored) = with_archive(&http, &caller, Multipart::new(&content_type, body)?).await?;
            (new, Some(stored))
        }
        _ => {
            return Err(Failure::new(
                Code::UnsupportedMediaType,
                "Send application/json or multipart/form-data.",
            ));
        }
    };
    new.idempotency = key.map(|key| Idempotency { key, fingerprint: fingerprint(&new) });
    let id = new.id;
    let recorded = http.store.create_run(new).await;
    // Only what is sure to have no row: after other errors that is not known.
    let is_unneeded = match &recorded {
        Ok(run) => run.id != id,
        Err(error) => matches!(error, StoreError::KeyTaken),
    };
    if let Some(stored) = archive.filter(|_| is_unneeded) {
        // The run that there was already has its own; if that has been read to its end, nobody needs this one.
        let blob = stored.id;
        drop(stored);
        http.collect(vec![blob]).await;
    }
    let run = recorded?;
    let status = if run.id == id { StatusCode::CREATED } else { StatusCode::OK };
    Ok(made(status, &Run::of(&run, http.now())))
}

/// The digest of everything that was asked for, the content of an archive that was sent along included.
fn fingerprint(new: &NewRun) -> [u8; 32] {
    let asked = (
        (&new.name, &new.source, &new.operations, &new.aggregates),
        (new.on_error, &new.queue, new.high_water, new.caching),
    );
    *BlobId::of(&serde_json::to_vec(&asked).unwrap_or_default()).as_bytes()
}

fn made(status: StatusCode, run: &Run) -> Response {
    let place = HeaderValue::try_from(format!("/v1/runs/{}", run.id));
    let mut response = (status, Json(run)).into_response();
    if let Ok(place) = place {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

/// A description, then an archive. What is wrong with the description is told before the archive is read.
async fn with_archive(
    http: &Http,
    caller: &Caller,
    mut parts: Multipart,
) -> Result<(NewRun, Stored), Failure> {
    match parts.next_part().await? {
        Some(part) if part.name == "run" => {}
        _ => return Err(invalid("The first part of the form is `run`, the description of the run as JSON.")),
    }
    let asked = described(parts.text(MAX_DESCRIPTION).await?.as_bytes())?;
    if !is_upload(&asked.source) {
        return Err(invalid(
            "The source of a run whose archive is sent along is {\"kind\":\"archive\",\"at\":\"upload\"}.",
        ));
    }
    let checksum = checksum_of(&asked.source).map(str::parse::<Checksum>).transpose();
    let checksum = checksum.map_err(|error| invalid(&format!("source: {error}")))?;
    let name = asked.name.as_deref().and_then(RunName::clean);
    let mut new = new_run(http, caller, asked, Value::Null)?;
    let file_name = match parts.next_part().await? {
        Some(part) if part.name == "archive" => part.file_name,
        _ => return Err(invalid("The second part of the form is `archive`, the file.")),
    };
    let stored = store_archive(http, &mut parts, checksum.as_ref()).await?;
    let id = stored.id;
    match check_archive(http, caller, &mut parts, &stored).await {
        Ok(()) => {}
        Err(failure) => {
            drop(stored);
            http.collect(vec![id]).await;
            return Err(failure);
        }
    }
    let source = Source::Archive(Archive { at: ArchiveAt::Blob(id), checksum });
    new.source = serde_json::to_value(&source).unwrap_or_default();
    new.archive = Some(id);
    if let (None, Some(called)) = (name, file_name.as_deref().and_then(RunName::clean)) {
        new.name = called;
    }
    Ok((new, stored))
}

/// Streams the current part to the blob store, summing it up on the way.
async fn store_archive(
    http: &Http,
    parts: &mut Multipart,
    checksum: Option<&Checksum>,
) -> Result<Stored, Failure> {
    let mut writer = http.blobs.writer(http.sources.upload_cap());
    let mut sum = checksum.map(Checksum::summing);
    while let Some(chunk) = parts.chunk().await? {
        if let Some(sum) = &mut sum {
            sum.update(&chunk);
        }
        writer.write(&chunk).await.map_err(|error| refused(http, error))?;
    }
    // Before it is a blob: an archive with another sum leaves nothing.
    if let Some(sum) = sum {
        sum.finish()?;
    }
    let stored = writer.finish().await.map_err(|error| refused(http, error))?;
    http.metrics.upload_bytes.inc_by(stored.bytes);
    Ok(stored)
}

async fn check_archive(
    http: &Http,
    caller: &Caller,
    parts: &mut Multipart,
    stored: &Stored,
) -> Result<(), Failure> {
    if stored.bytes == 0 {
        return Err(invalid("The archive is empty."));
    }
    if parts.next_part().await?.is_some() {
        return Err(invalid("Nothing comes after the archive."));
    }
    http.quotas.charge_bytes(caller, stored.bytes, http.now())
}

/// Refuses what is too large by its own words: a client that waits to be told (`Expect: 100-continue`) sends nothing.
fn check_length(http: &Http, headers: &HeaderMap) -> Result<(), Failure> {
    let most = http.sources.upload_cap().saturating_add(MAX_DESCRIPTION as u64 + MAX_AROUND);
    match length(headers) {
        Some(length) if length as u64 > most => Err(too_large(http)),
        _ => Ok(()),
    }
}

fn refused(http: &Http, error: BlobError) -> Failure {
    match error {
        BlobError::TooLarge { .. } => too_large(http),
        error => error.into(),
    }
}

fn too_large(http: &Http) -> Failure {
    let words = format!("The archive is larger than sources.upload_bytes ({}).", http.sources.upload_cap());
    Failure::new(Code::BodyTooLarge, words)
}

/// Whether the archive is sent along.
fn is_upload(source: &RunSource) -> bool {
    matches!(source, RunSource::Archive { at: ArchivePlace::Upload, .. })
}

fn checksum_of(source: &RunSource) -> Option<&str> {
    match source {
        RunSource::Archive { checksum, .. } => checksum.as_deref(),
        _ => None,
    }
}

fn described(bytes: &[u8]) -> Result<RunRequest, Failure> {
    serde_json::from_slice(bytes).map_err(|error| {
        let code = if error.is_data() { Code::InvalidRun } else { Code::MalformedBody };
        Failure::new(code, sentence(&error.to_string()))
    })
}

/// The run of a description that says where its images are.
fn described_run(http: &Http, caller: &Caller, asked: RunRequest) -> Result<NewRun, Failure> {
    // What was asked for is kept in the words of whoever reads it; both spell sources alike.
    let source = serde_json::to_value(&asked.source).unwrap_or_default();
    let known: Source =
        serde_json::from_value(source.clone()).map_err(|error| invalid(&format!("source: {error}")))?;
    if matches!(known, Source::Prefix { .. }) && !caller.sees_all() {
        let what = "The blob store holds everybody's images: a run over it needs the role operator.";
        return Err(Failure::new(Code::Forbidden, what));
    }
    http.sources.check(&known)?;
    new_run(http, caller, asked, source)
}

fn new_run(http: &Http, caller: &Caller, asked: RunRequest, source: Value) -> Result<NewRun, Failure> {
    for operation in &asked.operations {
        if let Some(Err(unknown @ InferenceError::UnknownModel(_))) = http.predictor.models_of(operation) {
            return Err(unknown.into());
        }
    }
    let name = asked.name.as_deref().and_then(RunName::clean);
    let name = name.or_else(|| RunName::clean("run")).ok_or_else(|| Failure::plain(Code::InvalidRun))?;
    let mut new = NewRun::new(http.now(), name, source, asked.operations)?;
    new.owner = caller.owner().clone();
    if let Some(aggregates) = asked.aggregates {
        new = new.gathering(aggregates)?;
    }
    new.on_error = asked.on_error;
    if let Some(mark) = asked.high_water {
        new.high_water = HighWater::try_from(mark)?;
    }
    if let Some(queue) = asked.queue {
        new.queue = query::parse("queue", &queue)?;
    }
    if asked.cache == Some(false) {
        new.caching = Caching::Refused;
    }
    Ok(new)
}

fn invalid(words: &str) -> Failure {
    Failure::new(Code::InvalidRun, sentence(words))
}

impl From<InvalidRun> for Failure {
    fn from(error: InvalidRun) -> Self {
        Self::new(Code::InvalidRun, sentence(&error.to_string()))
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Io(error) => Self::caused(Code::Internal, format!("source: {error}")),
            error => Self::new(Code::SourceRefused, sentence(&error.to_string())),
        }
    }
}
