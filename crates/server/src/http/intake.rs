//! How an image and its operations are taken out of a request: as parts of a form, as a raw body, or as JSON.

use std::time::Duration;

use axum::{
    extract::Request,
    http::{HeaderMap, header},
};
use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use darkroom_api::{Code, ImageSource, JobRequest, Time};
use darkroom_core::{
    BlobId, Operation, Timestamp,
    job::{FileName, QueueName},
};
use darkroom_imaging::Source;
use serde_json::{Map, Value};

use super::{
    Http,
    body::Incoming,
    caller::Caller,
    failure::{Failure, sentence},
    multipart::{Multipart, PartHead},
    query::{Query, parse},
    submit::MAX_DELAY,
};
use crate::blobs::{BlobError, Stored};

/// Bytes of a JSON submission at most: it is in memory as a whole. Larger images come as form or raw body.
pub(super) const MAX_JSON: usize = 24 << 20;

/// Bytes of one field of a form that is not the image.
const MAX_FIELD: usize = 256 << 10;

/// What a request asks for, with its image stored but not looked at yet.
pub(super) struct Draft {
    pub(super) image: Image,
    pub(super) fields: Fields,
}

/// Where the image is.
pub(super) enum Image {
    Stored(Stored),
    Url(String),
}

/// An image that is stored, is one, and keeps within the limits.
pub(super) struct Taken {
    pub(super) blob: BlobId,
    pub(super) bytes: u64,
    pub(super) media_type: &'static str,
    /// What its address calls it.
    pub(super) name: Option<FileName>,
    _held: Stored,
}

/// Everything but the image.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) operations: Option<Vec<Operation>>,
    pub(super) queue: Option<QueueName>,
    pub(super) priority: Option<i8>,
    pub(super) delay: Option<Duration>,
    pub(super) run_at: Option<Timestamp>,
    pub(super) cache: Option<bool>,
    pub(super) name: Option<FileName>,
}

/// Reads the body as its Content-Type says; `query` says the rest.
pub(super) async fn read(
    http: &Http,
    caller: &Caller,
    request: Request,
    query: Query,
) -> Result<Draft, Failure> {
    let (head, body) = request.into_parts();
    let body = Incoming::new(body, http.config.body_timeout);
    let content_type = content_type(&head.headers);
    check_length(http, &head.headers)?;
    match media_type(&content_type).as_str() {
        "multipart/form-data" => form(http, Multipart::new(&content_type, body)?, query).await,
        "application/json" => {
            let _room = http.json_permit(length(&head.headers).unwrap_or(MAX_JSON).min(MAX_JSON))?;
            query.finish()?;
            json(http, caller, body).await
        }
        // What curl says when it is told nothing is as good as nothing.
        "" | "application/octet-stream" | "application/x-www-form-urlencoded" => raw(http, body, query).await,
        kind if kind.starts_with("image/") => raw(http, body, query).await,
        kind => Err(Failure::new(Code::UnsupportedMediaType, format!("`{kind}` is not taken here."))),
    }
}

/// Refuses what is too large by its own words: a client that waits to be told (`Expect: 100-continue`) sends nothing.
fn check_length(http: &Http, headers: &HeaderMap) -> Result<(), Failure> {
    let cap = http.limits.input_bytes;
    // Base64 makes a third more, and a form has other fields.
    let most = (cap / 3).saturating_mul(4).saturating_add(1 << 20);
    match length(headers) {
        Some(length) if length as u64 > most => Err(BlobError::TooLarge { cap }.into()),
        _ => Ok(()),
    }
}

async fn raw(http: &Http, mut body: Incoming, query: Query) -> Result<Draft, Failure> {
    // Mistakes in the query are told before a long upload, not after it.
    let fields = Fields::of(query)?;
    let mut writer = http.blobs.writer(http.limits.input_bytes);
    while let Some(chunk) = body.chunk().await? {
        writer.write(&chunk).await?;
    }
    let stored = writer.finish().await?;
    http.metrics.upload_bytes.inc_by(stored.bytes);
    Ok(Draft { image: Image::Stored(not_empty(http, stored).await?), fields })
}

async fn form(http: &Http, mut parts: Multipart, mut query: Query) -> Result<Draft, Failure> {
    let mut image = None;
    let mut file_name = None;
    while let Some(PartHead { name, file_name: sent }) = parts.next_part().await? {
        if name != "image" && name != "file" {
            let value = parts.text(MAX_FIELD).await?;
            query.add(name, value)?;
            continue;
        }
        if image.is_some() {
            return Err(Failure::new(Code::InvalidJob, "A job has one image; there are several."));
        }
        image = Some(store_part(http, &mut parts).await?);
        file_name = sent.as_deref().and_then(FileName::clean);
    }
    let mut fields = Fields::of(query)?;
    fields.name = fields.name.or(file_name);
    let image = image.ok_or_else(|| Failure::plain(Code::MissingImage))?;
    Ok(Draft { image: Image::Stored(not_empty(http, image).await?), fields })
}

/// Streams the current part to the blob store.
pub(super) async fn store_part(http: &Http, parts: &mut Multipart) -> Result<Stored, Failure> {
    let mut writer = http.blobs.writer(http.limits.input_bytes);
    while let Some(chunk) = parts.chunk().await? {
        writer.write(&chunk).await?;
    }
    let stored = writer.finish().await?;
    http.metrics.upload_bytes.inc_by(stored.bytes);
    Ok(stored)
}

async fn json(http: &Http, caller: &Caller, mut body: Incoming) -> Result<Draft, Failure> {
    let request: JobRequest = read_json(&mut body, MAX_JSON).await?;
    let mut fields = Fields {
        operations: Some(request.operations),
        queue: request.queue.map(|queue| parse("queue", &queue)).transpose()?,
        priority: request.priority,
        delay: request.delay.map(delay).transpose()?,
        run_at: request.run_at.map(|time| time.0),
        cache: request.cache,
        name: request.name.as_deref().and_then(FileName::clean),
    };
    fields.check()?;
    let image = match request.image {
        ImageSource::Url(url) => Image::Url(url),
        ImageSource::Base64(text) => {
            let content = decode_base64(text)?;
            if content.len() as u64 > http.limits.input_bytes {
                return Err(BlobError::TooLarge { cap: http.limits.input_bytes }.into());
            }
            let stored = http.blobs.put(content).await?;
            http.metrics.upload_bytes.inc_by(stored.bytes);
            Image::Stored(not_empty(http, stored).await?)
        }
        ImageSource::Blob(id) => Image::Stored(named_blob(http, caller, &id).await?),
    };
    fields.operations = fields.operations.filter(|operations| !operations.is_empty());
    Ok(Draft { image, fields })
}

/// A JSON body about jobs, see [`read_json_or`].
pub(super) async fn read_json<T: serde::de::DeserializeOwned>(
    body: &mut Incoming,
    cap: usize,
) -> Result<T, Failure> {
    read_json_or(body, cap, Code::InvalidJob).await
}

/// A JSON body: what cannot be read is told apart from what does not fit, for which there is a code.
pub(super) async fn read_json_or<T: serde::de::DeserializeOwned>(
    body: &mut Incoming,
    cap: usize,
    unfit: Code,
) -> Result<T, Failure> {
    let bytes = body.read(cap).await?;
    // A list would be taken as the fields in their order.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(Failure::new(unfit, "Send a JSON object."));
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        let code = if error.is_data() { unfit } else { Code::MalformedBody };
        Failure::new(code, sentence(&error.to_string()))
    })
}

/// A blob that is stored already, held before it is looked for so that nobody collects it in between. Only what the
/// caller's own jobs have: whoever guesses an address learns nothing.
pub(super) async fn named_blob(http: &Http, caller: &Caller, id: &str) -> Result<Stored, Failure> {
    let unknown = || Failure::plain(Code::UnknownBlob);
    let id: BlobId = id.parse().map_err(|_| unknown())?;
    let pin = http.blobs.pin(id);
    if let Some(owner) = caller.only()
        && !http.store.refers(owner, id).await?
    {
        return Err(unknown());
    }
    match http.blobs.get(id).await {
        Ok(blob) => Ok(Stored { id, bytes: blob.bytes(), pin }),
        // A file that a run reads where it lies: what is made of it now is not to depend on that.
        Err(BlobError::Missing(_)) => match http.store.placed(id).await? {
            Some(input) => match http.blobs.take_in(&input).await {
                Err(BlobError::Missing(_) | BlobError::Changed(_)) => Err(unknown()),
                taken => Ok(taken?),
            },
            None => Err(unknown()),
        },
        Err(error) => Err(error.into()),
    }
}

async fn not_empty(http: &Http, stored: Stored) -> Result<Stored, Failure> {
    if stored.bytes > 0 {
        return Ok(stored);
    }
    let id = stored.id;
    drop(stored);
    http.collect(vec![id]).await;
    Err(Failure::new(Code::MissingImage, "The image is empty."))
}

/// Base64 with or without a data-URI prefix, padding and line breaks, in either alphabet.
pub(super) fn decode_base64(text: String) -> Result<Vec<u8>, Failure> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let start =
        if text.starts_with("data:") { text.find(',').map_or(text.len(), |comma| comma + 1) } else { 0 };
    let mut digits = text.into_bytes().split_off(start);
    digits.retain(|byte| !byte.is_ascii_whitespace());
    let alphabet = if digits.iter().any(|byte| matches!(byte, b'-' | b'_')) { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, LENIENT)
        .decode(&digits)
        .map_err(|error| Failure::new(Code::InvalidJob, format!("`image.base64`: {error}.")))
}

impl Http {
    /// Counts an image that has come in. One that is too much is not kept.
    pub(super) async fn charge_stored(&self, caller: &Caller, stored: &Stored) -> Result<(), Failure> {
        let charged = self.quotas.charge_bytes(caller, stored.bytes, self.now());
        if charged.is_err() {
            // It is still held here: the collector comes back to it once it is let go.
            self.collect(vec![stored.id]).await;
        }
        charged
    }
}

impl Image {
    /// Fetches the image if it is elsewhere, and looks at its header: what cannot work is refused before it is queued.
    pub(super) async fn take_in(self, http: &Http, caller: &Caller) -> Result<Taken, Failure> {
        let (held, name) = match self {
            Self::Stored(stored) => (stored, None),
            Self::Url(url) => {
                let fetched = http.fetcher.fetch(http, &url).await?;
                (not_empty(http, fetched.stored).await?, fetched.name)
            }
        };
        http.charge_stored(caller, &held).await?;
        let id = held.id;
        let source = Source::file(http.blobs.local_path(id));
        let limits = http.limits.clone();
        let looked = tokio::task::spawn_blocking(move || darkroom_imaging::inspect(&source, &limits)).await;
        match looked.map_err(|panic| Failure::caused(Code::Internal, panic))? {
            Ok(header) => {
                let media_type = header.format.media_type();
                Ok(Taken { blob: id, bytes: held.bytes, media_type, name, _held: held })
            }
            Err(error) => {
                drop(held);
                http.collect(vec![id]).await;
                Err(error.into())
            }
        }
    }
}

impl Fields {
    /// The fields that `query` (and the form, if there is one) holds.
    fn of(mut query: Query) -> Result<Self, Failure> {
        let written = query.take("operations").map(|text| operations_of_json(&text)).transpose()?;
        let fields = Self {
            queue: query.parse("queue")?,
            priority: query.parse("priority")?,
            delay: query.parse("delay")?.map(delay).transpose()?,
            run_at: query.parse::<Time>("run_at")?.map(|time| time.0),
            cache: query.parse("cache")?,
            name: query.take("name").as_deref().and_then(FileName::clean),
            operations: match (query.take("op"), written) {
                (None, written) => written,
                (Some(op), None) => Some(vec![operation_of_query(op, &mut query)?]),
                (Some(_), Some(_)) => {
                    return Err(Failure::new(Code::InvalidJob, "Give `op` or `operations`, not both."));
                }
            },
        };
        query.finish()?;
        fields.check()?;
        Ok(fields)
    }

    fn check(&self) -> Result<(), Failure> {
        match (self.delay, self.run_at) {
            (Some(_), Some(_)) => Err(Failure::new(Code::InvalidJob, "Give `delay` or `run_at`, not both.")),
            _ => Ok(()),
        }
    }
}

fn delay(seconds: f64) -> Result<Duration, Failure> {
    if (0.0..=MAX_DELAY.as_secs_f64()).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err(Failure::parameter("delay", format_args!("is 0 to {} seconds", MAX_DELAY.as_secs())))
}

/// A list of operations, or a single one.
fn operations_of_json(text: &str) -> Result<Vec<Operation>, Failure> {
    let wrong = |error: serde_json::Error| {
        let code = if error.is_data() { Code::InvalidJob } else { Code::MalformedBody };
        Failure::new(code, format!("`operations`: {error}."))
    };
    let value: Value = serde_json::from_str(text).map_err(wrong)?;
    match value {
        Value::Object(_) => Ok(vec![serde_json::from_value(value).map_err(wrong)?]),
        _ => serde_json::from_value(value).map_err(wrong),
    }
}

/// One operation whose parameters are those of the query that nobody else has taken.
fn operation_of_query(op: String, query: &mut Query) -> Result<Operation, Failure> {
    let mut parameters = Map::new();
    for (name, value) in query.rest() {
        let name = if name == "artifact" { "name".to_owned() } else { name };
        let value = typed(&name, value);
        parameters.insert(name, value);
    }
    parameters.insert("op".to_owned(), Value::String(op));
    serde_json::from_value(Value::Object(parameters))
        .map_err(|error| Failure::new(Code::InvalidJob, sentence(&error.to_string())))
}

/// Query values are text; parameters are numbers and truth values where the text is one. Names are always text.
fn typed(name: &str, text: String) -> Value {
    let literal = || serde_json::from_str::<Value>(&text).ok().filter(|v| v.is_number() || v.is_boolean());
    match name {
        "name" | "background" | "model" => Value::String(text),
        _ => literal().unwrap_or(Value::String(text)),
    }
}

pub(super) fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

/// The media type without its parameters, in lower case.
pub(super) fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

pub(super) fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
