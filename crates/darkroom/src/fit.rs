//! What fits beside a bar. A line that is wider than its terminal would be broken into two, and the bar would have no room.

use console::Term;

/// Columns of a bar at least, as long as there is something to leave out for it.
const LEAST_BAR: usize = 10;

/// Columns of a terminal that does not say how many it has.
const USUAL: usize = 80;

/// Something that stands beside a bar.
pub(crate) struct Part {
    text: String,
    /// What is left of it where there is little room; nothing if it goes as a whole.
    short: String,
    /// Those with the highest number give way first, those with 0 never.
    gives_way: u8,
}

impl Part {
    /// What always stands there.
    pub(crate) fn kept(text: impl Into<String>) -> Self {
        Self { text: text.into(), short: String::new(), gives_way: 0 }
    }

    /// What gives way; the higher the number the sooner.
    pub(crate) fn giving_way(text: impl Into<String>, when: u8) -> Self {
        Self { text: text.into(), short: String::new(), gives_way: when }
    }

    /// What is said in short then.
    pub(crate) fn or(self, short: impl Into<String>) -> Self {
        Self { short: short.into(), ..self }
    }
}

/// What fits beside a bar on standard error, in the order given.
pub(crate) fn beside_bar(parts: Vec<Part>) -> String {
    let size = Term::stderr().size_checked();
    fit(parts, size.map_or(USUAL, |(_, columns)| columns.into()))
}

/// As much as fits into so many columns, with a bar.
pub(crate) fn fit(mut parts: Vec<Part>, columns: usize) -> String {
    loop {
        let texts: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
        let line = texts.join("  ");
        // One column is between the bar and the line.
        if line.chars().count() + 1 + LEAST_BAR <= columns {
            return line;
        }
        let first = parts.iter_mut().filter(|part| part.gives_way > 0).max_by_key(|part| part.gives_way);
        let Some(part) = first else { return cut(&line, columns.saturating_sub(2)) };
        part.text = std::mem::take(&mut part.short);
        part.gives_way = 0;
        parts.retain(|part| !part.text.is_empty());
    }
}

fn cut(line: &str, columns: usize) -> String {
    if line.chars().count() <= columns {
        return line.to_owned();
    }
    let kept: String = line.chars().take(columns.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(columns: usize) -> String {
        let parts = vec![
            Part::kept("412/1,412"),
            Part::giving_way("50.0/s", 3),
            Part::giving_way("20 seconds left", 2),
            Part::giving_way("3 failed: 2 undecodable, 1 timed_out", 1).or("3 failed"),
        ];
        fit(parts, columns)
    }

    #[test]
    fn what_matters_least_gives_way_first() {
        let whole = "412/1,412  50.0/s  20 seconds left  3 failed: 2 undecodable, 1 timed_out";
        assert_eq!(line(whole.len() + 11), whole);
        assert_eq!(
            line(whole.len() + 10),
            "412/1,412  20 seconds left  3 failed: 2 undecodable, 1 timed_out"
        );
        assert_eq!(line(60), "412/1,412  3 failed: 2 undecodable, 1 timed_out");
        assert_eq!(line(40), "412/1,412  3 failed");
        assert_eq!(line(30), "412/1,412  3 failed");
        assert_eq!(line(22), "412/1,412  3 failed", "rather than a bar");
        assert_eq!(line(12), "412/1,412…");
        assert_eq!(line(0), "…");
    }

    #[test]
    fn no_line_is_wider_than_its_terminal() {
        for columns in 4..200 {
            assert!(line(columns).chars().count() < columns, "{columns}: {}", line(columns));
        }
    }
}
