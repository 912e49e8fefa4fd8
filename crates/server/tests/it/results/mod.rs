//! How the results of a run are written.

mod report;
mod rows;
mod tables;
