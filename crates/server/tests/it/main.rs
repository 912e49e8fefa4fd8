//! The service as a whole.

mod http;
