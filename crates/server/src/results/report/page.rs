//! The page, from top to bottom.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use darkroom_imaging::{Format, recognise};

use super::{
    MAX_CHARTS, MAX_FAILED, MAX_SAMPLE_BYTES, MAX_SAMPLES, Report, Sample, chart, report_policy,
    style::STYLE,
    text::{bytes, percent, shown, time, trimmed, whole},
};

/// The whole page.
pub(super) fn page(report: &Report) -> String {
    let parts = [
        opening(report),
        header(report),
        figures(report),
        states(report),
        reasons(report),
        pace(report),
        classes(report),
        mean(report),
        samples(&report.samples),
        failed(report),
        facts(report),
    ];
    parts.concat() + "<footer>Made by Darkroom</footer></main></body></html>\n"
}

fn opening(report: &Report) -> String {
    // A title shows no markup, so that it takes none.
    let title = shown(&report.title).replace("<bdi>", "").replace("</bdi>", "");
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"referrer\" content=\"no-referrer\"><title>{title} \u{2013} run report</title>\
         <style>{STYLE}</style></head><body><main>",
        report_policy()
    )
}

fn header(report: &Report) -> String {
    let mut out = format!(
        "<header><p class=\"mark\">Run report</p><h1>{}</h1><p class=\"source\">{}</p><ul class=\"chips\">",
        shown(&report.title),
        shown(&report.source)
    );
    for operation in &report.operations {
        let _ = write!(out, "<li>{}</li>", shown(operation));
    }
    out.push_str("</ul>");
    for note in &report.notes {
        let _ = write!(out, "<p class=\"note\">{}</p>", shown(note));
    }
    out + "</header>"
}

fn figures(report: &Report) -> String {
    let (all, ended) = (items(report), report.succeeded + report.failed);
    let passed: u64 = report.passed.iter().map(|slice| slice.count).sum();
    let rate = if report.seconds > 0.0 {
        format!("{} a second", trimmed(ended as f64 / report.seconds, 1))
    } else {
        String::new()
    };
    let figures = [
        ("Images", format!("{} <small></small>", whole(all))),
        (
            "Succeeded",
            format!("{} <small>{}</small>", whole(report.succeeded), percent(report.succeeded, all)),
        ),
        ("Failed", format!("{} <small>{}</small>", whole(report.failed), percent(report.failed, all))),
        ("Passed over", format!("{} <small>in the source</small>", whole(passed))),
        ("Data", format!("{} <small></small>", bytes(report.bytes))),
        ("Time", format!("{} <small>{rate}</small>", time(report.seconds))),
    ];
    let mut out = String::from("<dl class=\"figures\">");
    for (name, figure) in figures {
        let _ = write!(out, "<div><dt>{name}</dt><dd>{figure}</dd></div>");
    }
    out + "</dl>"
}

fn items(report: &Report) -> u64 {
    report.succeeded + report.failed + report.cancelled + report.open
}

fn states(report: &Report) -> String {
    if items(report) == 0 {
        return String::new();
    }
    let parts = chart::parts(&[
        ("good", "Succeeded", report.succeeded),
        ("bad", "Failed", report.failed),
        ("off", "Cancelled", report.cancelled),
        ("open", "Not ended", report.open),
    ]);
    format!("<section class=\"parts-of\">{parts}</section>")
}

fn reasons(report: &Report) -> String {
    let charts =
        [("Why images failed", &report.failures, "bad"), ("What was passed over", &report.passed, "off")];
    let mut sections = String::new();
    for (title, slices, class) in charts.into_iter().filter(|(_, slices, _)| !slices.is_empty()) {
        let _ = write!(sections, "<section><h2>{title}</h2>{}</section>", chart::bars(slices, class));
    }
    if sections.is_empty() { sections } else { format!("<div class=\"two\">{sections}</div>") }
}

fn pace(report: &Report) -> String {
    let chart = chart::pace(&report.pace);
    if chart.is_empty() {
        return chart;
    }
    let end = report.pace.last().map_or(0.0, |(at, _)| *at);
    format!(
        "<section><h2>Images ended over time</h2>{chart}<p class=\"axis\"><span>0</span><span>{}</span><span>{}</span></p></section>",
        time(end / 2.0),
        time(end)
    )
}

fn classes(report: &Report) -> String {
    let mut out = String::new();
    for (title, slices) in report.classes.iter().take(MAX_CHARTS) {
        let _ = write!(
            out,
            "<section><h2>{}<small>{} different</small></h2>{}</section>",
            shown(title),
            whole(slices.len() as u64),
            chart::bars(slices, "accent")
        );
    }
    out
}

fn mean(report: &Report) -> String {
    let Some((count, numbers)) = &report.mean else { return String::new() };
    let norm = numbers.iter().map(|number| number * number).sum::<f64>().sqrt();
    format!(
        "<section><h2>Mean embedding<small>exact, of {}; {} numbers, length {}</small></h2>{}</section>",
        whole(*count),
        numbers.len(),
        trimmed(norm, 6),
        chart::vector(numbers)
    )
}

fn samples(samples: &[Sample]) -> String {
    let figures: Vec<String> = samples.iter().filter_map(figure).take(MAX_SAMPLES).collect();
    if figures.is_empty() {
        return String::new();
    }
    format!("<section><h2>Samples</h2><div class=\"samples\">{}</div></section>", figures.concat())
}

fn figure(sample: &Sample) -> Option<String> {
    let start = &sample.image[..sample.image.len().min(darkroom_imaging::RECOGNISABLE)];
    let format = recognise(start).filter(|_| sample.image.len() <= MAX_SAMPLE_BYTES)?;
    let by_browsers =
        matches!(format, Format::Jpeg | Format::Png | Format::Webp | Format::Gif | Format::Avif);
    by_browsers.then(|| {
        format!(
            "<figure><img src=\"data:{};base64,{}\" alt=\"\" loading=\"lazy\"><figcaption><b>{}</b><span>{}</span></figcaption></figure>",
            format.media_type(),
            STANDARD.encode(&sample.image),
            shown(&sample.caption),
            shown(&sample.path)
        )
    })
}

fn failed(report: &Report) -> String {
    if report.failed_items.is_empty() {
        return String::new();
    }
    let listed = report.failed_items.len().min(MAX_FAILED) as u64;
    let of = if listed < report.failed {
        format!("<small>{} of {}</small>", whole(listed), whole(report.failed))
    } else {
        String::new()
    };
    let mut out = format!(
        "<section><h2>Failed images{of}</h2><table class=\"list\"><tr><th scope=\"col\">Image</th><th scope=\"col\">Reason</th><th scope=\"col\"></th></tr>"
    );
    for (path, reason, detail) in report.failed_items.iter().take(MAX_FAILED) {
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            shown(path),
            shown(reason),
            shown(detail)
        );
    }
    out + "</table></section>"
}

fn facts(report: &Report) -> String {
    if report.facts.is_empty() {
        return String::new();
    }
    let mut out = String::from("<section><h2>About this run</h2><dl class=\"facts\">");
    for (name, fact) in &report.facts {
        let _ = write!(out, "<dt>{}</dt><dd>{}</dd>", shown(name), shown(fact));
    }
    out + "</dl></section>"
}
