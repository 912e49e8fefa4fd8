//! What an operator can set, each with its bound.

use std::{fmt, num::NonZero, path::PathBuf, str::FromStr, thread, time::Duration};

use crate::{HostCommand, Mistake};

/// Settings of all models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The model folder: `<name>/<version>/manifest.toml` below it.
    pub dir: PathBuf,
    /// ONNX Runtime's library, or a folder with `libonnxruntime.so*`, of which the last by name is taken.
    pub runtime: PathBuf,
    /// Where optimised graphs are kept, or nothing: then a model takes twice the memory.
    pub kept: Option<PathBuf>,
    /// What runs the models.
    pub provider: Provider,
    /// Threads that one run is spread over. 0 is one for a model that answers within `quick`, else all processors.
    pub threads: usize,
    /// Runs of one model beside each other, each with a session and its memory. 0 is what keeps all processors busy.
    pub sessions: usize,
    /// A model that takes no longer on one thread is quick: it gets several sessions of one thread.
    pub quick: Duration,
    /// Models in memory at once; the one that was used longest ago makes room.
    pub loaded: usize,
    /// Requests of one model that may wait.
    pub queue: usize,
    /// The longest that one run may take.
    pub run_time: Duration,
    /// Which models run in a process of their own.
    pub isolation: Isolation,
    /// What such a process is started with; without it every model runs in this one.
    pub host: Option<HostCommand>,
}

/// Which models run in a process of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// Those whose manifest does not say otherwise.
    #[default]
    Manifest,
    /// All.
    All,
    /// None.
    Off,
}

impl FromStr for Isolation {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "manifest" => Ok(Self::Manifest),
            "all" => Ok(Self::All),
            "off" => Ok(Self::Off),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manifest => "manifest",
            Self::All => "all",
            Self::Off => "off",
        })
    }
}

/// What runs the models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Provider {
    /// The processors.
    #[default]
    Cpu,
    /// A CUDA device. Only in builds with the feature `cuda`, and never tried on a real one.
    Cuda,
}

impl FromStr for Provider {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        })
    }
}

impl Config {
    /// The defaults, with everything below a folder of data.
    ///
    /// `quick` and the choice that follows from it are measured (two processors, images a second, one session of two
    /// threads against two sessions of one): ResNet-50 of 75 ms 26.8 against 27.6 in half the memory,
    /// EfficientNet-Lite2 of 21 ms 86 against 100, digits 10,000 against 21,500.
    pub fn below(data: &std::path::Path) -> Self {
        Self {
            dir: data.join("models"),
            runtime: data.join("runtime"),
            kept: Some(data.join("graphs")),
            provider: Provider::Cpu,
            threads: 0,
            sessions: 0,
            quick: Duration::from_millis(30),
            loaded: 8,
            queue: 256,
            run_time: Duration::from_secs(30),
            isolation: Isolation::Manifest,
            host: None,
        }
    }

    /// Everything that is wrong with it.
    pub fn validate(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        let mut demand = |field: &str, right: bool, what: &str| {
            if !right {
                mistakes.push(Mistake::new(format!("models.{field}"), what));
            }
        };
        demand("threads", self.threads <= 256, "is at most 256");
        demand("sessions", self.sessions <= 64, "is at most 64");
        demand("quick", self.quick <= Duration::from_mins(1), "is at most 1m");
        demand("loaded", (1..=1_000).contains(&self.loaded), "is from 1 to 1000");
        demand("queue", (1..=65_536).contains(&self.queue), "is from 1 to 65536");
        let times = Duration::from_millis(10)..=Duration::from_hours(1);
        demand("run_time", times.contains(&self.run_time), "is from 10ms to 1h");
        demand("provider", self.provider == Provider::Cpu || cfg!(feature = "cuda"), "is cpu in this build");
        mistakes
    }

    pub(crate) fn share(&self) -> Share {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        let Self { provider, threads, sessions, quick, .. } = *self;
        Share { provider, processors, threads, sessions, quick }
    }
}

/// How the processors are shared out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    pub(crate) provider: Provider,
    pub(crate) processors: usize,
    pub(crate) threads: usize,
    pub(crate) sessions: usize,
    pub(crate) quick: Duration,
}
