//! `darkroom doctor`: whether this machine is fit for Darkroom, and what to do where it is not.

use std::{
    fs::{self, File},
    io::{self, Write},
    net::TcpListener,
    path::Path,
    process::{Command, ExitCode},
    thread,
    time::{Duration, Instant},
};

use darkroom_inference::Models;
use darkroom_server::host;
use serde_json::json;

use crate::{settings::Settings, terminal::say};

/// Above this, recording a job takes longer than most images.
const SLOW_SYNC: Duration = Duration::from_millis(20);

/// Writes of which the middle one is told.
const SYNCS: usize = 9;

/// Room below which uploads will soon fail.
const LITTLE_ROOM: u64 = 1 << 30;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    Warning,
    Bad,
}

struct Finding {
    what: &'static str,
    verdict: Verdict,
    says: String,
}

fn good(what: &'static str, says: impl Into<String>) -> Finding {
    Finding { what, verdict: Verdict::Good, says: says.into() }
}

fn warning(what: &'static str, says: impl Into<String>) -> Finding {
    Finding { what, verdict: Verdict::Warning, says: says.into() }
}

fn bad(what: &'static str, says: impl Into<String>) -> Finding {
    Finding { what, verdict: Verdict::Bad, says: says.into() }
}

/// Looks at everything; exit code 3 if something is bad.
pub(crate) fn examine(settings: &Settings, json: bool) -> ExitCode {
    let dir = &settings.data.dir;
    let mut findings = vec![data_folder(dir)];
    if findings.iter().all(|finding| finding.verdict != Verdict::Bad) {
        findings.extend([sync_speed(dir), room(dir)]);
    }
    findings.extend([processors(settings), memory(settings), simd(), open_files(), port(settings)]);
    findings.extend([engine(settings), models(settings)]);
    let printed = if json { say(&as_json(&findings)) } else { say(&as_text(&findings)) };
    match printed {
        Ok(_) if findings.iter().any(|finding| finding.verdict == Verdict::Bad) => ExitCode::from(3),
        Ok(code) => code,
        Err(halt) => halt.report(),
    }
}

fn as_text(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let mark = match finding.verdict {
            Verdict::Good => "ok  ",
            Verdict::Warning => "warn",
            Verdict::Bad => "BAD ",
        };
        format!("{mark}  {:<12}{}", finding.what, finding.says)
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn as_json(findings: &[Finding]) -> String {
    let entry = |finding: &Finding| {
        let verdict = format!("{:?}", finding.verdict).to_lowercase();
        json!({ "check": finding.what, "verdict": verdict, "says": finding.says })
    };
    format!("{:#}", json!(findings.iter().map(entry).collect::<Vec<_>>()))
}

fn data_folder(dir: &Path) -> Finding {
    let what = "data folder";
    let probe = dir.join(".doctor");
    let tried =
        fs::create_dir_all(dir).and_then(|()| fs::write(&probe, b"x")).and_then(|()| fs::remove_file(&probe));
    match tried {
        Ok(()) => good(what, format!("{} can be written to", dir.display())),
        Err(error) => bad(what, format!("{}: {error}; name another with --data-dir", dir.display())),
    }
}

fn sync_speed(dir: &Path) -> Finding {
    let what = "fsync";
    match median_sync(&dir.join(".doctor")) {
        Ok(took) if took > SLOW_SYNC => {
            warning(what, format!("{took:.1?} a write: jobs are recorded slowly; a local SSD helps"))
        }
        Ok(took) => good(what, format!("{took:.1?} a write")),
        Err(error) => bad(what, format!("fails: {error}; jobs cannot be made durable here")),
    }
}

fn median_sync(probe: &Path) -> io::Result<Duration> {
    let mut file = File::create(probe)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let began = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    fs::remove_file(probe)?;
    times.sort();
    Ok(times[SYNCS / 2])
}

/// Asks `df`, which every system has: the standard library cannot tell.
fn room(dir: &Path) -> Finding {
    let what = "disk";
    let asked = Command::new("df").args(["-Pk"]).arg(dir).output();
    let text = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let free = text.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    match free.map(|kibibytes| kibibytes << 10) {
        None => warning(what, "free space could not be read"),
        Some(bytes) if bytes < LITTLE_ROOM => warning(what, format!("only {} MiB are free", bytes >> 20)),
        Some(bytes) => good(what, format!("{} GiB are free", bytes >> 30)),
    }
}

fn processors(settings: &Settings) -> Finding {
    let available = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let slots = settings.service.worker.slots();
    let says = format!("{available} processors, {slots} images at once");
    if slots as usize > 2 * available {
        return warning("processors", format!("{says}: more slots than processors only cost memory"));
    }
    good("processors", says)
}

fn memory(settings: &Settings) -> Finding {
    let (usable, one) = (host::memory(), settings.service.limits.memory.bytes());
    let says = format!("{} MiB may be used, one image at most {} MiB", usable >> 20, one >> 20);
    if one > usable / 2 {
        return warning("memory", format!("{says}: lower limits.memory, or large images are refused"));
    }
    good("memory", says)
}

fn simd() -> Finding {
    let what = "SIMD";
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx2") {
            return good(what, "AVX2");
        }
        warning(what, "no AVX2: resampling is slower")
    }
    #[cfg(not(target_arch = "x86_64"))]
    good(what, std::env::consts::ARCH)
}

fn open_files() -> Finding {
    let what = "open files";
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    match soft {
        None => warning(what, "the limit could not be read"),
        Some(limit) if limit < 1_024 => warning(what, format!("at most {limit}: raise it with ulimit -n")),
        Some(limit) => good(what, format!("at most {limit}")),
    }
}

fn port(settings: &Settings) -> Finding {
    let address = settings.service.http.listen;
    match TcpListener::bind(address) {
        Ok(_) => good("address", format!("{address} is free")),
        Err(error) => warning("address", format!("{address}: {error}; choose another with serve --listen")),
    }
}

fn opened(settings: &Settings) -> Option<Models> {
    let inference = settings.service.models.inference(&settings.data.dir);
    // What is wrong with the settings was said before anything else.
    Models::open(&inference).ok()
}

/// What runs models. Thumbnails need none.
fn engine(settings: &Settings) -> Finding {
    let what = "engine";
    match opened(settings).map(|models| models.engine()) {
        Some(Ok(name)) => good(what, name),
        Some(Err(error)) => warning(what, error.to_string()),
        None => warning(what, "the settings of models are wrong"),
    }
}

/// Whether every model can be offered, and the ones that are asked when none is named are there.
fn models(settings: &Settings) -> Finding {
    let what = "models";
    let Some(models) = opened(settings) else { return warning(what, "the settings of models are wrong") };
    let listed = models.list();
    let broken = listed.iter().find_map(|listed| listed.model.as_ref().err());
    if let Some(error) = broken {
        return warning(what, error.to_string());
    }
    let names: Vec<String> =
        listed.iter().map(|listed| format!("{}@{}", listed.name, listed.version)).collect();
    let asked = &settings.service.models.classify;
    let there = names.iter().any(|name| name == asked || name.split('@').next() == Some(asked));
    let says = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    if there {
        return good(what, says);
    }
    warning(what, format!("{says}: `classify` asks {asked}, which `darkroom models fetch` gets"))
}
