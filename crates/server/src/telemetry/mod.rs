//! Logs and metrics.

mod log;
mod metrics;

pub use log::install;
pub use metrics::{HttpLabels, Metrics};

use crate::{config::Mistake, settings};

settings! {
    /// Logs.
    pub struct Config in "log" {
        /// The least level that is written: error, warn, info, debug or trace; per module as `info,darkroom_server=debug`.
        filter: String = "info".to_owned(),
        /// `text` for people, `json` for machines (one object a line), `auto` for text on a terminal and JSON elsewhere.
        format: String = "auto".to_owned(),
    }
}

impl Config {
    /// What is wrong with it.
    pub fn validate(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        if self.filter.parse::<tracing_subscriber::filter::Targets>().is_err() {
            mistakes.push(Mistake::new(
                "log.filter",
                format!("`{}` is not a filter such as `info`", self.filter),
            ));
        }
        if !["auto", "text", "json"].contains(&self.format.as_str()) {
            mistakes
                .push(Mistake::new("log.format", format!("`{}` is none of auto, text, json", self.format)));
        }
        mistakes
    }
}
