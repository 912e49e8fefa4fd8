//! The log of the classic average-face service, as it follows from a run and what the run has gathered. It is written
//! nowhere: the same run gives the same lines, before and after a restart.

use std::fmt;

use jiff::tz::TimeZone;

use crate::{Run, RunAggregate, RunState, Time};

/// Numbers of a vector in one line, as `NumPy` prints those of an embedding.
const NUMBERS_A_LINE: usize = 4;

/// One line of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// When what it says was so.
    at: Time,
    text: String,
}

impl fmt::Display for Line {
    /// `Jul 04 2019 17:39:35:1562261975 - Starting Producer Process...`: the time of the wall, and seconds since 1970.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant =
            jiff::Timestamp::from_millisecond(self.at.0.as_millis()).unwrap_or(jiff::Timestamp::MAX);
        let local = instant.to_zoned(TimeZone::system());
        write!(f, "{} - {}", local.strftime("%b %d %Y %H:%M:%S:%s"), self.text)
    }
}

/// The lines so far, oldest first; a line that was there once stays as it is, unless the run goes back to work.
/// `mean` is what the run has gathered, asked for once it has succeeded.
pub fn log(run: &Run, mean: Option<&RunAggregate>) -> Vec<Line> {
    let begun = run.started_at.unwrap_or(run.created_at);
    let mut lines = vec![line(run.created_at, "Starting Producer Process...")];
    if run.total > 0 || run.complete {
        lines.push(line(begun, "Starting Creating Tasks..."));
    }
    if run.complete {
        lines.push(line(begun, format!("Total of Tasks Created: {}", run.total)));
        lines.push(line(begun, "Getting Tasks Done..."));
    }
    lines.extend(run.damage.iter().map(|damage| line(begun, format!("[WARN] - {damage}"))));
    let ended = run.finished_at.unwrap_or(begun);
    let why =
        || run.stop.as_ref().map_or_else(|| "no reason is known".to_owned(), |stop| stop.message.clone());
    match run.state {
        RunState::Enumerating | RunState::Running => {}
        RunState::Paused => lines.push(line(begun, format!("[WAIT] - {}", why()))),
        RunState::Failed | RunState::Cancelled => lines.push(line(ended, format!("[FAIL] - {}", why()))),
        RunState::Succeeded => lines.extend(result(run, mean, ended)),
    }
    lines
}

fn result(run: &Run, mean: Option<&RunAggregate>, ended: Time) -> Vec<Line> {
    let (with_a_face, without) = mean.map_or((0, 0), |mean| (mean.count, mean.missing));
    let numbers = mean.and_then(|mean| mean.mean.as_deref()).unwrap_or_default();
    let mut lines = vec![
        line(ended, format!("Total of Tasks Finished: {}", run.counts.succeeded + run.counts.failed)),
        line(ended, "Calculating Average Vectors..."),
        line(ended, format!("Total of Photos Processed: {with_a_face}")),
        line(ended, format!("Total of Photos without a Face: {without}")),
    ];
    if run.counts.failed > 0 {
        let reasons: Vec<String> =
            run.failures.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let failed = format!("Total of Photos Failed: {} ({})", run.counts.failed, reasons.join(", "));
        lines.push(line(ended, failed));
    }
    lines.push(line(ended, format!("Result of calculation the average of values:\n{}", vector(numbers))));
    lines
}

/// `[0.5 -0.25 … ]`, in the shortest digits that read back as the same numbers.
fn vector(numbers: &[f64]) -> String {
    let written = |chunk: &[f64]| chunk.iter().map(f64::to_string).collect::<Vec<_>>().join(" ");
    let rows: Vec<String> = numbers.chunks(NUMBERS_A_LINE).map(written).collect();
    format!("[{}]", rows.join("\n "))
}

fn line(at: Time, text: impl Into<String>) -> Line {
    Line { at, text: text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_reads_back_as_the_same_numbers() {
        let numbers = [0.1, -2.5e-9, 0.333_333_333_333_333_3, 1.0, -0.0, 7.25];
        let text = vector(&numbers);
        let read: Vec<f64> =
            text.trim_matches(['[', ']']).split_whitespace().map(|number| number.parse().unwrap()).collect();
        let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read), bits(&numbers), "{text}");
        assert_eq!((text.lines().count(), vector(&[]).as_str()), (2, "[]"));
    }
}
