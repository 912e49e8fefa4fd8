//! What a model costs with some threads and sessions: images a second, processor time and memory.
//!
//! `measure_model MODEL-FOLDER NAME THREADS SESSIONS CALLERS RUNS [RUNTIME]`, for a model of the folder that takes
//! images; 0 threads and 0 sessions let the measured defaults choose. `KEPT=0` loads without kept graphs.
#![allow(clippy::print_stdout, reason = "it is a program that prints")]

use std::{path::PathBuf, sync::Arc, time::Instant};

use darkroom_inference::{
    Config, Model, Models, check,
    manifest::{CheckInput, Task},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, name, threads, sessions, callers, runs, rest @ ..] = arguments.as_slice() else {
        return Err("measure_model MODEL-FOLDER NAME THREADS SESSIONS CALLERS RUNS [RUNTIME]".into());
    };
    let dir = PathBuf::from(dir);
    let mut config = Config::below(dir.parent().unwrap_or(&dir));
    (config.threads, config.sessions) = (threads.parse()?, sessions.parse()?);
    config.dir = dir;
    if let Some(runtime) = rest.first() {
        config.runtime = PathBuf::from(runtime);
    }
    if std::env::var("KEPT").is_ok_and(|kept| kept == "0") {
        config.kept = None;
    }
    let models = Models::open(&config).map_err(|mistakes| format!("{mistakes:?}"))?;
    let model = models.get(name, None)?;
    let begun = Instant::now();
    let signature = model.ready()?.wait()?;
    println!(
        "loaded in {:.0?}, {} threads × {} sessions",
        begun.elapsed(),
        signature.threads,
        signature.sessions
    );
    measure(&model, callers.parse()?, runs.parse()?)
}

/// So many callers, each asking again when it has its answer, until there were so many runs.
fn measure(model: &Arc<Model>, callers: usize, runs: usize) -> Result<(), Box<dyn std::error::Error>> {
    let digit = model.manifest().task == Task::Digit;
    let frame = check::frame(if digit { CheckInput::Stroke } else { CheckInput::Gradient });
    if let Some(image) = &model.manifest().image {
        let begun = Instant::now();
        for _ in 0..20 {
            darkroom_inference::image::prepare(&frame, image)?;
        }
        let (each, width, height) = (begun.elapsed() / 20, frame.width, frame.height);
        println!("preparing {width} × {height} pixels takes {each:.2?}");
    }
    let call = || -> Result<(), String> {
        for _ in 0..runs / callers {
            let pending = model.predict_image(&frame).map_err(|error| error.to_string())?;
            pending.wait().map_err(|error| error.to_string())?;
        }
        Ok(())
    };
    let (begun, used) = (Instant::now(), processor_time()?);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..callers).map(|_| scope.spawn(call)).collect();
        all.into_iter().try_for_each(|caller| caller.join().map_err(|_| "a caller crashed".to_owned())?)
    })?;
    let (wall, used) = (begun.elapsed().as_secs_f64(), processor_time()? - used);
    let count = (runs / callers * callers) as f64;
    let rate = count / wall;
    println!(
        "{rate:.1} images/s, {:.2} ms processor time an image, {} MB",
        used / count * 1000.0,
        resident()?
    );
    Ok(())
}

/// Seconds, in units of a hundredth as `/proc` counts them.
fn processor_time() -> Result<f64, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let fields: Vec<&str> = after_name.split(' ').collect();
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
}

/// Resident memory in megabytes: now, and at most.
fn resident() -> Result<String, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
    };
    Ok(format!("{} (at most {})", field("VmRSS"), field("VmHWM")))
}
