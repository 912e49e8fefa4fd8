//! Has a model answer: what was asked goes to its batcher in parts of a size that suits it, and comes back as one.
//!
//! Dropping the future withdraws whatever has not been taken by a session yet, and stops decoding.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use darkroom_imaging::{Guard, Inspected, Limits, Source};
use darkroom_inference::{Model, Named, Signature, Tensor};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{bad, models::Batches, models::batches, off_thread, question::Inputs, unanswered};
use crate::{http::failure::Failure, predict};

/// Parts of one question that are under way at once: while one runs, the next image is decoded, and others take their
/// turns in between.
const ABREAST: usize = 2;

/// What goes to the batcher as one request.
enum Part {
    Image { at: usize, file: Vec<u8> },
    Tensors { rows: usize, tensors: Vec<Named> },
}

/// All outputs of the model.
pub(super) async fn run(
    model: &Arc<Model>,
    signature: &Signature,
    limits: &Limits,
    inputs: Inputs,
) -> Result<Vec<Named>, Failure> {
    let parts = parts(model, signature, inputs)?;
    let [_, _, ..] = parts[..] else {
        let Some(part) = parts.into_iter().next() else { return Err(bad("there are no inputs")) };
        return Ok(one(model, limits, &Cancel::default(), part).await?.1);
    };
    let cancel = Cancel::default();
    let answers = stream::iter(parts).map(|part| one(model, limits, &cancel, part)).buffered(ABREAST);
    stacked(&answers.try_collect::<Vec<_>>().await?)
}

/// Images one by one: the batcher gathers them. A batch of tensors for a model of images is cut into as many rows as
/// one run takes, which bounds its memory; what the first dimension of other models is, only their makers know.
fn parts(model: &Model, signature: &Signature, inputs: Inputs) -> Result<Vec<Part>, Failure> {
    let tensors = match inputs {
        Inputs::Images(files) => {
            let part = |(at, file)| Part::Image { at, file };
            return Ok(files.into_iter().enumerate().map(part).collect());
        }
        Inputs::Tensors(tensors) => tensors,
    };
    let whole = |tensors| Ok(vec![Part::Tensors { rows: 0, tensors }]);
    let of_images = model.manifest().image.is_some() && batches(signature) == Batches::Yes;
    let [(_, tensor)] = &tensors[..] else { return whole(tensors) };
    let rows = tensor.rows().unwrap_or_default();
    if of_images && tensor.data().is_empty() {
        return Err(bad("a tensor without values is no image"));
    }
    if !of_images || rows <= signature.batch {
        return whole(tensors);
    }
    let sizes: Vec<usize> =
        (0..rows).step_by(signature.batch).map(|from| signature.batch.min(rows - from)).collect();
    let cut = tensors.into_iter().next().and_then(|(name, tensor)| {
        let pieces = tensor.unstack(&sizes)?.into_iter().zip(&sizes);
        let part = |(piece, rows): (Tensor, &usize)| Part::Tensors {
            rows: *rows,
            tensors: vec![(name.clone(), piece)],
        };
        Some(pieces.map(part).collect())
    });
    cut.ok_or_else(|| bad("the batch cannot be cut"))
}

/// The outputs of one part, and the rows that went in.
async fn one(
    model: &Arc<Model>,
    limits: &Limits,
    cancel: &Cancel,
    part: Part,
) -> Result<(usize, Vec<Named>), Failure> {
    match part {
        Part::Tensors { rows, tensors } => {
            let outputs = model.infer(tensors).map_err(unanswered)?.await.map_err(unanswered)?;
            Ok((rows, outputs))
        }
        Part::Image { at, file } => {
            let (asked, limits, cancelled) = (Arc::clone(model), limits.clone(), Arc::clone(&cancel.0));
            let pixels = move || {
                let guard = Guard::new(limits.decode_time, cancelled);
                let inspected = Inspected::new(Source::bytes(file), limits)?;
                let frame = inspected.frame(&predict::frame_for(&asked), &guard)?;
                asked.infer_image(&frame).map_err(unanswered)
            };
            let pending = off_thread(pixels).await.map_err(|failure| failure.within(&format!("Image {at}")));
            Ok((1, pending?.await.map_err(unanswered)?))
        }
    }
}

/// The outputs of all parts as one.
fn stacked(parts: &[(usize, Vec<Named>)]) -> Result<Vec<Named>, Failure> {
    let no_rows = |name: &str| {
        bad(&format!("output `{name}` has no row for each input; send them in requests of their own"))
    };
    let Some((_, first)) = parts.first() else { return Ok(Vec::new()) };
    let output = |(i, (name, _)): (usize, &Named)| {
        let each = parts.iter().map(|(rows, outputs)| {
            outputs.get(i).map(|(_, tensor)| tensor).filter(|tensor| tensor.rows() == Some(*rows))
        });
        let each: Option<Vec<&Tensor>> = each.collect();
        let all = each.and_then(|each| Tensor::stack(each.into_iter()));
        Ok((name.clone(), all.ok_or_else(|| no_rows(name))?))
    };
    first.iter().enumerate().map(output).collect()
}

/// Stops decoding when it is dropped.
#[derive(Default)]
struct Cancel(Arc<AtomicBool>);

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
