//! Our library in a loop, without a queue: what `./x bench run` compares runs with.
//!
//! `face_folder FOLDER --models DIR --runtime FILE --threads 2` makes a vector of the surest face of every file below `FOLDER`
//! and prints photographs a second and how many have a face. The models are loaded before the clock starts.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use darkroom_imaging::{FrameRequest, Guard, Inspected, Limits, Source};
use darkroom_inference::{
    Config, Model, Models,
    faces::{self, Embedded, Embedding, Search},
};

/// As the operation searches unless told otherwise.
const SEARCH: Search = Search { side: 1024, min_score: 0.7 };

fn main() -> Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let folder = words.first().context("face_folder FOLDER --models DIR --runtime FILE --threads N")?;
    darkroom_imaging::memory::keep();
    let (detector, embedder) = models(&words)?;
    let threads: usize = option(&words, "--threads").unwrap_or("2").parse()?;
    let mut photographs = Vec::new();
    collect(Path::new(folder), &mut photographs)?;

    let (next, found, start) = (AtomicUsize::new(0), AtomicUsize::new(0), Instant::now());
    let work = || -> Result<()> {
        while let Some(photograph) = photographs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let vector = look(&detector, &embedder, photograph)?;
            found.fetch_add(usize::from(vector.is_some()), Ordering::Relaxed);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow!("a thread panicked"))?)
    })?;
    let rate = photographs.len() as f64 / start.elapsed().as_secs_f64();
    println!("{rate} {}", found.into_inner());
    Ok(())
}

fn models(words: &[String]) -> Result<(Arc<Model>, Arc<Model>)> {
    let folder = |name| option(words, name).map(PathBuf::from).with_context(|| format!("{name} is missing"));
    let dir = folder("--models")?;
    let config = Config { runtime: folder("--runtime")?, ..Config::below(&dir) };
    let models = Models::open(&Config { dir, ..config }).map_err(|mistakes| anyhow!("{mistakes:?}"))?;
    let (detector, embedder) = (models.get("yunet", None)?, models.get("sface", None)?);
    detector.ready()?.wait()?;
    embedder.ready()?.wait()?;
    Ok((detector, embedder))
}

/// The vector of the surest face.
fn look(detector: &Model, embedder: &Model, photograph: &Path) -> Result<Option<Embedding>> {
    let image = Inspected::new(Source::bytes(fs::read(photograph)?), Limits::default())?;
    let guard = Guard::new(Duration::from_mins(1), Arc::default());
    let wanted = FrameRequest { shorter_side: Some(SEARCH.side), margin: 1.0, ..FrameRequest::default() };
    let frame = image.frame(&wanted, &guard)?;
    let found = SEARCH.ask(detector, &frame)?.wait()?.faces()?;
    let Some(crop) = found.first().and_then(|face| faces::crop(&frame, &face.landmarks)) else {
        return Ok(None);
    };
    Ok(Embedded::prepare(embedder, &[crop])?.wait(embedder)?.pop())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn option<'a>(words: &'a [String], name: &str) -> Option<&'a str> {
    words.iter().position(|word| word == name).and_then(|at| words.get(at + 1)).map(String::as_str)
}
