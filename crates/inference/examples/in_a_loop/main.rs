//! Our library in a loop, without a queue: what `./x bench run` compares runs with.
//!
//! `in_a_loop thumbnails FOLDER --out OUT --size 256 --threads 2` writes a thumbnail of every file below `FOLDER` into `OUT`;
//! `in_a_loop faces FOLDER --models DIR --runtime FILE --threads 2` makes a vector of the surest face of each. Printed are
//! images a second, and how many gave something. Models are loaded before the clock starts.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

mod faces;
mod thumbnails;

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use anyhow::{Context, Result, anyhow, bail};

/// What is done to a file; whether it gave something.
type Work = Box<dyn Fn(&Path) -> Result<bool> + Sync>;

fn main() -> Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [what, folder, ..] = words.as_slice() else { bail!("in_a_loop thumbnails|faces FOLDER …") };
    let threads: usize = option(&words, "--threads")?.parse()?;
    darkroom_imaging::memory::keep();
    let work = match what.as_str() {
        "thumbnails" => thumbnails::work(&words)?,
        "faces" => faces::work(&words)?,
        other => bail!("nothing is called {other} here"),
    };
    let mut files = Vec::new();
    collect(Path::new(folder), &mut files)?;

    let (next, given, start) = (AtomicUsize::new(0), AtomicUsize::new(0), Instant::now());
    let take_all = || -> Result<()> {
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            given.fetch_add(usize::from(work(file)?), Ordering::Relaxed);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(take_all)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow!("a thread panicked"))?)
    })?;
    println!("{} {}", files.len() as f64 / start.elapsed().as_secs_f64(), given.into_inner());
    Ok(())
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

fn option<'a>(words: &'a [String], name: &str) -> Result<&'a str> {
    let value = words.iter().position(|word| word == name).and_then(|at| words.get(at + 1));
    value.map(String::as_str).with_context(|| format!("{name} is missing"))
}
