//! From aligned faces to vectors.

use darkroom_imaging::Frame;

use super::CROP_SIDE;
use crate::{InferenceError, Model, Tensor, image, tensor::Named};

/// A face as a vector of length 1; those of one person point the same way. 128 numbers for SFace.
pub type Embedding = Vec<f32>;

/// Aligned faces that are to be embedded, a batch at a time.
#[derive(Debug)]
pub struct Embedded {
    batches: Vec<Tensor>,
}

impl Embedded {
    /// Turns crops (see [`super::crop`]) into tensors, at once and in this thread.
    pub fn prepare(embedder: &Model, crops: &[Frame]) -> Result<Self, InferenceError> {
        let takes = |image: &&crate::manifest::ImageInput| image.size == [CROP_SIDE; 2];
        let input = embedder.manifest().image.as_ref().filter(takes);
        let input = input.ok_or_else(|| {
            let what = format!("model `{}` takes no faces of {CROP_SIDE} pixels", embedder.id());
            InferenceError::BadInput(what)
        })?;
        let most = embedder.manifest().batch.most.max(1);
        let batch = |crops: &[Frame]| {
            let tensors = crops.iter().map(|crop| image::prepare(crop, input));
            let tensors = tensors.collect::<Result<Vec<_>, _>>().map_err(InferenceError::BadInput)?;
            Tensor::stack(tensors.iter()).ok_or_else(|| {
                InferenceError::BadInput("faces of one picture have different sizes".to_owned())
            })
        };
        Ok(Self { batches: crops.chunks(most).map(batch).collect::<Result<_, _>>()? })
    }

    /// The embedding of each face, in the order of the crops. One batch is asked at a time, so that a picture of many
    /// faces does not fill the queue of all others.
    pub async fn ask(self, embedder: &Model) -> Result<Vec<Embedding>, InferenceError> {
        let mut embeddings = Vec::new();
        for batch in self.batches {
            let rows = batch.rows().unwrap_or_default();
            let outputs = embedder.infer_tensor_of_image(batch)?.await?;
            embeddings.extend(normalised(embedder, &outputs, rows)?);
        }
        Ok(embeddings)
    }

    /// The same for threads: blocks this one.
    pub fn wait(self, embedder: &Model) -> Result<Vec<Embedding>, InferenceError> {
        let mut embeddings = Vec::new();
        for batch in self.batches {
            let rows = batch.rows().unwrap_or_default();
            let outputs = embedder.infer_tensor_of_image(batch)?.wait()?;
            embeddings.extend(normalised(embedder, &outputs, rows)?);
        }
        Ok(embeddings)
    }
}

/// The rows of the one output, each with the length 1.
fn normalised(embedder: &Model, outputs: &[Named], rows: usize) -> Result<Vec<Embedding>, InferenceError> {
    let failed =
        |detail: &str| InferenceError::Failed { model: embedder.id().to_owned(), detail: detail.to_owned() };
    let [(_, output)] = outputs else { return Err(failed("it does not give one vector a face")) };
    let values = output.to_f32().filter(|values| rows > 0 && !values.is_empty() && values.len() % rows == 0);
    let values = values.ok_or_else(|| failed("it does not give one vector a face"))?;
    let unit = |row: &[f32]| {
        let length = row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        let usable = length.is_finite() && length > 0.0;
        usable.then(|| row.iter().map(|value| (f64::from(*value) / length) as f32).collect())
    };
    let vectors = values.chunks_exact(values.len() / rows).map(unit).collect::<Option<_>>();
    vectors.ok_or_else(|| failed("a face has no direction"))
}
