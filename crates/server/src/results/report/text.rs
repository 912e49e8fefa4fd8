//! Text for the page.

use std::fmt::Write;

/// Characters of a text from elsewhere that are shown.
const MAX_SHOWN: usize = 240;

/// Text from elsewhere, made harmless: markup is escaped, control characters are shown as what they are not, what is
/// too long is cut, and what is written from right to left stays where it is.
pub(super) fn shown(text: &str) -> String {
    let mut out = String::from("<bdi>");
    for (number, c) in text.chars().enumerate() {
        if number == MAX_SHOWN {
            out.push('\u{2026}');
            break;
        }
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() || is_formatting(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out.push_str("</bdi>");
    out
}

/// What turns the direction of text around, and marks without a width (Unicode 15, 23.2).
fn is_formatting(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A whole number with thin spaces between thousands.
pub(super) fn whole(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A part of a whole in percent.
pub(super) fn percent(part: u64, all: u64) -> String {
    if all == 0 {
        return "0 %".to_owned();
    }
    let value = part as f64 * 100.0 / all as f64;
    // What is not all is never shown as all, nor what is something as nothing.
    match value {
        v if part > 0 && v < 0.1 => "&lt; 0.1 %".to_owned(),
        v if part < all && v > 99.9 => "&gt; 99.9 %".to_owned(),
        v => format!("{} %", trimmed(v, 1)),
    }
}

/// A number of bytes in its unit.
pub(super) fn bytes(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match units.iter().find(|(_, shift)| bytes >> shift > 0) {
        Some((unit, shift)) => format!("{} {unit}", trimmed(bytes as f64 / (1_u64 << shift) as f64, 1)),
        None => format!("{bytes} B"),
    }
}

/// A length of time.
pub(super) fn time(seconds: f64) -> String {
    let whole_seconds = seconds.max(0.0) as u64;
    let (hours, minutes, rest) = (whole_seconds / 3_600, whole_seconds / 60 % 60, whole_seconds % 60);
    let mut out = String::new();
    match (hours, minutes) {
        (0, 0) => out = format!("{} s", trimmed(seconds.max(0.0), 1)),
        // Writing to a String does not fail.
        (0, _) => drop(write!(out, "{minutes} min {rest} s")),
        _ => drop(write!(out, "{hours} h {minutes} min")),
    }
    out
}

/// A number with at most `digits` digits behind the point, and no zeros at its end.
pub(super) fn trimmed(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_strangers_is_only_text() {
        let hostile = "<script>alert(\"1\")</script>&'\u{202e}gpj.exe\u{7}";
        assert_eq!(
            shown(hostile),
            "<bdi>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;\u{fffd}gpj.exe\u{fffd}</bdi>"
        );
        assert!(shown(&"a".repeat(10_000)).chars().count() < 300);
    }

    #[test]
    fn figures_are_short_and_honest() {
        assert_eq!(whole(1_234_567), "1\u{202f}234\u{202f}567");
        let parts = [(0, 10), (1, 3), (10, 10), (1, 1_000_000), (999_999, 1_000_000), (0, 0)];
        let shown = parts.map(|(part, all)| percent(part, all));
        assert_eq!(shown, ["0 %", "33.3 %", "100 %", "&lt; 0.1 %", "&gt; 99.9 %", "0 %"]);
        assert_eq!([bytes(999), bytes(1 << 20), bytes(1_600 << 20)], ["999 B", "1 MiB", "1.6 GiB"]);
        assert_eq!([time(0.26), time(61.0), time(7_260.0)], ["0.3 s", "1 min 1 s", "2 h 1 min"]);
    }
}
