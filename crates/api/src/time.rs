//! Instants on the wire: RFC 3339 in UTC with milliseconds.

use std::{fmt, str::FromStr};

use darkroom_core::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An instant, written `2026-01-31T12:00:00.000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, format = DateTime, examples("2026-01-31T12:00:00.000Z"))]
pub struct Time(pub Timestamp);

/// The text is not an RFC 3339 instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an instant like 2026-01-31T12:00:00Z")]
pub struct InvalidTime(String);

impl From<Timestamp> for Time {
    fn from(timestamp: Timestamp) -> Self {
        Self(timestamp)
    }
}

impl Time {
    /// As clocks on the server's wall show it: `2026-01-31T13:00:00.000000`, without a word on the zone.
    pub fn local(self) -> String {
        let instant = jiff::Timestamp::from_millisecond(self.0.as_millis()).unwrap_or(jiff::Timestamp::MAX);
        let shown = instant.to_zoned(jiff::tz::TimeZone::system()).datetime();
        format!("{shown:.6}")
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Instants outside of what a calendar knows are shown as its last day: a stored number never breaks an answer.
        let shown = jiff::Timestamp::from_millisecond(self.0.as_millis()).unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{shown:.3}")
    }
}

impl FromStr for Time {
    type Err = InvalidTime;
    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        // A plus sign that a query string has turned into a space is put back.
        let repaired = text.replace(' ', "+");
        let instant: jiff::Timestamp = repaired.parse().map_err(|_| InvalidTime(text.to_owned()))?;
        Ok(Self(Timestamp::from_millis(instant.as_millisecond())))
    }
}

impl TryFrom<String> for Time {
    type Error = InvalidTime;
    fn try_from(text: String) -> Result<Self, InvalidTime> {
        text.parse()
    }
}

impl From<Time> for String {
    fn from(time: Time) -> Self {
        time.to_string()
    }
}
