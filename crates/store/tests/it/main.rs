//! The stores against their contract.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to fail")]
#![allow(clippy::print_stderr, reason = "a schedule that fails is shown")]

mod crash;
mod file;
mod limits;
mod memory;
mod model;
mod power;
mod run_crash;
mod sqlite;

/// Runs a future to its end.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}
