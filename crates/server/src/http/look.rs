//! Asking a model about an image at once, without a job: for surfaces whose clients wait for the answer and keep
//! nothing. Durable work goes through jobs.

use darkroom_api::Code;
use darkroom_core::Operation;
use darkroom_imaging::{Guard, Inspected, Source};
use darkroom_inference::InferenceError;
use serde_json::Value;

use super::{Http, failure::Failure};
use crate::predict;

/// What the model says of the image, as the result of the same operation of a job.
pub(super) async fn look(http: &Http, image: Vec<u8>, operation: Operation) -> Result<Value, Failure> {
    let _permit = http.look_permit().await?;
    let asked = http.predictor.model(&operation);
    let model = asked.ok_or_else(|| Failure::caused(Code::Internal, "the operation asks no model"))??;
    let limits = http.limits.clone();
    let pixels = move || {
        let guard = Guard::new(limits.decode_time, std::sync::Arc::default());
        let inspected = Inspected::new(Source::bytes(image), limits)?;
        let frame = inspected.frame(&predict::frame_for(&model), &guard)?;
        predict::ask(&operation, &model, &frame).map_err(Failure::from)
    };
    let asked = tokio::task::spawn_blocking(pixels).await;
    let asked = asked.map_err(|panic| Failure::caused(Code::Internal, panic))??;
    Ok(asked.await?.document)
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
