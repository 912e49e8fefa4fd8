//! What is asked of `darkroom run`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use darkroom_core::{
    Operation,
    operation::{
        AnyModel, Classify, Crops, Digit, Faces, Filter, Frames, Gravity, InvalidPrediction, Light, Metadata,
        Mode, ModelRef, OutputFormat, Reduce, TensorFormat, Threshold, Thumbnail, Top, Which,
    },
};
use darkroom_server::sources::Checksum;
use serde_json::{Map, Value, json};

use crate::{client::OtherServer, halt::Halt};

/// The operations that can be run, and on what.
#[derive(Debug, Subcommand)]
pub(crate) enum RunCommand<Dataset: Args> {
    /// Make a smaller (or reshaped) copy of each image
    Thumbnail(Box<Asked<ThumbnailArgs, Dataset>>),
    /// Name what is in each picture
    Classify(Box<Asked<ClassifyArgs, Dataset>>),
    /// Read the handwritten digit in each picture
    Digit(Box<Asked<DigitArgs, Dataset>>),
    /// Find the faces in each picture, and embed them
    Faces(Box<Asked<FacesArgs, Dataset>>),
    /// Feed each picture to any installed model, and keep what it says
    Model(Box<Asked<ModelArgs, Dataset>>),
}

impl<Dataset: Args> RunCommand<Dataset> {
    /// The operation, checked by the same rules as everywhere, and what it is done to.
    pub(crate) fn split(self) -> Result<(Operation, Dataset), Halt> {
        Ok(match self {
            Self::Thumbnail(asked) => (Operation::Thumbnail(asked.operation.thumbnail()?), asked.dataset),
            Self::Classify(asked) => (Operation::Classify(asked.operation.classify()?), asked.dataset),
            Self::Digit(asked) => (Operation::Digit(Digit { model: asked.operation.model }), asked.dataset),
            Self::Faces(asked) => (Operation::Faces(asked.operation.faces()?), asked.dataset),
            Self::Model(asked) => {
                let ModelArgs { model, tensors } = asked.operation;
                (Operation::Model(AnyModel { model, tensors, name: None }), asked.dataset)
            }
        })
    }
}

/// The parameters of an operation, and what it is done to.
#[derive(Debug, Args)]
pub(crate) struct Asked<Operation: Args, Dataset: Args> {
    #[command(flatten)]
    operation: Operation,
    #[command(flatten)]
    dataset: Dataset,
}

/// What is worked through, and where the results go.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Files, folders (with everything below) and patterns such as 'photos/**/*.jpg'
    #[arg(required_unless_present = "archive", value_name = "SOURCE")]
    pub(super) sources: Vec<String>,
    /// An archive instead, by its file or address: tar, tar.gz, tar.zst or zip
    #[arg(long, value_name = "FILE|URL", conflicts_with = "sources")]
    pub(super) archive: Option<String>,
    /// The MD5 sum of the archive; nothing is worked on before its bytes come to that
    #[arg(long, value_name = "HEX", requires = "archive", value_parser = md5)]
    pub(super) md5: Option<Checksum>,
    /// The same, as md5:HEX, sha1:HEX or sha256:HEX
    #[arg(long, value_name = "SUM", requires = "archive", conflicts_with = "md5")]
    pub(super) checksum: Option<Checksum>,
    /// The folder for the results; it mirrors the sources
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Print the exact mean of all faces, below the log of the classic service (with --json: the mean alone)
    #[arg(long)]
    pub(super) mean: bool,
    /// Keep nothing in the data folder (with --server: of the run there) once it is done; the next time everything is worked
    /// on again
    #[arg(long)]
    pub(super) forget: bool,
    #[command(flatten)]
    pub(super) server: OtherServer,
}

fn md5(text: &str) -> Result<Checksum, String> {
    format!("md5:{text}").parse().map_err(|_| "an MD5 sum is 32 hexadecimal digits".to_owned())
}

/// The flags of `darkroom run classify`.
#[derive(Debug, Args)]
pub(crate) struct ClassifyArgs {
    /// The model, as name or name@version [default: the one of `models.classify`]
    #[arg(long)]
    model: Option<ModelRef>,
    /// How many labels at most, 1 to 1000 [default: 5]
    #[arg(long)]
    top: Option<u16>,
    /// Leave out labels with a smaller score, 0 to 1 [default: 0]
    #[arg(long)]
    threshold: Option<f32>,
}

impl ClassifyArgs {
    fn classify(self) -> Result<Classify, Halt> {
        let wrong = |error: InvalidPrediction| Halt::Usage(error.to_string());
        Ok(Classify {
            model: self.model,
            top: self.top.map(Top::try_from).transpose().map_err(wrong)?.unwrap_or_default(),
            threshold: self
                .threshold
                .map(Threshold::try_from)
                .transpose()
                .map_err(wrong)?
                .unwrap_or_default(),
        })
    }
}

/// The flags of `darkroom run digit`.
#[derive(Debug, Args)]
pub(crate) struct DigitArgs {
    /// The model, as name or name@version [default: the one of `models.digit`]
    #[arg(long)]
    model: Option<ModelRef>,
}

/// The flags of `darkroom run faces`.
#[derive(Debug, Args)]
pub(crate) struct FacesArgs {
    /// The model that finds faces, as name or name@version [default: the one of `models.faces`]
    #[arg(long)]
    model: Option<ModelRef>,
    /// The model that embeds them, as name or name@version [default: the one of `models.embedder`]
    #[arg(long)]
    embedder: Option<ModelRef>,
    /// all, first (the surest) or largest [default: all]
    #[arg(long)]
    which: Option<Which>,
    /// Leave out faces of which the model is less sure, 0 to 1 [default: 0.7]
    #[arg(long)]
    min_score: Option<f32>,
    /// Leave out faces whose box has a shorter side, in pixels [default: 0]
    #[arg(long)]
    min_size: Option<u32>,
    /// How many faces of a picture at most, 1 to 1000 [default: 100]
    #[arg(long)]
    max: Option<u16>,
    /// Search each picture at the size of a square of this side at most, 160 to 4096 [default: 1024]
    #[arg(long)]
    side: Option<u16>,
    /// Only find faces, without embeddings
    #[arg(long)]
    no_embeddings: bool,
    /// Write each face, turned upright, as jpeg, png or webp [default: none]
    #[arg(long)]
    crops: Option<Crops>,
}

impl FacesArgs {
    fn faces(self) -> Result<Faces, Halt> {
        let wrong = |error: InvalidPrediction| Halt::Usage(error.to_string());
        let usual = Faces::default();
        Ok(Faces {
            model: self.model,
            embedder: self.embedder,
            which: self.which.unwrap_or_default(),
            min_score: match self.min_score {
                Some(score) => score.try_into().map_err(wrong)?,
                None => usual.min_score,
            },
            min_size: self.min_size.unwrap_or_default(),
            max: self.max.map(TryInto::try_into).transpose().map_err(wrong)?.unwrap_or_default(),
            side: self.side.map(TryInto::try_into).transpose().map_err(wrong)?.unwrap_or_default(),
            embeddings: !self.no_embeddings,
            crops: self.crops.unwrap_or_default(),
            name: None,
        })
    }
}

/// The flags of `darkroom run model`.
#[derive(Debug, Args)]
pub(crate) struct ModelArgs {
    /// The model, as name or name@version
    model: ModelRef,
    /// json (into results.jsonl) or npy (a file a tensor) [default: json]
    #[arg(long, default_value_t, hide_default_value = true)]
    tensors: TensorFormat,
}

/// The flags of `darkroom run thumbnail`.
#[derive(Debug, Args)]
pub(crate) struct ThumbnailArgs {
    /// Box width in pixels [default: 512 if no height is given]
    #[arg(long)]
    width: Option<u32>,
    /// Box height in pixels [default: 512 if no width is given]
    #[arg(long)]
    height: Option<u32>,
    /// fit, fill, exact or pad [default: fit]
    #[arg(long)]
    mode: Option<Mode>,
    /// What stays in view when cropped: center, north, …, north-west or smart [default: center]
    #[arg(long)]
    gravity: Option<Gravity>,
    /// Let images grow to the box
    #[arg(long)]
    enlarge: bool,
    /// nearest, box, bilinear, hermite, catmull-rom, mitchell or lanczos3 [default: lanczos3]
    #[arg(long)]
    filter: Option<Filter>,
    /// How much detail decoders may drop: speed, balanced, quality or none [default: balanced]
    #[arg(long)]
    reduce: Option<Reduce>,
    /// In which light pixels are averaged: gamma or linear [default: gamma]
    #[arg(long)]
    light: Option<Light>,
    /// jpeg, png, webp, avif, gif or source [default: jpeg]
    #[arg(long)]
    format: Option<OutputFormat>,
    /// Encoder quality, 1 to 100
    #[arg(long)]
    quality: Option<u8>,
    /// The colour under transparent pixels and beside padded images, such as '#ffffff'
    #[arg(long)]
    background: Option<String>,
    /// What happens to EXIF, XMP and ICC data: strip or keep [default: strip]
    #[arg(long)]
    metadata: Option<Metadata>,
    /// Device pixel ratio, 0.1 to 8
    #[arg(long)]
    dpr: Option<f32>,
    /// Frames of an animation: first or all [default: first]
    #[arg(long)]
    frames: Option<Frames>,
}

impl ThumbnailArgs {
    fn thumbnail(&self) -> Result<Thumbnail, Halt> {
        let sides = if self.width.or(self.height).is_none() {
            (Some(512), Some(512))
        } else {
            (self.width, self.height)
        };
        let given = [
            ("width", sides.0.map(Value::from)),
            ("height", sides.1.map(Value::from)),
            ("mode", self.mode.map(|word| json!(word))),
            ("gravity", self.gravity.map(|word| json!(word))),
            ("enlarge", self.enlarge.then_some(Value::Bool(true))),
            ("filter", self.filter.map(|word| json!(word))),
            ("reduce", self.reduce.map(|word| json!(word))),
            ("light", self.light.map(|word| json!(word))),
            ("format", self.format.map(|word| json!(word))),
            ("quality", self.quality.map(Value::from)),
            ("background", self.background.clone().map(Value::from)),
            ("metadata", self.metadata.map(|word| json!(word))),
            ("dpr", self.dpr.map(|dpr| json!(dpr))),
            ("frames", self.frames.map(|word| json!(word))),
        ];
        let fields: Map<String, Value> =
            given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        serde_json::from_value(Value::Object(fields)).map_err(|error| Halt::Usage(error.to_string()))
    }
}
