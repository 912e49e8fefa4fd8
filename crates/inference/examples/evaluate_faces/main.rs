//! How well faces are found and told apart, on photographs of known people.
//!
//! `cargo run --release -p darkroom-inference --example evaluate_faces -- FOLDER [DATA]`
//!
//! `FOLDER` holds a folder for each person with their photographs, as PGM files or of any kind that Darkroom reads (the
//! AT&T faces are such a folder). `DATA` is a data folder into which `darkroom models fetch yunet sface` has put the models (default
//! `darkroom-data`). ONNX Runtime is looked for at `DARKROOM_ONNX_RUNTIME`, else in `.x/runtime`.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

mod figures;
mod photographs;

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use darkroom_imaging::Frame;
use darkroom_inference::{
    Config, Model, Models,
    faces::{self, Embedded, Embedding, Face, Search, compare::SAME_PERSON},
};
use figures::Figures;
use photographs::Photograph;

/// As the operation searches unless told otherwise.
const SEARCH: Search = Search { side: 1024, min_score: 0.7 };

fn main() -> Result<()> {
    let mut words = env::args().skip(1);
    let folder = PathBuf::from(words.next().context("evaluate_faces FOLDER [DATA]")?);
    let data = words.next().map_or_else(|| PathBuf::from("darkroom-data"), PathBuf::from);
    let (detector, embedder) = models(&data)?;
    let photographs = photographs::below(&folder)?;
    let (mut people, mut embeddings, mut several, mut weakest) = (Vec::new(), Vec::new(), 0, 1f32);
    let mut spent = Spent::default();
    for photograph in &photographs {
        let seen = look(&detector, &embedder, photograph, &mut spent)?;
        several += usize::from(seen.len() > 1);
        let Some((face, embedding)) = seen.into_iter().next() else {
            println!("no face in {}", photograph.path.display());
            continue;
        };
        weakest = weakest.min(face.score);
        people.push(photograph.person.as_str());
        embeddings.push(embedding);
    }
    let count = photographs.len();
    println!("photographs          {count}, of {} people", people_in(&people));
    println!(
        "a face is found in   {}/{count} ({several} with several; lowest score {weakest:.3})",
        people.len()
    );
    print(&Figures::of(&people, &embeddings));
    spent.print(count);
    Ok(())
}

fn people_in(people: &[&str]) -> usize {
    people.iter().collect::<std::collections::BTreeSet<_>>().len()
}

fn models(data: &Path) -> Result<(Arc<Model>, Arc<Model>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let runtime = env::var_os("DARKROOM_ONNX_RUNTIME").map_or_else(|| root.join(".x/runtime"), PathBuf::from);
    let config = Config { runtime, threads: 1, sessions: 1, ..Config::below(data) };
    let models = Models::open(&config).map_err(|mistakes| anyhow::anyhow!("{mistakes:?}"))?;
    let (detector, embedder) = (models.get("yunet", None)?, models.get("sface", None)?);
    // Loading is not part of the time.
    detector.ready()?.wait()?;
    embedder.ready()?.wait()?;
    Ok((detector, embedder))
}

/// The faces of one photograph, the surest first, with their embeddings.
fn look(
    detector: &Model,
    embedder: &Model,
    photograph: &Photograph,
    spent: &mut Spent,
) -> Result<Vec<(Face, Embedding)>> {
    let began = Instant::now();
    let found = SEARCH.ask(detector, &photograph.frame)?.wait()?.faces()?;
    spent.finding += began.elapsed();
    let began = Instant::now();
    let crops: Vec<Frame> =
        found.iter().filter_map(|face| faces::crop(&photograph.frame, &face.landmarks)).collect();
    let embeddings = Embedded::prepare(embedder, &crops)?.wait(embedder)?;
    spent.embedding += began.elapsed();
    Ok(found.into_iter().zip(embeddings).collect())
}

fn print(figures: &Figures) {
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    println!("rank-1               {}", percent(figures.rank_one));
    println!("nearest mean         {} (own photograph left out)", percent(figures.nearest_mean));
    println!("TAR at FAR 1e-3      {} (threshold {:.3})", percent(figures.tar), figures.threshold);
    println!("AUC                  {:.5}", figures.auc);
    println!(
        "at {SAME_PERSON}             {} of different people accepted, {} of one person refused",
        percent(figures.far),
        percent(figures.frr)
    );
}

/// Where the time went.
#[derive(Default)]
struct Spent {
    finding: Duration,
    embedding: Duration,
}

impl Spent {
    /// Each model has one session of one thread, and this thread waits for it: the time is a processor's.
    fn print(&self, photographs: usize) {
        let each = |time: Duration| time.as_secs_f64() * 1e3 / photographs.max(1) as f64;
        let (finding, embedding) = (each(self.finding), each(self.embedding));
        println!(
            "time a photograph    {:.1} ms on one thread: {finding:.1} finding, {embedding:.1} embedding",
            finding + embedding
        );
    }
}
