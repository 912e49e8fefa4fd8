//! One model at one version: described at once, loaded when it is first asked.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use darkroom_imaging::Frame;

use crate::{
    InferenceError,
    batcher::{Answer, Ask, Batcher, Pending, Watch},
    config::Share,
    image,
    keeper::{Keeper, Slot},
    load::{Loader, Signature},
    manifest::{Description, Manifest},
    registry::Engines,
    scores::{self, Prediction},
    tensor::{Named, Tensor},
};

/// A model. Requests that are under way keep it alive, whatever becomes of its folder.
pub struct Model {
    id: String,
    folder: PathBuf,
    description: Arc<Description>,
    fingerprint: [u8; 32],
    house: House,
    slot: Arc<Slot>,
}

/// What all models share.
#[derive(Clone)]
pub(crate) struct House {
    pub(crate) engines: Arc<Engines>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) share: Share,
    pub(crate) queue: usize,
    pub(crate) run_time: Duration,
}

impl Model {
    pub(crate) fn new(folder: PathBuf, description: Description, house: House) -> Self {
        let id = description.manifest.id();
        let fingerprint = description.fingerprint();
        Self { id, folder, description: Arc::new(description), fingerprint, house, slot: Arc::default() }
    }

    /// `name/version`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the operator says of it.
    pub fn manifest(&self) -> &Manifest {
        &self.description.manifest
    }

    /// The label of each class; empty without labels.
    pub fn labels(&self) -> &Arc<[String]> {
        &self.description.labels
    }

    /// SHA-256 of the weights, in hexadecimal: what results depend on.
    pub fn digest(&self) -> &str {
        &self.description.manifest.sha256
    }

    /// A digest of everything that its answers depend on: weights, manifest, labels.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// Loads it if need be, and says what it takes and gives.
    pub fn ready(&self) -> Result<Pending<Arc<Signature>>, InferenceError> {
        let id = self.id.clone();
        self.ask(Ask::Ready, move |answer| match answer {
            Answer::Ready(signature) => Ok(signature),
            Answer::Tensors(_) => Err(unexpected(&id)),
        })
    }

    /// What it takes and gives, if it is known already: see [`Self::ready`].
    pub fn signature(&self) -> Option<Arc<Signature>> {
        self.slot.get()?.signature()
    }

    /// Runs it on tensors: every input once, in any order. All outputs come back.
    pub fn infer(&self, inputs: Vec<Named>) -> Result<Pending<Vec<Named>>, InferenceError> {
        let id = self.id.clone();
        self.ask(Ask::Tensors(inputs), move |answer| tensors(answer, &id))
    }

    /// The probability of each class for an image, upright, without alpha unless the model wants it. It is resized and normalised at once, in
    /// this thread (about a millisecond for half a megapixel); only the run is waited for.
    pub fn predict_image(&self, frame: &Frame) -> Result<Pending<Vec<f32>>, InferenceError> {
        let manifest = self.manifest();
        let (Some(image), Some(output)) = (&manifest.image, &manifest.output) else {
            return Err(InferenceError::BadInput(format!("model `{}` takes no images", self.id)));
        };
        let tensor = image::prepare(frame, image).map_err(InferenceError::BadInput)?;
        let (id, output) = (self.id.clone(), output.clone());
        self.ask(Ask::Image((image.input.clone(), tensor)), move |answer| {
            let outputs = tensors(answer, &id)?;
            scores::probabilities(&outputs, &output)
                .map_err(|detail| InferenceError::Failed { model: id.clone(), detail })
        })
    }

    /// The tensors that it gives for an image; for models whose outputs are no scores.
    pub fn infer_image(&self, frame: &Frame) -> Result<Pending<Vec<Named>>, InferenceError> {
        let Some(image) = &self.manifest().image else {
            return Err(InferenceError::BadInput(format!("model `{}` takes no images", self.id)));
        };
        let tensor = image::prepare(frame, image).map_err(InferenceError::BadInput)?;
        let id = self.id.clone();
        self.ask(Ask::Image((image.input.clone(), tensor)), move |answer| tensors(answer, &id))
    }

    /// The same for a tensor that was made of one image, or of several, already.
    pub(crate) fn infer_tensor_of_image(
        &self,
        tensor: Tensor,
    ) -> Result<Pending<Vec<Named>>, InferenceError> {
        let input = self.manifest().image.as_ref().map(|image| image.input.clone());
        let input =
            input.ok_or_else(|| InferenceError::BadInput(format!("model `{}` takes no images", self.id)))?;
        let id = self.id.clone();
        self.ask(Ask::Image((input, tensor)), move |answer| tensors(answer, &id))
    }

    /// The best `most` of the probabilities that are at least `threshold`, with their labels.
    pub fn top(&self, probabilities: &[f32], most: usize, threshold: f32) -> Vec<Prediction> {
        scores::top(probabilities, self.labels(), most, threshold)
    }

    /// The shorter side that a frame for it should have at least; 0 for a model that takes no images.
    pub fn wanted_side(&self) -> u32 {
        self.manifest().image.as_ref().map_or(0, image::wanted_side)
    }

    /// Whether a frame for it keeps its alpha.
    pub fn wants_alpha(&self) -> bool {
        self.manifest().image.as_ref().is_some_and(image::wants_alpha)
    }

    /// Whether it is in memory.
    pub fn is_loaded(&self) -> bool {
        self.slot.get().is_some_and(|batcher| batcher.is_loaded())
    }

    /// Bytes of the file of its weights, of which each session holds a copy; `None` if it cannot be looked at.
    pub fn weight_bytes(&self) -> Option<u64> {
        let file = self.folder.join(&self.manifest().file);
        file.metadata().ok().map(|metadata| metadata.len())
    }

    /// Why it could not be loaded, once that was tried.
    pub fn failure(&self) -> Option<InferenceError> {
        self.slot.get()?.failure()
    }

    /// Requests that wait.
    pub fn waiting(&self) -> usize {
        self.slot.get().map_or(0, |batcher| batcher.waiting())
    }

    /// Gives its memory back once what waits is done. The next request loads it again.
    pub fn unload(&self) {
        self.slot.clear();
    }

    fn ask<T>(
        &self,
        ask: Ask,
        finish: impl FnOnce(Answer) -> Result<T, InferenceError> + Send + 'static,
    ) -> Result<Pending<T>, InferenceError> {
        let receiver = self.batcher().submit(ask)?;
        Ok(Pending::new(&self.id, receiver, Box::new(finish)))
    }

    fn batcher(&self) -> Arc<Batcher> {
        let lasting = |batcher: &Arc<Batcher>| batcher.failure().is_none_or(|failure| stays(&failure));
        self.house.keeper.fill(&self.slot, lasting, || self.start())
    }

    fn start(&self) -> Batcher {
        let (id, folder) = (self.id.clone(), self.folder.clone());
        Batcher::new(Loader::new(id, folder, Arc::clone(&self.description), self.house.clone()))
    }
}

/// A file that is wrong stays wrong until it is replaced; a runtime may be installed, and a crash may not come again.
fn stays(failure: &InferenceError) -> bool {
    matches!(failure, InferenceError::BadModel { .. } | InferenceError::BadManifest { .. })
}

fn tensors(answer: Answer, id: &str) -> Result<Vec<Named>, InferenceError> {
    match answer {
        Answer::Tensors(outputs) => Ok(outputs),
        Answer::Ready(_) => Err(unexpected(id)),
    }
}

fn unexpected(id: &str) -> InferenceError {
    InferenceError::Failed { model: id.to_owned(), detail: "it answered another question".to_owned() }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("id", &self.id)
            .field("loaded", &self.is_loaded())
            .finish_non_exhaustive()
    }
}
