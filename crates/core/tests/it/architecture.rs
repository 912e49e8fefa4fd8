//! Dependencies point one way. A new edge between crates is a decision: it is made here, or it does not compile.

use std::{collections::BTreeSet, process::Command};

/// Every edge between our crates, `(from, to)`, development dependencies left out.
const EDGES: [(&str, &str); 14] = [
    ("darkroom", "darkroom-api"),
    ("darkroom", "darkroom-core"),
    ("darkroom", "darkroom-inference"),
    ("darkroom", "darkroom-server"),
    ("darkroom", "darkroom-store"),
    ("darkroom-api", "darkroom-core"),
    ("darkroom-imaging", "darkroom-core"),
    ("darkroom-inference", "darkroom-imaging"),
    ("darkroom-server", "darkroom-api"),
    ("darkroom-server", "darkroom-core"),
    ("darkroom-server", "darkroom-dashboard"),
    ("darkroom-server", "darkroom-imaging"),
    ("darkroom-server", "darkroom-inference"),
    ("darkroom-store", "darkroom-core"),
];

/// What `core` must never reach, however convenient.
const NEVER_IN_CORE: [&str; 6] = ["tokio", "axum", "rusqlite", "reqwest", "image", "tracing"];

fn metadata() -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo writes JSON")
}

fn dependencies(package: &serde_json::Value) -> impl Iterator<Item = &str> {
    let all = package["dependencies"].as_array().into_iter().flatten();
    all.filter(|d| d["kind"].as_str() != Some("dev")).filter_map(|d| d["name"].as_str())
}

#[test]
fn dependencies_point_one_way() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("there are packages");
    let found: BTreeSet<(&str, &str)> = packages
        .iter()
        .flat_map(|p| dependencies(p).map(|to| (p["name"].as_str().unwrap_or_default(), to)))
        .filter(|(_, to)| to.starts_with("darkroom"))
        .collect();
    let declared: BTreeSet<_> = EDGES.into_iter().collect();
    assert_eq!(found, declared);
}

#[test]
fn core_has_no_runtime_no_database_no_http_and_no_pixels() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("there are packages");
    let core = packages.iter().find(|p| p["name"] == "darkroom-core").expect("core is a package");
    for name in dependencies(core) {
        assert!(!NEVER_IN_CORE.contains(&name), "core depends on {name}");
    }
}
