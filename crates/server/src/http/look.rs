//! Asking a model about an image at once, without a job: for surfaces whose clients wait for the answer and keep
//! nothing. Durable work goes through jobs. Whatever comes of it is in the inference log.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use darkroom_api::Code;
use darkroom_core::{
    BlobId, Operation,
    job::{Caching, FileName, OperationResult, Owner},
    prediction::{Answer, NewPrediction, Surface},
    store::CacheKey,
};
use darkroom_imaging::{Guard, Inspected, Source};
use darkroom_inference::InferenceError;
use serde_json::Value;

use super::{Http, failure::Failure};
use crate::predict::{self, Experts, Question, Seen, Took};

/// Bytes that are hashed in passing; more of them away from the threads that serve requests.
const SMALL: usize = 64 << 10;

/// Bytes and pixels of an image that is looked at in passing: that takes a tenth of a millisecond, of which waking
/// another thread would be a good part.
const TINY: (usize, u64) = (16 << 10, 64 * 64);

/// A question about an image.
pub(super) struct Look<'a> {
    /// Where it is asked.
    pub(super) surface: Surface,
    /// Who asks.
    pub(super) owner: &'a Owner,
    /// What the image is called.
    pub(super) file_name: Option<FileName>,
    /// What is asked.
    pub(super) operation: Operation,
    /// Whether the answer may be a remembered one, and is remembered.
    pub(super) caching: Caching,
}

/// What is known of a question on its way.
#[derive(Clone, Copy, Default)]
struct Way {
    input: Option<BlobId>,
    took: Took,
    cached: bool,
}

/// What the model says of the image, as the result of the same operation of a job. An image that could not even be
/// read from the request is a question that failed, too.
pub(super) async fn look(
    http: &Http,
    asked: Look<'_>,
    image: Result<Vec<u8>, Failure>,
) -> Result<Value, Failure> {
    let began = Instant::now();
    let mut way = Way::default();
    let answer = match image {
        Ok(image) => answer(http, &asked, image, &mut way).await,
        Err(failure) => Err(failure),
    };
    way.took.whole = began.elapsed();
    http.journal.note(entry(http, asked, way, &answer)).await;
    answer
}

fn entry(http: &Http, asked: Look<'_>, way: Way, answer: &Result<Value, Failure>) -> NewPrediction {
    let document = answer.as_ref().ok();
    let model = document.and_then(predict::named_in).or_else(|| http.predictor.asked(&asked.operation));
    let question = Question {
        surface: asked.surface,
        operation: asked.operation.name(),
        owner: asked.owner.clone(),
        job: None,
        file_name: asked.file_name,
        input: way.input,
        model,
    };
    let answer = match answer {
        Ok(document) => Answer::Given(predict::best(document)),
        Err(failure) => Answer::failed(failure.code().as_str(), failure.detail()),
    };
    NewPrediction { cached: way.cached, ..question.entry(http.now(), way.took, answer) }
}

async fn answer(http: &Http, asked: &Look<'_>, image: Vec<u8>, way: &mut Way) -> Result<Value, Failure> {
    let _permit = http.look_permit().await?;
    let (image, id) = hashed(image).await?;
    way.input = Some(id);
    let experts = http.predictor.models_of(&asked.operation);
    let experts = experts.ok_or_else(|| Failure::caused(Code::Internal, "the operation asks no model"))??;
    let remembers = http.remembers && asked.caching == Caching::Used;
    let key = remembers.then(|| predict::key(asked.owner, id, &asked.operation, Some(&experts)));
    if let Some(document) = recalled(http, key).await {
        way.cached = true;
        return Ok(document);
    }
    let document = ask(http, &asked.operation, (experts, image), way).await?;
    if let Some(key) = key {
        let (operation, document) = (asked.operation.name().to_owned(), document.clone());
        let result = OperationResult { operation, document, artifacts: Vec::new(), cached: false };
        http.journal.remember(key, result);
    }
    Ok(document)
}

async fn ask(
    http: &Http,
    operation: &Operation,
    (experts, image): (Experts, Vec<u8>),
    way: &mut Way,
) -> Result<Value, Failure> {
    let (limits, operation) = (http.limits.clone(), operation.clone());
    let decode_time = limits.decode_time;
    let small = image.len() <= TINY.0;
    let inspect = move || Inspected::new(Source::bytes(image), limits);
    let pixels = move |inspected: Inspected| {
        let guard = Guard::new(decode_time, Arc::default());
        let frame = inspected.frame(&predict::frame_of(&operation, &experts.first), &guard)?;
        let seen = Seen { frame: Arc::new(frame), size: inspected.upright_size() };
        let asked = predict::ask(&operation, &experts, &seen).map_err(Failure::from)?;
        Ok::<_, Failure>((asked, Instant::now()))
    };
    let (asked, at) = if small {
        let inspected = inspect()?;
        let (width, height) = inspected.upright_size();
        let tiny = u64::from(width) * u64::from(height) <= TINY.1;
        if tiny {
            at_once(move || pixels(inspected))?
        } else {
            let _permit = http.pixel_permit().await?;
            apart(move || pixels(inspected)).await?
        }
    } else {
        let _permit = http.pixel_permit().await?;
        apart(move || pixels(inspect()?)).await?
    };
    let said = asked.await?;
    way.took.model = Some(at.elapsed());
    Ok(said.document)
}

/// Does pixel work in this thread. A decoder that panics is no more harmful here than elsewhere.
fn at_once<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| Err(Failure::caused(Code::Internal, "the pixel work of a look panicked")))
}

/// Does pixel work in a thread that may take its time.
pub(super) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|panic| Failure::caused(Code::Internal, panic))?
}

/// An image with its content address.
async fn hashed(image: Vec<u8>) -> Result<(Vec<u8>, BlobId), Failure> {
    let quick = image.len() <= SMALL;
    let hash = move || {
        let id = BlobId::of(&image);
        (image, id)
    };
    if quick {
        return Ok(hash());
    }
    apart(|| Ok(hash())).await
}

/// What is remembered under this key. A cache that does not answer knows nothing.
async fn recalled(http: &Http, key: Option<CacheKey>) -> Option<Value> {
    let found = http.store.recall(vec![key?]).await;
    let found = found.inspect_err(|error| tracing::warn!(%error, "the cache did not answer"));
    let document = found.ok()?.pop()?.map(|result| result.document);
    let hit = u64::from(document.is_some());
    http.metrics.looked_for(hit, 1 - hit);
    document
}

impl From<InferenceError> for Failure {
    fn from(error: InferenceError) -> Self {
        use InferenceError as E;
        let code = match &error {
            E::UnknownModel(_) => Code::UnknownModel,
            E::BadInput(_) => Code::InvalidJob,
            E::RuntimeMissing { .. } | E::RuntimeUnusable(_) | E::BadManifest { .. } | E::BadModel { .. } => {
                Code::ModelUnavailable
            }
            E::Overloaded { .. } | E::TimedOut { .. } => Code::Overloaded,
            // What an engine says of its failure is for the log.
            E::Failed { .. } | E::Crashed { .. } => return Self::caused(Code::ModelUnavailable, error),
        };
        if code == Code::ModelUnavailable {
            tracing::warn!(%error, "a model cannot be asked");
        }
        Self::new(code, super::failure::sentence(&predict::told(&error)))
    }
}
