//! What can be done to an image. The enum below is the list of operations; reading it is reading the product.

mod thumbnail;
mod values;
mod words;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use thumbnail::{InvalidThumbnail, Thumbnail};
pub use values::{Background, Dpr, Quality};
pub use words::{Filter, Frames, Gravity, Light, Metadata, Mode, OutputFormat, Reduce};

/// One thing done to an image, with its parameters. On the wire: `{"op": "thumbnail", "width": 512}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Operation {
    /// A smaller (or reshaped) copy of the image, encoded.
    Thumbnail(Thumbnail),
}

impl Operation {
    /// The names of all operations, as the API and the metrics spell them.
    pub const NAMES: [&'static str; 1] = ["thumbnail"];

    /// The name of this operation, one of [`Operation::NAMES`].
    pub fn name(&self) -> &'static str {
        match self {
            Self::Thumbnail(_) => "thumbnail",
        }
    }
}
