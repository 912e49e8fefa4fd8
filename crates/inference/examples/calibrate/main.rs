//! The ranges of a model's values, from which `darkroom models fetch` makes its int8 variant.
//!
//! `cargo run --release -p darkroom-inference --example calibrate -- MODEL-FOLDER PHOTOS [FLOAT…]`
//!
//! `MODEL-FOLDER` holds a float model and its manifest, `PHOTOS` the photographs that the `PyPI` package `scikit-image`
//! 0.25.2 carries (`./x test` puts them into `.x/photos`). The values named by `FLOAT` get no range and stay floats. The
//! same photographs give the same text, which goes to standard output. ONNX Runtime is looked for at
//! `DARKROOM_ONNX_RUNTIME`, else in `.x/runtime`.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

mod photographs;

use std::{env, fs, path::Path, path::PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use darkroom_inference::{
    OnnxRuntime, Provider, Tensor,
    convert::quantise::Calibration,
    engine::{Engine, LoadOptions, Session},
    image,
    manifest::{Description, ImageInput},
};

fn main() -> Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [folder, photos, stay_float @ ..] = words.as_slice() else {
        return Err(anyhow!("calibrate MODEL-FOLDER PHOTOS [FLOAT…]"));
    };
    let folder = Path::new(folder);
    let description = Description::read(folder).map_err(|mistakes| anyhow!("{mistakes:?}"))?;
    let manifest = &description.manifest;
    let input = manifest.image.as_ref().context("the model takes no images")?;
    let model = fs::read(folder.join(&manifest.file))?;
    let (mut calibration, watched) = Calibration::begin(&model)?;
    let mut session = load(&watched)?;
    let mut seen = 0;
    for view in photographs::views(Path::new(photos)) {
        let tensor = image::prepare(&view?, input).map_err(|what| anyhow!(what))?;
        see(&mut calibration, session.as_mut(), (input, &tensor))?;
        seen += 1;
    }
    let ranges = calibration.ranges().without(stay_float);
    ensure!(!ranges.is_empty(), "nothing was seen");
    println!(
        "# What bytes reach in {} {}: made by the example `calibrate` of",
        manifest.name, manifest.version
    );
    println!("# crates/inference from {seen} views of photographs, and not written by hand.");
    print!("{ranges}");
    Ok(())
}

fn see(
    calibration: &mut Calibration,
    session: &mut dyn Session,
    (input, tensor): (&ImageInput, &Tensor),
) -> Result<()> {
    let outputs = session.run(&[(&input.input, tensor)])?;
    calibration.see(&input.input, &tensor.to_f32().unwrap_or_default());
    for (name, values) in outputs {
        calibration.see(&name, &values.to_f32().unwrap_or_default());
    }
    Ok(())
}

fn load(model: &[u8]) -> Result<Box<dyn Session>> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.x/runtime");
    let library = env::var_os("DARKROOM_ONNX_RUNTIME").map_or_else(beside, PathBuf::from);
    let engine = OnnxRuntime::open(&library, Provider::Cpu, None)?;
    let place = tempfile::NamedTempFile::new()?;
    fs::write(place.path(), model)?;
    Ok(engine.load(place.path(), &LoadOptions { threads: 1, digest: String::new() })?)
}
