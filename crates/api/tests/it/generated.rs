//! Generated files are what the code says. `DARKROOM_WRITE_DOCS=1` writes them anew.

use std::path::Path;

use darkroom_api::{openapi, problem};

fn compare(path: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("DARKROOM_WRITE_DOCS").is_some() {
        std::fs::write(&path, generated).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(known == generated, "{} is out of date: run with DARKROOM_WRITE_DOCS=1", path.display());
}

#[test]
fn the_generated_page_of_problems_is_up_to_date() {
    compare("docs/problems.md", &problem::page());
}

#[test]
fn the_generated_openapi_document_is_up_to_date() {
    let document = openapi::document();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if std::env::var_os("DARKROOM_WRITE_DOCS").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&document).unwrap() + "\n").unwrap();
    }
    // Compared as values: the order of keys depends on features that other crates turn on.
    let known = std::fs::read(&path).unwrap_or_default();
    let known: serde_json::Value = serde_json::from_slice(&known).unwrap_or_default();
    assert!(known == document, "{} is out of date: run with DARKROOM_WRITE_DOCS=1", path.display());
}
