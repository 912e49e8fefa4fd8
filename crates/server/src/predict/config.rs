//! What can be set about models.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use darkroom_core::operation::ModelRef;

use darkroom_inference::{Isolation, Provider};

use crate::{config::Mistake, settings};

settings! {
    /// Models.
    pub struct Config in "models" {
        /// Where models are kept, a folder for each name and version. Empty is `models` in the data folder.
        dir: Option<PathBuf> = None,
        /// The library of ONNX Runtime. Empty is the one in `runtime` in the data folder.
        runtime: Option<PathBuf> = None,
        /// The model that `classify` asks when none is named, as name or name@version.
        classify: String = "resnet50-int8".to_owned(),
        /// The model that `digit` asks when none is named, as name or name@version.
        digit: String = "digits".to_owned(),
        /// The model that finds `faces` when none is named, as name or name@version.
        faces: String = "yunet".to_owned(),
        /// The model that embeds them when none is named, as name or name@version.
        embedder: String = "sface".to_owned(),
        /// Threads that one run is spread over. 0 is one for a quick model, else all processors.
        threads: usize = 0,
        /// Runs of one model beside each other, each with memory of its own. 0 is what keeps all processors busy.
        sessions: usize = 0,
        /// A model that takes no longer on one thread is quick.
        quick: Duration = Duration::from_millis(30),
        /// Requests of one model that may wait.
        queue: usize = 256,
        /// The longest that one run may take.
        run_time: Duration = Duration::from_secs(30),
        /// Which models run in a process of their own, where a crash or a stall harms nobody else: those whose
        /// manifest does not say `isolated = false`, all, or none (off).
        isolation: Isolation = Isolation::Manifest,
        /// What runs the models: cpu, or cuda in a build with the feature `cuda` (never tried on a real device).
        provider: Provider = Provider::Cpu,
        /// Models in memory at once; the one that was asked longest ago makes room.
        loaded: usize = 8,
        /// How often the folder is looked at for new, changed and removed models.
        refresh: Duration = Duration::from_secs(5),
    }
}

impl Config {
    /// What is wrong with it.
    pub fn validate(&self) -> Vec<Mistake> {
        let mut mistakes: Vec<Mistake> = self
            .inference(Path::new(""))
            .validate()
            .into_iter()
            .map(|mistake| Mistake::new(mistake.field, mistake.what))
            .collect();
        let named = [
            ("models.classify", &self.classify),
            ("models.digit", &self.digit),
            ("models.faces", &self.faces),
            ("models.embedder", &self.embedder),
        ];
        for (key, text) in named {
            if let Err(error) = text.parse::<ModelRef>() {
                mistakes.push(Mistake::new(key, error.to_string()));
            }
        }
        if !(Duration::from_millis(100)..=Duration::from_hours(1)).contains(&self.refresh) {
            mistakes.push(Mistake::new("models.refresh", "is between 100ms and 1h"));
        }
        mistakes
    }

    /// The folder of the models.
    pub fn dir(&self, data: &Path) -> PathBuf {
        self.dir.clone().unwrap_or_else(|| data.join("models"))
    }

    /// The same, as the inference crate takes it.
    pub fn inference(&self, data: &Path) -> darkroom_inference::Config {
        let defaults = darkroom_inference::Config::below(data);
        darkroom_inference::Config {
            dir: self.dir(data),
            runtime: self.runtime.clone().unwrap_or(defaults.runtime),
            threads: self.threads,
            sessions: self.sessions,
            quick: self.quick,
            queue: self.queue,
            loaded: self.loaded,
            run_time: self.run_time,
            kept: defaults.kept,
            provider: self.provider,
            isolation: self.isolation,
            host: None,
        }
    }
}
