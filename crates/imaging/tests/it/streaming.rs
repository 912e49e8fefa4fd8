//! Large images pass through little memory.
//!
//! The suite uses strips of 20,000 × 2,000, whose rows are as wide as those of the square; `DARKROOM_LARGE=1` makes it
//! the whole 20,000 × 20,000.

use std::{fs::File, path::Path, process::Command};

use darkroom_core::operation::Thumbnail;
use darkroom_imaging::{Limits, Source, inspect, memory_needed, render};

use crate::{data, fixture};

const WIDTH: u16 = 20_000;
/// Resident at any moment, with the program itself.
const MOST_BYTES: u64 = 32_000_000;
/// Names the image that [`a_process_of_its_own`] makes smaller.
const CHILD: &str = "DARKROOM_TEST_LARGE_IMAGE";

fn height() -> u16 {
    if std::env::var_os("DARKROOM_LARGE").is_some() { WIDTH } else { 2_000 }
}

#[test]
fn a_png_20_000_wide_stays_under_32_megabytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.png");
    fixture::stream_png(File::create(&path).unwrap(), u32::from(WIDTH), u32::from(height()));
    assert_small(&path);
}

#[test]
fn a_jpeg_20_000_wide_stays_under_32_megabytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.jpg");
    fixture::stream_jpeg(File::create(&path).unwrap(), WIDTH, height());
    assert_small(&path);
}

/// In a process of its own, so that nothing else counts.
fn assert_small(path: &Path) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "streaming::a_process_of_its_own", "--nocapture", "--test-threads=1"])
        .env(CHILD, path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{said}");
    let peak =
        said.lines().find_map(|line| line.strip_prefix("peak ")).map(|bytes| bytes.parse::<u64>().unwrap());
    assert!(peak.unwrap() < MOST_BYTES, "{peak:?} bytes");
}

/// Does nothing unless [`assert_small`] has started it.
#[test]
fn a_process_of_its_own() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let (source, requests) = (Source::file(path), [Thumbnail::fit(512, 512)]);
    let limits = Limits { input_bytes: 2 << 30, ..Limits::default() };
    let renditions = render(&source, &requests, &limits, &data::guard()).unwrap();
    assert_eq!(renditions[0].width, 512);
    let needed = memory_needed(&inspect(&source, &limits).unwrap(), &requests);
    assert!(needed < MOST_BYTES, "the estimate is {needed}");
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    eprintln!("\npeak {}", kilobytes * 1024);
}
