//! Our library in a loop, without a queue: what `./x bench run` compares runs with.
//!
//! `thumb_folder FOLDER OUT --size 256 --threads 2` reads every file below `FOLDER`, writes its thumbnail into `OUT` and
//! prints images a second.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use darkroom_core::operation::Thumbnail;
use darkroom_imaging::{Guard, Limits, Source, render};

fn main() -> Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [folder, out, ..] = words.as_slice() else { return Err(anyhow!("thumb_folder FOLDER OUT")) };
    let size: u32 = option(&words, "--size").unwrap_or("256").parse()?;
    let threads: usize = option(&words, "--threads").unwrap_or("2").parse()?;
    darkroom_imaging::memory::keep();
    let mut files = Vec::new();
    collect(Path::new(folder), &mut files)?;
    let out = PathBuf::from(out);
    fs::create_dir_all(&out)?;

    let (next, start) = (AtomicUsize::new(0), Instant::now());
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(&files, &next, &out, size))).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow!("a thread panicked"))?)
    })?;
    println!("{}", files.len() as f64 / start.elapsed().as_secs_f64());
    Ok(())
}

/// Takes file after file until none is left.
fn work(files: &[PathBuf], next: &AtomicUsize, out: &Path, size: u32) -> Result<()> {
    let request = [Thumbnail::fit(size, size)];
    while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
        let guard = Guard::new(Duration::from_mins(1), Arc::new(AtomicBool::new(false)));
        let made =
            render(&Source::file(file.to_string_lossy().into_owned()), &request, &Limits::default(), &guard)?;
        let name = file.file_name().context("a file has a name")?;
        fs::write(out.join(name), &made.first().context("one was asked for")?.bytes)?;
    }
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

fn option<'a>(words: &'a [String], name: &str) -> Option<&'a str> {
    words.iter().position(|word| word == name).and_then(|at| words.get(at + 1)).map(String::as_str)
}
