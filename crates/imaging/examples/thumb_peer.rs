//! Ours among the peers of `./x bench thumbs`: their arguments (`benches/thumbs/peers/protocol.py`), their JSON line.
//!
//! `thumb_peer INPUT --sizes 512,256 [--reduce WORD] [--format jpeg|png] [--budget SECONDS] [--out DIR]`
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::{
    collections::HashMap,
    env, fs,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use darkroom_core::operation::{OutputFormat, Quality, Reduce, Thumbnail};
use darkroom_imaging::{Guard, Limits, Rendition, Source, render};

/// A budget of 0 is one cold render; every other makes at least so many.
const LEAST_RENDERS: u32 = 2;

fn main() -> Result<()> {
    let mut words = env::args().skip(1);
    // As the worker does.
    darkroom_imaging::memory::keep();
    let source = Source::file(words.next().context("thumb_peer INPUT --sizes 512,256")?);
    let options = options(words)?;
    let requests = requests(&options)?;
    let budget = Duration::try_from_secs_f64(option(&options, "budget", "0.5").parse()?)?;
    let idle = memory_kib("VmRSS")?;
    if budget > Duration::ZERO {
        once(&source, &requests)?;
    }

    let (cpu, wall, mut renders) = (cpu_time()?, Instant::now(), 0);
    let (results, spent) = loop {
        let results = once(&source, &requests)?;
        renders += 1;
        let spent = cpu_time()?.saturating_sub(cpu);
        if budget.is_zero() || (spent >= budget && renders >= LEAST_RENDERS) {
            break (results, spent);
        }
    };
    println!(
        r#"{{"cpu": {:.9}, "wall": {:.9}, "renders": {renders}, "peak_kib": {}, "idle_kib": {idle}, "bytes": {}}}"#,
        (spent / renders).as_secs_f64(),
        (wall.elapsed() / renders).as_secs_f64(),
        memory_kib("VmHWM")?,
        results.iter().map(|result| result.bytes.len()).sum::<usize>(),
    );
    options.get("out").map_or(Ok(()), |folder| write(Path::new(folder), &options, &results))
}

fn once(source: &Source, requests: &[Thumbnail]) -> Result<Vec<Rendition>> {
    let limits = Limits { input_bytes: 4 << 30, memory: 4 << 30, ..Limits::default() };
    let guard = Guard::new(Duration::from_mins(10), Arc::new(AtomicBool::new(false)));
    Ok(render(source, requests, &limits, &guard)?)
}

/// Quality 80, because that is what every peer is told.
fn requests(options: &HashMap<String, String>) -> Result<Vec<Thumbnail>> {
    let reduce: Reduce =
        option(options, "reduce", Reduce::default().as_str()).parse().map_err(|e| anyhow!("{e}"))?;
    let format: OutputFormat = option(options, "format", "jpeg").parse().map_err(|e| anyhow!("{e}"))?;
    let quality = Some(Quality::try_from(80)?);
    let request = |size: &str| {
        let size: u32 = size.parse()?;
        Ok(Thumbnail { reduce, format, quality, ..Thumbnail::fit(size, size) })
    };
    option(options, "sizes", "512").split(',').map(request).collect()
}

fn write(folder: &Path, options: &HashMap<String, String>, results: &[Rendition]) -> Result<()> {
    fs::create_dir_all(folder)?;
    let format = option(options, "format", "jpeg");
    for (size, result) in option(options, "sizes", "512").split(',').zip(results) {
        fs::write(folder.join(format!("{size}.{format}")), &result.bytes)?;
    }
    Ok(())
}

fn options(mut words: impl Iterator<Item = String>) -> Result<HashMap<String, String>> {
    let mut options = HashMap::new();
    while let Some(word) = words.next() {
        let name = word.strip_prefix("--").with_context(|| format!("`{word}` is no option"))?;
        options.insert(name.to_owned(), words.next().with_context(|| format!("--{name} needs a value"))?);
    }
    Ok(options)
}

fn option<'a>(options: &'a HashMap<String, String>, name: &str, default: &'a str) -> &'a str {
    options.get(name).map_or(default, String::as_str)
}

/// Time that every thread of this process has spent on a processor (user and system), threads that ended included.
fn cpu_time() -> Result<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Ok(Duration::new(time.tv_sec.try_into()?, time.tv_nsec.try_into()?))
}

fn memory_kib(field: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix(field)).with_context(|| format!("no {field}"))?;
    Ok(line.trim_start_matches(':').trim().trim_end_matches(" kB").parse()?)
}
