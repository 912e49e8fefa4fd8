//! The HTTP surface, called as clients call it: over a socket, against the whole service with a real worker.

mod app;
mod artifacts;
mod cache;
mod classic_resize;
mod classic_thumbnail;
mod docs;
mod events;
mod faces;
mod faulty;
mod fetch;
mod hostile;
pub(crate) mod images;
mod jobs;
mod large;
mod models;
mod ownership;
mod predictions;
mod problems;
mod quotas;
mod raw;
mod roles;
mod runs;
mod server;
mod sign_in;
mod submit;
mod users;
mod v2;
