//! The configuration: defaults < one TOML file < environment (`DARKROOM__SECTION__KEY`) < flags. Every layer is a
//! list of keys and texts, so that each is read, checked and complained about in the same way.

mod layers;
pub(crate) mod reference;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use darkroom_api::{SettingInfo, SettingOrigin};
use darkroom_core::store::StoreLimits;
use darkroom_server::{
    Config,
    config::{Mistake, Section, Setting},
    settings,
};

pub(crate) use layers::{Layers, load};

/// Predictions, and remembered results, that a store is to hold at most.
const MAX_ENTRIES: u64 = 100_000_000;

/// The shortest and the longest time of history that a store is to keep.
const MIN_HISTORY: Duration = Duration::from_hours(1);
const MAX_HISTORY: Duration = Duration::from_hours(366 * 24);

settings! {
    /// Where everything is kept.
    pub struct Data in "data" {
        /// The folder for jobs, images and results. Made if it is missing.
        dir: PathBuf = PathBuf::from("darkroom-data"),
    }
}

settings! {
    /// Where jobs live, and how long.
    pub struct Store in "store" {
        /// `sqlite:FILE` or `memory:`. Empty is `sqlite:` with `darkroom.db` inside the data folder.
        url: String = String::new(),
        /// Jobs that may wait before submissions are answered with 429.
        max_waiting: u64 = StoreLimits::default().max_waiting,
        /// How long succeeded and cancelled jobs are kept.
        keep_finished: Duration = StoreLimits::default().keep_finished,
        /// How long failed jobs are kept.
        keep_failed: Duration = StoreLimits::default().keep_failed,
        /// How long predictions stay in the inference log.
        keep_predictions: Duration = StoreLimits::default().keep_predictions,
        /// Predictions that stay in the inference log at most; the oldest go first.
        max_predictions: u64 = StoreLimits::default().max_predictions,
        /// How long results are remembered that nobody asks for again. No longer than the job that made them is kept.
        keep_cached: Duration = StoreLimits::default().keep_cached,
        /// Results that are remembered at most; those that were asked for longest ago go first.
        max_cached: u64 = StoreLimits::default().max_cached,
        /// How much of the past is kept for the dashboard: as many minutes as go into this time. Those farthest from the
        /// present go first.
        keep_history: Duration = StoreLimits::default().keep_history,
    }
}

impl Store {
    /// What is wrong with it.
    pub(crate) fn validate(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        match self.url.split_once(':').map(|(scheme, _)| scheme) {
            None if self.url.is_empty() => {}
            Some("sqlite" | "memory") => {}
            Some("postgres" | "postgresql") => {
                mistakes.push(Mistake::new(
                    "store.url",
                    "PostgreSQL is not supported yet; use `sqlite:FILE` or `memory:`",
                ));
            }
            _ => mistakes.push(Mistake::new(
                "store.url",
                format!("`{}` is neither `sqlite:FILE` nor `memory:`", self.url),
            )),
        }
        for (key, value) in
            [("store.max_predictions", self.max_predictions), ("store.max_cached", self.max_cached)]
        {
            if value > MAX_ENTRIES {
                mistakes.push(Mistake::new(key, format!("is at most {MAX_ENTRIES}")));
            }
        }
        if !(MIN_HISTORY..=MAX_HISTORY).contains(&self.keep_history) {
            mistakes.push(Mistake::new("store.keep_history", "is between 1h and 366d"));
        }
        if self.max_waiting == 0 {
            mistakes.push(Mistake::new("store.max_waiting", "is at least 1"));
        }
        mistakes
    }

    /// As stores take them.
    pub(crate) fn limits(&self) -> StoreLimits {
        StoreLimits {
            max_waiting: self.max_waiting,
            keep_finished: self.keep_finished,
            keep_failed: self.keep_failed,
            keep_predictions: self.keep_predictions,
            max_predictions: self.max_predictions,
            keep_cached: self.keep_cached,
            max_cached: self.max_cached,
            keep_history: self.keep_history,
            ..StoreLimits::default()
        }
    }
}

/// Every setting of the binary.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Settings {
    pub(crate) data: Data,
    pub(crate) store: Store,
    pub(crate) service: Config,
    /// Where those come from that somebody has set, by section and key.
    origins: BTreeMap<String, SettingOrigin>,
}

impl Settings {
    /// Every section, in the order of the reference page.
    pub(crate) fn sections(&mut self) -> Vec<&mut dyn Section> {
        let mut sections: Vec<&mut dyn Section> = vec![&mut self.data, &mut self.store];
        sections.extend(self.service.sections());
        sections
    }

    fn validate(&self) -> Vec<Mistake> {
        [self.store.validate(), self.service.validate()].concat()
    }
}

/// Every setting in force, for people who look at a server.
pub(crate) fn describe(settings: &mut Settings) -> Vec<SettingInfo> {
    let origins = std::mem::take(&mut settings.origins);
    let mut defaults = Settings::default();
    let shown = each(&mut defaults, |_, setting| setting.value.show());
    let mut described = each(settings, |key, setting| SettingInfo {
        value: (!setting.value.is_secret()).then(|| setting.value.show()),
        default: String::new(),
        help: setting.about.trim().to_owned(),
        from: origins.get(&key).copied().unwrap_or(SettingOrigin::Default),
        secret: setting.value.is_secret(),
        key,
    });
    for (setting, default) in described.iter_mut().zip(shown) {
        setting.default = default;
    }
    settings.origins = origins;
    described
}

/// What `look` makes of each setting, given its section and key.
fn each<T>(settings: &mut Settings, look: impl Fn(String, &Setting<'_>) -> T) -> Vec<T> {
    let mut seen = Vec::new();
    for section in settings.sections() {
        let name = section.name();
        seen.extend(
            section.settings().iter().map(|setting| look(format!("{name}.{}", setting.key), setting)),
        );
    }
    seen
}

/// Every setting in force, as a file that says the same.
pub(crate) fn show(settings: &mut Settings) -> String {
    let mut tables = Vec::new();
    for section in settings.sections() {
        let mut lines = vec![format!("[{}]", section.name())];
        for setting in section.settings() {
            lines.push(format!("{} = {}", setting.key, toml::Value::String(setting.value.show())));
        }
        tables.push(lines.join("\n"));
    }
    tables.join("\n\n")
}
