//! Where the images of runs come from.

mod archives;
mod bombs;
mod fixture;
mod folders;
mod mutated;
mod pack;
