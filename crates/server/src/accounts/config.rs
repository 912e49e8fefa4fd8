//! What can be said about who may ask, and how much.

use std::{net::IpAddr, time::Duration};

use crate::{
    config::{ByteSize, Mistake, Value},
    settings,
};

settings! {
    /// Who may ask.
    pub struct Config in "auth" {
        /// Who is answered without signing in: everybody (`always`), everybody while the server listens on a loopback address (`loopback`), nobody (`never`). On loopback such callers are operators, elsewhere users.
        anonymous: Anonymous = Anonymous::Loopback,
        /// How long a token works.
        token_life: Duration = Duration::from_hours(12),
        /// How old the key that signs tokens becomes before a new one takes over; tokens that it has signed work until they expire.
        signing_key_life: Duration = Duration::from_hours(30 * 24),
        /// Passwords that are checked at once; each check takes 19 MiB of memory.
        password_checks: usize = 2,
        /// How long a sign-in waits for its turn before it is answered 503.
        password_patience: Duration = Duration::from_secs(5),
        /// Failed sign-ins of one name from one address until more are answered 429. One address may fail five times as often with all names, one name ten times as often from all addresses.
        attempts: u32 = 10,
        /// How long it takes until as many sign-ins may fail again.
        attempts_window: Duration = Duration::from_mins(15),
        /// Whether `/metrics` is shown to everybody; otherwise to operators.
        open_metrics: bool = false,
    }
}

settings! {
    /// How much one user, or one address without a user, may ask of this process. Callers without a name are exempt while the server listens on a loopback address.
    pub struct Quota in "quota" {
        /// Requests a second on the average; 0 is any number.
        requests_per_second: u32 = 100,
        /// Requests that may come at once.
        burst: u32 = 500,
        /// Jobs that have not ended; 0 is any number.
        open_jobs: u64 = 100_000,
        /// Bytes of images within a day; 0 is any number.
        bytes_per_day: ByteSize = ByteSize(100 << 30),
    }
}

/// Who is answered without signing in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anonymous {
    /// Everybody.
    Always,
    /// Everybody, while the server listens on a loopback address.
    Loopback,
    /// Nobody.
    Never,
}

impl Config {
    /// Whether callers who have not signed in are answered by a server that listens there.
    pub fn admits_anonymous(&self, listen: IpAddr) -> bool {
        match self.anonymous {
            Anonymous::Always => true,
            Anonymous::Loopback => listen.is_loopback(),
            Anonymous::Never => false,
        }
    }

    /// Whether a server that listens there is of no use without users: the first start then makes one.
    pub fn needs_users(&self, listen: IpAddr) -> bool {
        self.anonymous == Anonymous::Never || !listen.is_loopback()
    }

    /// What is wrong with it.
    pub fn validate(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        let year = Duration::from_hours(366 * 24);
        for (key, value) in [("token_life", self.token_life), ("signing_key_life", self.signing_key_life)] {
            if value < Duration::from_mins(1) || value > year {
                mistakes.push(Mistake::new(format!("auth.{key}"), "is between 1m and 366d"));
            }
        }
        if !(1..=64).contains(&self.password_checks) {
            mistakes.push(Mistake::new("auth.password_checks", "is 1 to 64"));
        }
        if self.attempts == 0 {
            mistakes.push(Mistake::new("auth.attempts", "is at least 1"));
        }
        if self.attempts_window < Duration::from_secs(1) {
            mistakes.push(Mistake::new("auth.attempts_window", "is at least 1s"));
        }
        mistakes
    }
}

impl Quota {
    /// What is wrong with it.
    pub fn validate(&self) -> Vec<Mistake> {
        if self.requests_per_second > 0 && self.burst == 0 {
            return vec![Mistake::new("quota.burst", "is at least 1")];
        }
        Vec::new()
    }
}

impl Value for Anonymous {
    fn read(&mut self, text: &str) -> Result<(), String> {
        *self = match text {
            "always" => Self::Always,
            "loopback" => Self::Loopback,
            "never" => Self::Never,
            _ => return Err(format!("`{text}` is not {}", self.kind())),
        };
        Ok(())
    }
    fn show(&self) -> String {
        match self {
            Self::Always => "always",
            Self::Loopback => "loopback",
            Self::Never => "never",
        }
        .to_owned()
    }
    fn kind(&self) -> String {
        "always, loopback or never".to_owned()
    }
}
