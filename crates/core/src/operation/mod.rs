//! What can be done to an image. The enum below is the list of operations; reading it is reading the product.

mod faces;
mod predict;
mod thumbnail;
mod values;
mod words;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use faces::{Faces, MostFaces, SearchSide};
pub use predict::{AnyModel, ArtifactStem, Classify, Digit, InvalidPrediction, ModelRef, Threshold, Top};
pub use thumbnail::{InvalidThumbnail, Thumbnail};
pub use values::{Background, Dpr, Quality};
pub use words::{
    Crops, Filter, Frames, Gravity, Light, Metadata, Mode, OutputFormat, Reduce, TensorFormat, Which,
};

/// One thing done to an image, with its parameters. On the wire: `{"op": "thumbnail", "width": 512}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Operation {
    /// A smaller (or reshaped) copy of the image, encoded.
    Thumbnail(Thumbnail),
    /// The labels of what is in the picture.
    Classify(Classify),
    /// The digit that is written in the picture.
    Digit(Digit),
    /// Where the faces are, with an embedding of each.
    Faces(Faces),
    /// The output of any installed model.
    Model(AnyModel),
}

impl Operation {
    /// The names of all operations, as the API and the metrics spell them.
    pub const NAMES: [&'static str; 5] = ["thumbnail", "classify", "digit", "faces", "model"];

    /// The name of this operation, one of [`Operation::NAMES`].
    pub fn name(&self) -> &'static str {
        match self {
            Self::Thumbnail(_) => "thumbnail",
            Self::Classify(_) => "classify",
            Self::Digit(_) => "digit",
            Self::Faces(_) => "faces",
            Self::Model(_) => "model",
        }
    }
}
