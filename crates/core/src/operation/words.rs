//! Parameters that are one word out of a closed set, each spelled once.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(word: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|v| v.as_str() == word).ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|v| v.as_str()).collect();
                    format!("`{word}` is none of: {}", known.join(", "))
                })
            }
        }
    };
}

words! {
    /// How an image is brought into the box.
    Mode {
        /// Inside the box, aspect kept.
        #[default]
        Fit = "fit",
        /// Covers the box, aspect kept, the rest cropped.
        Fill = "fill",
        /// Exactly the box, aspect not kept.
        Exact = "exact",
        /// Inside the box, aspect kept, the rest filled with the background.
        Pad = "pad",
    }
}

words! {
    /// What stays in view when an image is cropped.
    Gravity {
        /// The middle.
        #[default]
        Center = "center",
        /// The top edge.
        North = "north",
        /// The top right corner.
        NorthEast = "north-east",
        /// The right edge.
        East = "east",
        /// The bottom right corner.
        SouthEast = "south-east",
        /// The bottom edge.
        South = "south",
        /// The bottom left corner.
        SouthWest = "south-west",
        /// The left edge.
        West = "west",
        /// The top left corner.
        NorthWest = "north-west",
        /// Where the detail is: edges, saturation and skin tones decide.
        Smart = "smart",
    }
}

words! {
    /// A resampling filter, from fastest to sharpest.
    Filter {
        /// One source pixel per result pixel.
        Nearest = "nearest",
        /// Area average.
        Box = "box",
        /// Triangle.
        Bilinear = "bilinear",
        /// Hermite (smooth, no ringing).
        Hermite = "hermite",
        /// Catmull-Rom cubic.
        CatmullRom = "catmull-rom",
        /// Mitchell-Netravali cubic.
        Mitchell = "mitchell",
        /// Lanczos with three lobes.
        #[default]
        Lanczos3 = "lanczos3",
    }
}

words! {
    /// How much detail a decoder may drop before the last resampling step.
    Reduce {
        /// The smallest scaled decode that is not below the target (what sharp does).
        Speed = "speed",
        /// The measured compromise.
        #[default]
        Balanced = "balanced",
        /// At least twice the target is left for the filter: visually a full decode.
        Quality = "quality",
        /// A full decode.
        None = "none",
    }
}

words! {
    /// In which light pixels are averaged.
    Light {
        /// On the encoded values, as browsers and nearly all software do.
        #[default]
        Gamma = "gamma",
        /// On linear light: right for fine bright detail, slower.
        Linear = "linear",
    }
}

words! {
    /// The format of a result.
    OutputFormat {
        /// JPEG.
        #[default]
        Jpeg = "jpeg",
        /// PNG.
        Png = "png",
        /// WebP, lossy.
        Webp = "webp",
        /// AVIF.
        Avif = "avif",
        /// GIF.
        Gif = "gif",
        /// As the source, or PNG where the source's format cannot be written.
        Source = "source",
    }
}

words! {
    /// What happens to EXIF, XMP and ICC data.
    Metadata {
        /// Removed: smallest, and no position or camera leaks.
        #[default]
        Strip = "strip",
        /// Copied where the result's format can carry it, with the orientation reset.
        Keep = "keep",
    }
}

words! {
    /// How many frames of an animation are kept.
    Frames {
        /// Only the first.
        #[default]
        First = "first",
        /// All, where the result's format can carry them (GIF, WebP).
        All = "all",
    }
}

words! {
    /// How the output tensors of a model are written.
    TensorFormat {
        /// Into the job's result, as nested numbers.
        #[default]
        Json = "json",
        /// As artifacts in `NumPy`'s format, one a tensor.
        Npy = "npy",
    }
}

words! {
    /// Which faces of an image.
    Which {
        /// All of them, the surest first.
        #[default]
        All = "all",
        /// The surest one.
        First = "first",
        /// The one with the largest box; of equal ones the surer.
        Largest = "largest",
    }
}

words! {
    /// Whether aligned faces are kept as images.
    Crops {
        /// They are not.
        #[default]
        None = "none",
        /// As JPEG.
        Jpeg = "jpeg",
        /// As PNG, pixel by pixel what the embedder saw.
        Png = "png",
        /// As WebP, lossy.
        Webp = "webp",
    }
}
