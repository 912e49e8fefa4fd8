//! Charts: SVG whose colours and sizes come from the style sheet and from attributes, never from `style`.

use std::fmt::Write;

use super::{
    MAX_BARS, MAX_DIMENSIONS, MAX_POINTS, Slice,
    text::{percent, shown, trimmed, whole},
};

/// One bar of parts beside each other; parts without a count are left out. Each has the class of its name.
pub(super) fn parts(parts: &[(&str, &str, u64)]) -> String {
    let all: u64 = parts.iter().map(|(_, _, count)| count).sum();
    let mut out = String::from(
        r#"<svg class="parts" viewBox="0 0 1000 20" preserveAspectRatio="none" role="img" aria-label="Items by state">"#,
    );
    let mut at = 0.0;
    for (class, name, count) in parts.iter().filter(|(_, _, count)| *count > 0) {
        let width = *count as f64 * 1_000.0 / all as f64;
        let _ = write!(
            out,
            r#"<rect class="{class}" x="{}" width="{}" height="20"><title>{name}: {}</title></rect>"#,
            trimmed(at, 2),
            trimmed(width.max(2.0), 2),
            whole(*count)
        );
        at += width;
    }
    out.push_str("</svg><ul class=\"key\">");
    for (class, name, count) in parts.iter().filter(|(_, _, count)| *count > 0) {
        let _ = write!(
            out,
            r#"<li><svg class="dot" viewBox="0 0 10 10"><rect class="{class}" width="10" height="10" rx="3"/></svg>{name} <b>{}</b> <i>{}</i></li>"#,
            whole(*count),
            percent(*count, all)
        );
    }
    out + "</ul>"
}

/// A bar a slice, the greatest first; the rare ones together.
pub(super) fn bars(slices: &[Slice], class: &str) -> String {
    let all: u64 = slices.iter().map(|slice| slice.count).sum();
    let mut sorted: Vec<&Slice> = slices.iter().filter(|slice| slice.count > 0).collect();
    sorted.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.label.cmp(&b.label)));
    let greatest = sorted.first().map_or(1, |slice| slice.count);
    let mut out = String::from("<table class=\"bars\">");
    let row = |out: &mut String, label: &str, count: u64, class: &str| {
        let width = (count as f64 * 100.0 / greatest as f64).clamp(0.6, 100.0);
        let _ = write!(
            out,
            r#"<tr><th scope="row">{label}</th><td class="bar"><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="{class}" width="{}" height="10"/></svg></td><td class="n">{}</td><td class="n faint">{}</td></tr>"#,
            trimmed(width, 2),
            whole(count),
            percent(count, all)
        );
    };
    for slice in sorted.iter().take(MAX_BARS) {
        row(&mut out, &shown(&slice.label), slice.count, class);
    }
    let rest: u64 = sorted.iter().skip(MAX_BARS).map(|slice| slice.count).sum();
    if rest > 0 {
        let label = format!("<i>{} more</i>", whole((sorted.len() - MAX_BARS) as u64));
        row(&mut out, &label, rest.min(greatest), "rest");
    }
    out + "</table>"
}

/// How many had ended when.
pub(super) fn pace(points: &[(f64, u64)]) -> String {
    let finite: Vec<(f64, u64)> = points.iter().copied().filter(|(at, _)| at.is_finite()).collect();
    let (Some(last), true) = (finite.last().map(|(at, _)| *at), finite.len() > 1) else {
        return String::new();
    };
    let most = finite.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    let step = finite.len().div_ceil(MAX_POINTS);
    let mut line = String::new();
    for (at, count) in finite.iter().step_by(step).chain(finite.last()) {
        let x = at / last.max(1e-9) * 1_000.0;
        let y = 200.0 - *count as f64 / most as f64 * 190.0;
        let _ = write!(line, "{} {} ", trimmed(x.clamp(0.0, 1_000.0), 1), trimmed(y, 1));
    }
    format!(
        r#"<svg class="pace" viewBox="0 0 1000 200" preserveAspectRatio="none" role="img" aria-label="Items ended over time"><path class="grid" d="M0 50H1000M0 100H1000M0 150H1000"/><polygon class="area" points="0 200 {line}1000 200"/><polyline class="line" points="{line}"/></svg>"#
    )
}

/// The numbers of a vector, each a bar up or down.
pub(super) fn vector(numbers: &[f64]) -> String {
    let numbers: Vec<f64> = numbers
        .iter()
        .take(MAX_DIMENSIONS)
        .map(|number| if number.is_finite() { *number } else { 0.0 })
        .collect();
    let greatest = numbers.iter().fold(1e-12_f64, |most, number| most.max(number.abs()));
    let mut out = format!(
        r#"<svg class="vector" viewBox="0 0 {} 100" preserveAspectRatio="none" role="img" aria-label="The numbers of the mean">"#,
        numbers.len() * 4
    );
    for (at, number) in numbers.iter().enumerate() {
        let height = number.abs() / greatest * 48.0;
        let (class, top) = if *number < 0.0 { ("down", 50.0) } else { ("up", 50.0 - height) };
        let _ = write!(
            out,
            r#"<rect class="{class}" x="{}" y="{}" width="3" height="{}"><title>{at}: {number:.6}</title></rect>"#,
            at * 4,
            trimmed(top, 2),
            trimmed(height.max(0.3), 2)
        );
    }
    out + "</svg>"
}
