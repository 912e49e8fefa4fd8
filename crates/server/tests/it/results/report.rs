//! The report of a run.

use std::{fs, path::PathBuf};

use darkroom_server::results::{Report, Sample, Slice, report_policy};

use crate::http::images;

fn slice(label: &str, count: u64) -> Slice {
    Slice { label: label.to_owned(), count }
}

/// A run in which everything happened, to hostile names.
fn report() -> Report {
    let labels = [
        "tabby, tabby cat",
        "golden retriever",
        "espresso",
        "lakeside, lakeshore",
        "sports car, sport car",
        "daisy",
        "pier",
        "acoustic guitar",
    ];
    let classes: Vec<Slice> =
        labels.iter().enumerate().map(|(at, label)| slice(label, 4_000 / (at as u64 + 1))).collect();
    let rare = (0..60).map(|at| slice(&format!("rare class {at}"), 60 - at));
    let sample = |number: u32| Sample {
        path: format!("album/{number:04}.png"),
        caption: format!("{} \u{b7} 0.{}", labels[number as usize % labels.len()], 98 - number),
        image: images::png(40 + number * 3, 60),
    };
    Report {
        title: "Holiday photos <2026>".to_owned(),
        source: "https://photos.example.org/archives/holiday.tar.zst".to_owned(),
        operations: vec!["faces".to_owned(), "classify (resnet50@1)".to_owned()],
        notes: vec!["The archive ends early: 12,406 entries came before.".to_owned()],
        succeeded: 12_180,
        failed: 214,
        cancelled: 3,
        open: 9,
        bytes: 41_234_567_890,
        seconds: 3_725.4,
        failures: vec![slice("undecodable", 180), slice("limit_exceeded", 30), slice("timed_out", 4)],
        passed: vec![slice("not_an_image", 400), slice("link", 12), slice("unsafe_path", 1)],
        classes: vec![("classify".to_owned(), classes.into_iter().chain(rare).collect())],
        mean: Some((12_022, (0..128).map(|at| (f64::from(at) * 0.7).sin() / 9.0).collect())),
        pace: (0..900).map(|at| (f64::from(at) * 4.1, (f64::from(at).powf(1.1) * 7.0) as u64)).collect(),
        samples: (0..12).map(sample).collect(),
        failed_items: vec![
            (
                "album/<script>alert(1)</script>.jpg".to_owned(),
                "undecodable".to_owned(),
                "JPEG: the file is damaged: \"bad\" & 'worse'".to_owned(),
            ),
            (
                "album/\u{202e}gpj.exe".to_owned(),
                "limit_exceeded".to_owned(),
                "side is 70000, the limit is 65500".to_owned(),
            ),
        ],
        facts: vec![
            ("Run".to_owned(), "01931b1e-5f6e-7c9f-9c3a-3c5fd1b1c0de".to_owned()),
            ("Started".to_owned(), "2026-11-21T10:00:00Z".to_owned()),
        ],
    }
}

#[test]
fn the_page_needs_nothing_and_runs_nothing() {
    let page = report().html();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("results");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("report.html"), &page).unwrap();
    for forbidden in [
        "<script",
        "javascript:",
        " style=",
        " on",
        "@import",
        "url(",
        "http-equiv=\"refresh",
        "<link",
        "src=\"http",
    ] {
        let found = page.find(forbidden).map(|at| &page[at.saturating_sub(40)..(at + 40).min(page.len())]);
        // Words of the text may begin with `on`; attributes have a `=` behind their name.
        let harmless = forbidden == " on"
            && !page
                .split(" on")
                .skip(1)
                .any(|rest| rest.split(' ').next().is_some_and(|word| word.contains('=')));
        assert!(found.is_none() || harmless, "{forbidden}: {found:?}");
    }
    assert!(page.contains(&report_policy()));
    assert!(page.contains("Holiday photos &lt;2026&gt;") && page.contains("12\u{202f}180"));
    assert!(!page.contains('\u{202e}'));
}

#[test]
fn what_is_shown_is_bounded() {
    let mut large = report();
    let photo = images::png(20, 20);
    large.samples = (0..1_000)
        .map(|_| Sample { path: "p".repeat(9_000), caption: String::new(), image: photo.clone() })
        .collect();
    large.samples.insert(
        0,
        Sample {
            path: "too large".to_owned(),
            caption: String::new(),
            image: [photo, vec![0; 200 << 10]].concat(),
        },
    );
    large.samples.insert(
        0,
        Sample {
            path: "no image".to_owned(),
            caption: String::new(),
            image: b"<svg onload=alert(1)>".to_vec(),
        },
    );
    large.failed_items = vec![("f".repeat(9_000), "undecodable".to_owned(), "d".repeat(9_000)); 10_000];
    large.classes = vec![("c".to_owned(), (0..10_000).map(|at| slice(&format!("{at}"), at)).collect()); 100];
    large.pace = (0..1_000_000).map(|at| (f64::from(at), u64::from(at as u32))).collect();
    large.mean = Some((1, vec![f64::NAN; 100_000]));
    let page = large.html();
    assert!(page.len() < 512 << 10, "{} bytes", page.len());
    assert_eq!(page.matches("<figure>").count(), 48);
    assert!(!page.contains("too large") && !page.contains("no image"));
}

#[test]
fn a_run_without_anything_has_a_page() {
    let page = Report { title: "empty".to_owned(), ..Report::default() }.html();
    assert!(page.contains("<h1>") && page.ends_with("</html>\n") && !page.contains("NaN"));
}
