//! Named places at which a test makes the process die, as a power cut or a crashing C decoder would.

/// The environment variable that names the place.
#[cfg(debug_assertions)]
const VARIABLE: &str = "DARKROOM_ABORT_AT";

/// Aborts the process here if a test asked for it. Costs nothing in release builds, where it cannot be asked for.
#[cfg(debug_assertions)]
pub(crate) fn reached(name: &str) {
    static WANTED: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    if WANTED.get_or_init(|| std::env::var(VARIABLE).ok()).as_deref() == Some(name) {
        std::process::abort();
    }
}

/// As [`reached`], for the place `name:subject`.
pub(crate) fn reached_for(name: &str, subject: &str) {
    if cfg!(debug_assertions) {
        reached(&format!("{name}:{subject}"));
    }
}

#[cfg(not(debug_assertions))]
pub(crate) fn reached(_name: &str) {}
