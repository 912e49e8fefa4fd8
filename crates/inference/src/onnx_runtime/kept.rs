//! Optimised graphs that are kept: one file for each model file, processor and build of the runtime.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

use crate::engine::EngineError;

/// A folder of optimised graphs. Whatever goes wrong with it costs memory, never a model.
pub(super) struct Kept {
    folder: PathBuf,
    /// Stands for the processor and the build: a graph that was laid out for one runs badly or not at all on another.
    machine: String,
    /// Two threads that load the same model write the graph once.
    writing: Mutex<()>,
}

impl Kept {
    pub(super) fn new(folder: PathBuf, runtime: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(runtime);
        hash.update(processor());
        let machine = hex::encode(&hash.finalize()[..8]);
        Self { folder, machine, writing: Mutex::new(()) }
    }

    /// The optimised graph of a model file, made by `make` if it is not there yet.
    pub(super) fn graph(
        &self,
        digest: &str,
        make: impl FnOnce(&Path) -> Result<(), EngineError>,
    ) -> Option<PathBuf> {
        let graph = self.folder.join(format!("{digest}-{}.onnx", self.machine));
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if graph.is_file() {
            return Some(graph);
        }
        let begun = self.folder.join(format!("{digest}-{}.{}.part", self.machine, std::process::id()));
        if let Err(error) = fs::create_dir_all(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %error, "no optimised graph can be kept");
            return None;
        }
        let written = make(&begun).map_err(|error| error.to_string());
        match written.and_then(|()| put(&begun, &graph).map_err(|error| error.to_string())) {
            Ok(()) => Some(graph),
            Err(error) => {
                self.forget(&begun);
                tracing::debug!(%error, "an optimised graph is not kept");
                None
            }
        }
    }

    /// Removes one file.
    #[allow(clippy::unused_self, reason = "only files of this folder are removed")]
    pub(super) fn forget(&self, graph: &Path) {
        match fs::remove_file(graph) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(graph = %graph.display(), %error, "an optimised graph cannot be removed");
            }
            _ => {}
        }
    }

    /// Removes what belongs to no model, or to another processor or build.
    pub(super) fn forget_all_but(&self, digests: &[String]) {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name();
            let wanted = |digest: &String| name == format!("{digest}-{}.onnx", self.machine).as_str();
            if !digests.iter().any(wanted) {
                self.forget(&entry.path());
            }
        }
    }
}

/// The file is on the disk before it has its name: a crash leaves a part, which is removed some day, never a half.
fn put(begun: &Path, graph: &Path) -> io::Result<()> {
    fs::File::open(begun)?.sync_all()?;
    fs::rename(begun, graph)
}

/// What the processor can do, as far as layouts and kernels depend on it.
fn processor() -> String {
    #[cfg(target_arch = "x86_64")]
    let has = [
        ("sse4.2", std::is_x86_feature_detected!("sse4.2")),
        ("avx", std::is_x86_feature_detected!("avx")),
        ("avx2", std::is_x86_feature_detected!("avx2")),
        ("fma", std::is_x86_feature_detected!("fma")),
        ("f16c", std::is_x86_feature_detected!("f16c")),
        ("avx512f", std::is_x86_feature_detected!("avx512f")),
        ("avx512bw", std::is_x86_feature_detected!("avx512bw")),
        ("avx512vnni", std::is_x86_feature_detected!("avx512vnni")),
        ("avxvnni", std::is_x86_feature_detected!("avxvnni")),
    ];
    #[cfg(target_arch = "aarch64")]
    let has = [
        ("dotprod", std::arch::is_aarch64_feature_detected!("dotprod")),
        ("i8mm", std::arch::is_aarch64_feature_detected!("i8mm")),
        ("fp16", std::arch::is_aarch64_feature_detected!("fp16")),
    ];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let has: [(&str, bool); 0] = [];
    let features: Vec<&str> = has.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect();
    format!("{} {}", std::env::consts::ARCH, features.join(" "))
}
