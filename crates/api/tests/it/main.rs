//! The wire types, the problem table and the document.

mod document;
mod generated;
mod time;
