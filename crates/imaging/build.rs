//! Refuses to build a slow product: `mozjpeg-sys` drops its SIMD code with no more than a warning when `nasm` is
//! missing, which makes every JPEG take about three times as long.

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PATH");
    let target = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    if !matches!(target.as_str(), "x86_64" | "x86") {
        return; // Other architectures assemble their SIMD code with the C compiler.
    }
    let version =
        Command::new("nasm").arg("-v").output().map(|out| String::from_utf8_lossy(&out.stdout).into_owned());
    match version {
        Ok(version) if version.starts_with("NASM version ") && !version.starts_with("NASM version 0.") => {}
        _ => {
            println!(
                "cargo::error=nasm 1 or newer is needed: without it JPEG decoding has no SIMD and is three times slower"
            );
            println!("cargo::error=install it, for example with `apt-get install nasm`, and build again");
        }
    }
}
