//! How the server is set up.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Every setting in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingList {
    /// The settings, in the order of the reference page.
    pub settings: Vec<SettingInfo>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingInfo {
    /// Its name: section and key, such as `http.listen`.
    pub key: String,
    /// Its value as the configuration file takes it; null if it is secret.
    pub value: Option<String>,
    /// What it is if nobody sets it.
    pub default: String,
    /// What it does, in a sentence.
    pub help: String,
    /// Where its value comes from.
    pub from: SettingOrigin,
    /// Whether its value is hidden.
    pub secret: bool,
}

/// Where the value of a setting comes from. Later ones win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettingOrigin {
    /// Nobody has set it.
    Default,
    /// The configuration file.
    File,
    /// The environment.
    Environment,
    /// The command line.
    Argument,
}
