//! Comparing the faces of two images at once, without a job.

use axum::{
    Json,
    extract::{Request, State},
};
use darkroom_api::{Code, CompareRequest, Comparison, ImageSource};
use darkroom_core::{BlobId, Operation, job::Caching, prediction::Surface};
use serde_json::Value;

use super::{
    Http,
    body::Incoming,
    caller::Caller,
    failure::{Failure, sentence},
    intake::{MAX_JSON, content_type, decode_base64, length, media_type, named_blob, read_json},
    look::{Look, look},
    multipart::Multipart,
};
use crate::{
    blobs::BlobError,
    predict::{Incomparable, compared, question},
};

/// Bytes of a field that is no image.
const MAX_FIELD: usize = 1 << 10;

/// Two images, in memory.
struct Pair {
    first: Vec<u8>,
    second: Vec<u8>,
    threshold: Option<f32>,
}

/// Says whether two images show one person.
pub(super) async fn compare(
    State(http): State<Http>,
    caller: Caller,
    request: Request,
) -> Result<Json<Comparison>, Failure> {
    let _room = http.json_permit(length(request.headers()).unwrap_or(MAX_JSON).min(MAX_JSON))?;
    let pair = read(&http, &caller, request).await?;
    let asked = |image| ask(&http, &caller, image);
    let first = asked(pair.first).await.map_err(|failure| failure.about("first"))?;
    let second = asked(pair.second).await.map_err(|failure| failure.about("second"))?;
    Ok(Json(compared(&first, &second, pair.threshold)?))
}

/// What is found in an image. Embeddings of faces are not remembered for the next time.
async fn ask(http: &Http, caller: &Caller, image: Vec<u8>) -> Result<Value, Failure> {
    let asked = Look {
        surface: Surface::Compare,
        owner: caller.owner(),
        file_name: None,
        operation: Operation::Faces(question()),
        caching: Caching::Refused,
    };
    look(http, asked, Ok(image)).await
}

async fn read(http: &Http, caller: &Caller, request: Request) -> Result<Pair, Failure> {
    let (head, body) = request.into_parts();
    let mut body = Incoming::new(body, http.config.body_timeout);
    let content_type = content_type(&head.headers);
    let pair = match media_type(&content_type).as_str() {
        "multipart/form-data" => form(http, caller, Multipart::new(&content_type, body)?).await,
        "application/json" => {
            let request: CompareRequest = read_json(&mut body, MAX_JSON).await?;
            checked(request.threshold)?;
            Ok(Pair {
                first: image(http, caller, request.first).await?,
                second: image(http, caller, request.second).await?,
                threshold: request.threshold,
            })
        }
        kind => Err(Failure::new(Code::UnsupportedMediaType, format!("`{kind}` is not taken here."))),
    }?;
    for (name, image) in [("first", &pair.first), ("second", &pair.second)] {
        if image.is_empty() {
            return Err(Failure::new(Code::MissingImage, format!("The image `{name}` is empty.")));
        }
    }
    Ok(pair)
}

/// The parts `first` and `second`, and perhaps `threshold`.
async fn form(http: &Http, caller: &Caller, mut parts: Multipart) -> Result<Pair, Failure> {
    let (mut first, mut second, mut threshold) = (None, None, None);
    while let Some(part) = parts.next_part().await? {
        let taken = match part.name.as_str() {
            "first" => &mut first,
            "second" => &mut second,
            "threshold" => {
                threshold = Some(number(&parts.text(MAX_FIELD).await?)?);
                continue;
            }
            name => {
                let what = "is no part here; send `first`, `second` and `threshold`";
                return Err(Failure::new(Code::InvalidJob, format!("`{name}` {what}.")));
            }
        };
        if taken.is_some() {
            return Err(Failure::new(Code::InvalidJob, format!("`{}` comes twice.", part.name)));
        }
        *taken = Some(content(&mut parts).await?);
    }
    checked(threshold)?;
    let missing = |name: &str| Failure::new(Code::MissingImage, format!("There is no image `{name}`."));
    let (first, second) = (first.ok_or_else(|| missing("first"))?, second.ok_or_else(|| missing("second"))?);
    charge(http, caller, first.len() + second.len())?;
    Ok(Pair { first, second, threshold })
}

async fn content(parts: &mut Multipart) -> Result<Vec<u8>, Failure> {
    let mut content = Vec::new();
    while let Some(chunk) = parts.chunk().await? {
        if content.len() + chunk.len() > MAX_JSON / 2 {
            let what = format!("An image is larger than {} bytes.", MAX_JSON / 2);
            return Err(Failure::new(Code::BodyTooLarge, what));
        }
        content.extend_from_slice(&chunk);
    }
    Ok(content)
}

fn number(text: &str) -> Result<f32, Failure> {
    let number = text.trim().parse();
    number.map_err(|_| Failure::new(Code::InvalidJob, "`threshold`: this is no number."))
}

/// A cosine.
fn checked(threshold: Option<f32>) -> Result<(), Failure> {
    match threshold {
        Some(number) if !(-1.0..=1.0).contains(&number) => {
            Err(Failure::new(Code::InvalidJob, "`threshold`: it is -1 to 1."))
        }
        _ => Ok(()),
    }
}

/// An image of a JSON body: what is in it, stored already, or to be fetched.
async fn image(http: &Http, caller: &Caller, source: ImageSource) -> Result<Vec<u8>, Failure> {
    match source {
        ImageSource::Base64(text) => {
            let content = decode_base64(text)?;
            charge(http, caller, content.len())?;
            Ok(content)
        }
        ImageSource::Blob(id) => {
            let stored = named_blob(http, caller, &id).await?;
            whole(http, stored.id).await
        }
        ImageSource::Url(url) => {
            let fetched = http.fetcher.fetch(http, &url).await?.stored;
            http.charge_stored(caller, &fetched).await?;
            let id = fetched.id;
            let content = whole(http, id).await;
            // It was kept for this question only.
            drop(fetched);
            http.collect(vec![id]).await;
            content
        }
    }
}

async fn whole(http: &Http, id: BlobId) -> Result<Vec<u8>, Failure> {
    let blob = http.blobs.get(id).await?;
    let cap = http.limits.input_bytes;
    if blob.bytes() > cap {
        return Err(BlobError::TooLarge { cap }.into());
    }
    Ok(blob.read(0..blob.bytes()).await?.to_vec())
}

fn charge(http: &Http, caller: &Caller, bytes: usize) -> Result<(), Failure> {
    http.metrics.upload_bytes.inc_by(bytes as u64);
    http.quotas.charge_bytes(caller, bytes as u64, http.now())
}

impl From<Incomparable> for Failure {
    fn from(why: Incomparable) -> Self {
        let code = match why {
            Incomparable::First | Incomparable::Second => Code::NoFace,
            Incomparable::Kinds => Code::ModelUnavailable,
        };
        Self::new(code, sentence(&why.to_string()))
    }
}
