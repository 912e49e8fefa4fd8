//! The `OpenAPI` 3.1 document: a literal table of endpoints, and the schemas of the wire types.
//!
//! The server's test suite compares the table with its router, both ways.

pub mod table;

mod document;
mod endpoint;
mod schemas;

pub use document::document;
pub use endpoint::{Access, Answer, CLASSIC, Content, Endpoint, Method, Parameter, Place, Shape};
pub use schemas::operations;
