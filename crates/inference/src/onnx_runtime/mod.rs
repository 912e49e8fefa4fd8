//! ONNX Runtime as the engine. Its shared library is loaded when the first model is.

mod kept;
mod session;
mod values;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use ort::{
    environment::Environment,
    logging::{LogLevel, LoggerFunction},
    session::{
        Session as Inner,
        builder::{GraphOptimizationLevel, SessionBuilder},
    },
};

use crate::{
    InferenceError,
    config::Provider,
    engine::{Engine, EngineError, LoadOptions, Session},
};
use kept::Kept;
use session::OnnxSession;

/// The engine. Clones of it would share the library, which a process can load once.
pub struct OnnxRuntime {
    environment: Environment,
    version: String,
    provider: Provider,
    kept: Option<Kept>,
}

impl std::fmt::Debug for OnnxRuntime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxRuntime").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The library and its environment: the library allows one of each a process, and to load another one after it
/// crashes, so it stays.
static LOADED: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);

impl OnnxRuntime {
    /// Loads the library at `place` (a file, or a folder with it). `kept` is a folder for optimised graphs, or nothing
    /// is kept.
    pub fn open(place: &Path, provider: Provider, kept: Option<PathBuf>) -> Result<Self, InferenceError> {
        let library = library(place).ok_or_else(|| InferenceError::RuntimeMissing(place.to_owned()))?;
        let environment = environment(&library)?;
        let version = version(&library);
        // Its build information tells builds apart, which the version alone would not.
        let kept = kept.filter(|_| provider == Provider::Cpu).map(|folder| Kept::new(folder, ort::info()));
        Ok(Self { environment, version, provider, kept })
    }

    /// The arena stays on: without it ResNet-50 takes more memory (166 MB against 145), not less.
    fn builder(&self, threads: usize) -> Result<SessionBuilder, EngineError> {
        let builder = Inner::builder(&self.environment).map_err(refused)?;
        let builder = builder.with_intra_threads(threads).map_err(refused)?;
        let builder = builder.with_inter_threads(1).map_err(refused)?;
        // A pool that spins takes twice the processor time, and the processors away from other sessions.
        let builder = builder.with_intra_op_spinning(false).map_err(refused)?;
        let builder = builder.with_inter_op_spinning(false).map_err(refused)?;
        // Results are the same everywhere (without this, AVX2 puts a probability of ResNet-50 0.38 off; with it 5e-7). Where
        // nothing overflows it would cost twice the time.
        let builder = if bytes_overflow() { builder.with_precise_qmm().map_err(refused)? } else { builder };
        let builder = builder.with_log_level(LogLevel::Warning).map_err(refused)?;
        self.with_provider(builder)
    }

    #[cfg(feature = "cuda")]
    fn with_provider(&self, builder: SessionBuilder) -> Result<SessionBuilder, EngineError> {
        match self.provider {
            Provider::Cpu => Ok(builder),
            Provider::Cuda => builder
                .with_execution_providers([ort::ep::CUDA::default().build().error_on_failure()])
                .map_err(refused),
        }
    }

    #[cfg(not(feature = "cuda"))]
    fn with_provider(&self, builder: SessionBuilder) -> Result<SessionBuilder, EngineError> {
        match self.provider {
            Provider::Cpu => Ok(builder),
            Provider::Cuda => Err(EngineError::Model(
                "this build of Darkroom has no CUDA: build it with `--features cuda`".to_owned(),
            )),
        }
    }

    fn optimised(&self, file: &Path, threads: usize) -> Result<Inner, EngineError> {
        let builder = self.builder(threads)?.with_optimization_level(GraphOptimizationLevel::All);
        builder.map_err(refused)?.commit_from_file(file).map_err(refused)
    }

    fn as_it_is(&self, file: &Path, threads: usize) -> Result<Inner, EngineError> {
        let builder = self.builder(threads)?.with_optimization_level(GraphOptimizationLevel::Disable);
        builder.map_err(refused)?.commit_from_file(file).map_err(refused)
    }

    /// Optimises the graph once, writes it down, and forgets it: loading what was written takes half the memory,
    /// because nothing of the original stays behind.
    fn keep(&self, file: &Path, to: &Path) -> Result<(), EngineError> {
        let builder = self.builder(1)?;
        let builder = builder.with_optimization_level(GraphOptimizationLevel::All).map_err(refused)?;
        let mut builder = builder.with_optimized_model_path(to).map_err(refused)?;
        builder.commit_from_file(file).map(drop).map_err(refused)
    }

    fn open_session(&self, file: &Path, options: &LoadOptions) -> Result<Inner, EngineError> {
        let Some(kept) = &self.kept else { return self.optimised(file, options.threads) };
        let Some(graph) = kept.graph(&options.digest, |to| self.keep(file, to)) else {
            return self.optimised(file, options.threads);
        };
        self.as_it_is(&graph, options.threads).or_else(|error| {
            tracing::warn!(graph = %graph.display(), %error, "an optimised graph cannot be loaded, and is removed");
            kept.forget(&graph);
            self.optimised(file, options.threads)
        })
    }
}

impl Engine for OnnxRuntime {
    fn name(&self) -> String {
        format!("ONNX Runtime {}", self.version).trim_end().to_owned()
    }

    fn load(&self, file: &Path, options: &LoadOptions) -> Result<Box<dyn Session>, EngineError> {
        let inner = self.open_session(file, options)?;
        Ok(Box::new(OnnxSession::new(inner)?))
    }

    fn forget_all_but(&self, digests: &[String]) {
        if let Some(kept) = &self.kept {
            kept.forget_all_but(digests);
        }
    }
}

/// The library itself, or the last `libonnxruntime.so*` of a folder.
pub(crate) fn library(place: &Path) -> Option<PathBuf> {
    // A name without a folder would be looked for in the system's folders.
    let place = &std::path::absolute(place).ok()?;
    if place.is_file() {
        return Some(place.clone());
    }
    let entries = std::fs::read_dir(place).ok()?.filter_map(Result::ok);
    let named = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("libonnxruntime.so") && path.is_file()
    };
    entries.map(|entry| entry.path()).filter(named).max()
}

fn environment(library: &Path) -> Result<Environment, InferenceError> {
    let unusable = |what: String| InferenceError::RuntimeUnusable(what);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((path, environment)) = loaded.as_ref() {
        if path == library {
            return Ok(environment.clone());
        }
        return Err(unusable(format!("{} is loaded already; restart to load another", path.display())));
    }
    let builder = ort::init_from(library).map_err(|error| unusable(error.to_string()))?;
    let logger: LoggerFunction = Arc::new(|level, _, _, _, text| log(level, text));
    let environment = builder.with_name("darkroom").with_telemetry(false).with_logger(logger).build();
    let environment = environment.map_err(|error| unusable(error.to_string()))?;
    environment.set_log_level(LogLevel::Warning);
    *loaded = Some((library.to_owned(), environment.clone()));
    Ok(environment)
}

/// The version, which the library's file carries in its name: `libonnxruntime.so.1.31.1`. Empty where it does not.
fn version(library: &Path) -> String {
    let file = library.canonicalize().unwrap_or_else(|_| library.to_owned());
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.split_once(".so.").map(|(_, version)| version.to_owned()).unwrap_or_default()
}

/// Whether products of unsigned and signed bytes are added in 16 bits, two at a time: x86 without VNNI.
fn bytes_overflow() -> bool {
    #[cfg(target_arch = "x86_64")]
    let overflow = !std::is_x86_feature_detected!("avx512vnni") && !std::is_x86_feature_detected!("avxvnni");
    #[cfg(not(target_arch = "x86_64"))]
    let overflow = false;
    overflow
}

/// What the library says goes to our log. Errors come back to the caller as well, so they are no news.
fn log(level: LogLevel, text: &str) {
    match level {
        LogLevel::Verbose | LogLevel::Info => tracing::trace!(target: "onnxruntime", "{text}"),
        _ => tracing::debug!(target: "onnxruntime", "{text}"),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
fn refused<T>(error: ort::Error<T>) -> EngineError {
    EngineError::Model(error.to_string())
}
