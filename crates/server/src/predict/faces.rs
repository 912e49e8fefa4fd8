//! Faces: one model finds them, another embeds each.

use std::sync::Arc;

use darkroom_core::operation::{Crops, Faces, Which};
use darkroom_imaging::{self as imaging, Format, Frame, FrameRequest, Guard, Limits};
use darkroom_inference::{
    InferenceError, Model,
    faces::{self, Answered, Embedded, Embedding, Face, Search},
    manifest::Task,
};
use serde_json::{Value, json};

use super::said::{File, Said};
use super::{Asked, Experts, Seen, said};

/// What the crops' names begin with.
const STEM: &str = "face";

/// The frame: large enough for the finest look, and for the faces that are cut out of it.
pub(super) fn frame(faces: &Faces) -> FrameRequest {
    FrameRequest { shorter_side: Some(faces.side.get()), margin: 1.0, ..FrameRequest::default() }
}

/// Bytes beside the frame.
pub(super) fn memory_needed(faces: &Faces, detector: &Model, size: (u32, u32)) -> u64 {
    // An aligned face as bytes and as floats.
    let face = u64::from(faces::CROP_SIDE).pow(2) * 3 * 5;
    faces::memory_needed(detector, size, faces.side.get()) + face * faces.max.get() as u64
}

/// Asks the detector at once; what follows runs on threads that may block, between two waits for models.
pub(super) fn ask(faces: &Faces, experts: &Experts, seen: &Seen) -> Result<Asked, InferenceError> {
    let Experts { first: detector, embedder } = experts.clone();
    fits(&detector, Task::DetectFaces, "finds no faces")?;
    if let Some(embedder) = &embedder {
        fits(embedder, Task::EmbedFace, "embeds no faces")?;
    }
    let search = Search { side: faces.side.get(), min_score: faces.min_score.get() };
    let searching = search.ask(&detector, &seen.frame)?;
    let (faces, seen) = (faces.clone(), seen.clone());
    Ok(Box::pin(async move {
        let answered = searching.answered().await?;
        let (second, id) = (embedder.clone(), detector.id().to_owned());
        let cut = tokio::task::spawn_blocking(move || Cut::of(&faces, &answered, &seen, second.as_deref()));
        let cut = cut
            .await
            .unwrap_or_else(|panic| Err(InferenceError::Failed { model: id, detail: panic.to_string() }))?;
        let embeddings = match (&embedder, cut.upright) {
            (Some(embedder), Some(upright)) => upright.ask(embedder).await?,
            _ => Vec::new(),
        };
        Ok(told(&detector, embedder.as_ref(), cut.told, embeddings))
    }))
}

fn fits(model: &Model, task: Task, otherwise: &str) -> Result<(), InferenceError> {
    if model.manifest().task == task {
        return Ok(());
    }
    Err(InferenceError::BadInput(format!("model `{}` {otherwise}", model.id())))
}

/// The faces that were asked for.
struct Cut {
    told: Vec<Told>,
    upright: Option<Embedded>,
}

/// One of them.
struct Told {
    document: Value,
    crop: Option<File>,
}

impl Cut {
    fn of(
        faces: &Faces,
        answered: &Answered,
        seen: &Seen,
        embedder: Option<&Model>,
    ) -> Result<Self, InferenceError> {
        let (across, down) =
            (seen.size.0 as f32 / seen.frame.width as f32, seen.size.1 as f32 / seen.frame.height as f32);
        let large = |face: &Face| {
            let area = face.scaled(across, down).area;
            area.width.min(area.height) >= faces.min_size as f32
        };
        let found = chosen(answered.faces()?.into_iter().filter(large).collect(), faces);
        let aligned = found.iter().map(|face| Some((*face, faces::crop(&seen.frame, &face.landmarks)?)));
        let aligned: Vec<(Face, Frame)> = aligned.flatten().collect();
        let (mut told, mut crops) = (Vec::with_capacity(aligned.len()), Vec::with_capacity(aligned.len()));
        for (number, (face, crop)) in aligned.into_iter().enumerate() {
            let mut document = described(face.scaled(across, down), seen.size);
            let file = encoded(faces, &crop, number)?;
            if file.is_some() {
                document["crop"] = json!({ "width": crop.width, "height": crop.height });
            }
            told.push(Told { document, crop: file });
            crops.push(crop);
        }
        let upright = embedder.map(|embedder| Embedded::prepare(embedder, &crops)).transpose()?;
        Ok(Self { told, upright })
    }
}

/// Those that were asked for, of faces with the surest first.
fn chosen(mut found: Vec<Face>, faces: &Faces) -> Vec<Face> {
    match faces.which {
        Which::All => found.truncate(faces.max.get()),
        Which::First => found.truncate(1),
        Which::Largest => {
            // The first of equal ones is the surer.
            let largest =
                found.iter().copied().reduce(|a, b| if b.area.size() > a.area.size() { b } else { a });
            found = largest.into_iter().collect();
        }
    }
    found
}

/// A face in pixels of the whole image; its box is cut off at the borders.
fn described(face: Face, size: (u32, u32)) -> Value {
    let within = face.area.within(size);
    let [right_eye, left_eye, nose, right_mouth, left_mouth] = face.landmarks.map(|p| [p.x, p.y]);
    json!({
        "box": { "x": within.left, "y": within.top, "width": within.width, "height": within.height },
        "clipped": !face.area.is_within(size),
        "landmarks": {
            "right_eye": right_eye,
            "left_eye": left_eye,
            "nose": nose,
            "right_mouth": right_mouth,
            "left_mouth": left_mouth,
        },
        "score": face.score,
    })
}

/// What the file of a face is called, without its extension.
pub(crate) fn crop_stem(faces: &Faces, number: usize) -> String {
    format!("{}-{}", faces.name.as_ref().map_or(STEM, |name| name.as_str()), number + 1)
}

fn encoded(faces: &Faces, crop: &Frame, number: usize) -> Result<Option<File>, InferenceError> {
    let format = match faces.crops {
        Crops::None => return Ok(None),
        Crops::Jpeg => Format::Jpeg,
        Crops::Png => Format::Png,
        Crops::Webp => Format::Webp,
    };
    let guard = Guard::new(Limits::default().decode_time, Arc::default());
    let bytes = imaging::encode(crop, format, &guard);
    let bytes = bytes.map_err(|error| InferenceError::BadInput(format!("a face cannot be kept: {error}")))?;
    Ok(Some(File {
        stem: crop_stem(faces, number),
        extension: format.extension(),
        media_type: format.media_type(),
        bytes,
        place: format!("/faces/{number}/crop"),
    }))
}

fn told(
    detector: &Model,
    embedder: Option<&Arc<Model>>,
    told: Vec<Told>,
    embeddings: Vec<Embedding>,
) -> Said {
    let mut embeddings = embeddings.into_iter();
    let (mut faces, mut files) = (Vec::with_capacity(told.len()), Vec::new());
    for Told { mut document, crop } in told {
        if let Some(embedding) = embeddings.next() {
            document["embedding"] = json!(embedding);
        }
        faces.push(document);
        files.extend(crop);
    }
    let mut document = json!({ "count": faces.len(), "faces": faces });
    if let Some(embedder) = embedder {
        let manifest = embedder.manifest();
        document["embedder"] = json!({
            "model": manifest.name, "version": manifest.version, "digest": embedder.digest(),
        });
    }
    Said { files, ..said::said(detector, document) }
}

#[cfg(test)]
mod tests {
    use darkroom_inference::faces::{Area, Point};

    use super::*;

    fn face(left: f32, side: f32, score: f32) -> Face {
        let area = Area { left, top: 10.0, width: side, height: side };
        Face { area, landmarks: [Point { x: left + 1.0, y: 12.0 }; 5], score }
    }

    #[test]
    fn which_faces_are_chosen() {
        let found = vec![face(0.0, 20.0, 0.9), face(50.0, 40.0, 0.8), face(99.0, 40.0, 0.7)];
        let chosen = |which, max: u16| {
            let faces = Faces { which, max: max.try_into().unwrap(), ..Faces::default() };
            chosen(found.clone(), &faces).iter().map(|face| face.area.left).collect::<Vec<_>>()
        };
        assert_eq!(chosen(Which::All, 100), [0.0, 50.0, 99.0]);
        assert_eq!(chosen(Which::All, 2), [0.0, 50.0]);
        assert_eq!(chosen(Which::First, 100), [0.0]);
        assert_eq!(chosen(Which::Largest, 100), [50.0]);
        assert!(super::chosen(Vec::new(), &Faces { which: Which::Largest, ..Faces::default() }).is_empty());
    }

    #[test]
    fn a_box_is_cut_off_at_the_border_and_says_so() {
        let document = described(face(-5.0, 20.0, 0.9), (100, 25));
        assert_eq!(document["box"], json!({ "x": 0.0, "y": 10.0, "width": 15.0, "height": 15.0 }));
        assert_eq!(
            (&document["clipped"], &document["landmarks"]["nose"]),
            (&json!(true), &json!([-4.0, 12.0]))
        );
        assert_eq!(described(face(5.0, 10.0, 0.9), (100, 100))["clipped"], json!(false));
    }
}
