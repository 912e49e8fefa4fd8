//! Where the images of runs come from.

mod archives;
mod bombs;
mod downloads;
mod files;
mod fixture;
mod folders;
mod mutated;
pub(crate) mod pack;
pub(crate) mod server;
mod urls;
