//! Short texts that come from outside, each parsed once.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{RunId, user::UserName};

/// The text is empty, too long, or has characters that do not belong in this kind of name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} is 1 to {max} characters: {allowed}")]
pub struct InvalidName {
    kind: &'static str,
    max: usize,
    allowed: &'static str,
}

macro_rules! token {
    ($(#[$doc:meta])* $name:ident, $kind:literal, default $default:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self($default.to_owned())
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                text.to_owned().try_into()
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:@/+".contains(&byte);
                if (1..=100).contains(&text.len()) && text.bytes().all(plain) {
                    Ok(Self(text))
                } else {
                    Err(InvalidName { kind: $kind, max: 100, allowed: "letters, digits and -_.:@/+" })
                }
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

token! {
    /// Who submitted a job.
    Owner, "an owner", default "anonymous"
}
token! {
    /// A queue: what can be paused as a whole.
    QueueName, "a queue name", default "default"
}
token! {
    /// The surface that a job came through: `v1`, `cli`, or the name of a classic service.
    Origin, "an origin", default "v1"
}
token! {
    /// What takes turns within a queue: one lane a run and user, so that a million jobs never starve one.
    Lane, "a lane", default "anonymous"
}

impl From<&UserName> for Owner {
    /// A user's name has only characters that an owner's may have.
    fn from(name: &UserName) -> Self {
        Self(name.as_str().to_owned())
    }
}

impl Lane {
    /// The lane of a run.
    pub(crate) fn of_run(run: RunId) -> Self {
        Self(format!("run:{run}"))
    }
}

impl From<&Owner> for Lane {
    /// Each owner takes turns with the others.
    fn from(owner: &Owner) -> Self {
        Self(owner.0.clone())
    }
}

/// The longest file name that is kept, in characters.
const MAX_FILE_NAME: usize = 255;

/// A name that an uploader gave to a file. Shown and searched, never a path: separators and control characters
/// are cut away.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileName(String);

impl FileName {
    /// The last component of what was sent, cleaned; `None` if nothing is left.
    pub fn clean(sent: &str) -> Option<Self> {
        let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
        let kept: String = last.chars().filter(|c| !c.is_control()).take(MAX_FILE_NAME).collect();
        let kept = kept.trim();
        (!kept.is_empty() && kept != "." && kept != "..").then(|| Self(kept.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without its last extension.
    pub fn stem(&self) -> &str {
        match self.0.rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() => stem,
            _ => &self.0,
        }
    }

    /// The last extension in lower case, without the dot.
    pub fn extension(&self) -> Option<String> {
        match self.0.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => Some(extension.to_lowercase()),
            _ => None,
        }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
