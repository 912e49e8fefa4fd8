//! What is handed out is whole, small, and asks for nothing that the policy forbids.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to fail")]

use std::{collections::BTreeSet, fs, path::Path};

use darkroom_dashboard::{Files, PAGE, POLICY};

/// Bytes of the whole page as it is sent, all files together.
const MAX_SENT: usize = 300 << 10;

/// Every file below `web/`, as the page names them.
fn names() -> Vec<String> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    let mut names = vec![PAGE.to_owned()];
    for folder in
        fs::read_dir(&web).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir())
    {
        let folder_name = folder.file_name().into_string().unwrap();
        for file in fs::read_dir(folder.path()).unwrap() {
            names.push(format!("{folder_name}/{}", file.unwrap().file_name().into_string().unwrap()));
        }
    }
    names
}

fn text(files: &Files, name: &str) -> String {
    let file = files.get(name).unwrap_or_else(|| panic!("there is no {name}"));
    String::from_utf8(file.bytes.clone()).unwrap()
}

#[test]
fn every_file_is_in_the_binary_with_its_type_and_a_tag() {
    let (embedded, folder) = (Files::embedded(), Files::folder(concat!(env!("CARGO_MANIFEST_DIR"), "/web")));
    for name in names() {
        let file = embedded.get(&name).unwrap_or_else(|| panic!("there is no {name}"));
        assert_ne!(file.media_type, "application/octet-stream", "{name}");
        assert_eq!((file.tag.len(), &file.tag), (32, &folder.get(&name).unwrap().tag), "{name}");
    }
}

#[test]
fn the_page_is_small() {
    let files = Files::embedded();
    let sent = |name: &String| {
        let file = files.get(name).unwrap();
        file.gzip.as_ref().map_or(file.bytes.len(), Vec::len)
    };
    let all: usize = names().iter().map(sent).sum();
    assert!(all < MAX_SENT, "{all} bytes");
}

#[test]
fn every_module_and_sheet_that_is_named_is_there() {
    let (files, names) = (Files::embedded(), names().into_iter().collect::<BTreeSet<_>>());
    let mut found = 0;
    for name in &names {
        for word in text(&files, name).split(['"', '\'', '`']).filter(|word| is_address(word)) {
            found += 1;
            let target = word.trim_start_matches("/ui/");
            assert!(names.contains(target), "{name} names {word}");
        }
    }
    assert!(found > 10, "{found}");
}

/// Whether a text is the address of a file of the page. Modules name each other by their whole address.
fn is_address(word: &str) -> bool {
    word.starts_with("/ui/") && ["js", "css", "svg"].contains(&end(word))
}

/// What stands behind the last dot.
fn end(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, end)| end)
}

#[test]
fn nothing_is_asked_that_the_policy_forbids() {
    let files = Files::embedded();
    assert!(POLICY.contains("script-src 'self'; style-src 'self'") && !POLICY.contains("unsafe"));
    for name in names().iter().filter(|name| end(name) != "svg") {
        let text = text(&files, name);
        for bad in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "style=\"",
            "onclick=\"",
        ] {
            assert!(!text.contains(bad), "{name} has {bad}");
        }
        for scheme in ["http://", "https://"] {
            let elsewhere = text
                .match_indices(scheme)
                .filter(|(at, _)| !text[*at..].starts_with("http://www.w3.org/2000/svg"));
            let allowed = elsewhere.filter(|(at, _)| !text[*at..].starts_with("https://example.org"));
            assert_eq!(allowed.count(), 0, "{name} names another site");
        }
    }
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret.js"), "x").unwrap();
    let web = folder.path().join("web");
    fs::create_dir(&web).unwrap();
    for name in ["../secret.js", "core/../../secret.js", "/etc/hosts", "./../secret.js", "", "."] {
        assert!(Files::folder(&web).get(name).is_none(), "{name}");
        assert!(Files::embedded().get(name).is_none(), "{name}");
    }
}
