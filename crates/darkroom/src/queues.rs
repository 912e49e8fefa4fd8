//! `darkroom queues`: what waits on a server, and how much of it may run.

use std::{fmt, process::ExitCode, str::FromStr};

use clap::{Args, Subcommand};
use darkroom_api::{ClientError, QueueStats, Queues};
use darkroom_core::{
    Clock as _, SystemClock, Timestamp,
    store::{InvalidMaxRunning, MaxRunning},
};
use indicatif::{HumanCount, HumanDuration};

use crate::{
    client::Server,
    halt::Halt,
    serve::runtime,
    terminal::{as_json, say},
};

/// `darkroom queues …`.
#[derive(Debug, Args)]
pub(crate) struct QueuesCommand {
    #[command(flatten)]
    server: Server,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List queues with what waits and runs in them
    List,
    /// Hold the jobs of a queue; running ones finish
    Pause(Which),
    /// Let the jobs of a queue start again
    Resume(Which),
    /// Let only so many jobs of a queue run at a time
    Limit {
        #[command(flatten)]
        which: Which,
        /// How many, 1 to 100000, or `none` for any number
        #[arg(value_name = "JOBS")]
        max: Limit,
    },
}

/// One queue.
#[derive(Debug, Args)]
struct Which {
    /// The queue; unknown names are made
    name: String,
}

/// A limit as it is typed.
#[derive(Debug, Clone, Copy)]
struct Limit(Option<MaxRunning>);

impl FromStr for Limit {
    type Err = InvalidMaxRunning;
    fn from_str(text: &str) -> Result<Self, InvalidMaxRunning> {
        if text == "none" { Ok(Self(None)) } else { text.parse().map(|max| Self(Some(max))) }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(max) => write!(f, "{} at a time", HumanCount(max.get().into())),
            None => f.write_str("any number at a time"),
        }
    }
}

/// Asks the server.
pub(crate) fn act(command: QueuesCommand, json: bool) -> Result<ExitCode, Halt> {
    let server = command.server.clone();
    let text = runtime()?.block_on(ask(command, json)).map_err(|error| server.refused(error))?;
    say(&text)
}

async fn ask(command: QueuesCommand, json: bool) -> Result<String, ClientError> {
    let client = command.server.connect()?;
    let done = match command.verb {
        Verb::List => {
            let queues = client.queues().await?;
            return Ok(if json { as_json(&queues) } else { table(&queues, SystemClock.now()) });
        }
        Verb::Pause(Which { name }) => {
            client.pause(&name).await?;
            format!("the jobs of {name} are held")
        }
        Verb::Resume(Which { name }) => {
            client.resume(&name).await?;
            format!("the jobs of {name} start again")
        }
        Verb::Limit { which: Which { name }, max } => {
            client.limit(&name, max.0.map(|max| max.get().into())).await?;
            format!("jobs of {name} that may run: {max}")
        }
    };
    Ok(if json { "{}".to_owned() } else { done })
}

/// One line a queue.
fn table(queues: &Queues, now: Timestamp) -> String {
    let mut lines = vec![format!(
        "{:<30}{:<9}{:>11}{:>11}{:>17}{:>11}{:>16}",
        "QUEUE", "STATE", "WAITING", "HELD", "RUNNING", "FAILED", "OLDEST WAITS"
    )];
    lines.extend(queues.queues.iter().map(|queue| line(queue, now)));
    lines.join("\n")
}

fn line(queue: &QueueStats, now: Timestamp) -> String {
    let running = match queue.max_running {
        Some(max) => format!("{} of {}", HumanCount(queue.jobs.running), HumanCount(max.into())),
        None => HumanCount(queue.jobs.running).to_string(),
    };
    let oldest = queue.oldest_queued.map_or("-".to_owned(), |at| HumanDuration(now.since(at.0)).to_string());
    format!(
        "{:<30}{:<9}{:>11}{:>11}{running:>17}{:>11}{oldest:>16}",
        queue.name,
        if queue.paused { "paused" } else { "open" },
        HumanCount(queue.jobs.queued).to_string(),
        HumanCount(queue.jobs.held).to_string(),
        HumanCount(queue.jobs.failed).to_string(),
    )
}

#[cfg(test)]
mod tests {
    use darkroom_api::{StateCounts, Time};

    use super::*;

    #[test]
    fn a_queue_shows_what_waits_how_long_and_what_may_run() {
        let jobs = StateCounts { queued: 0, held: 1_200, running: 3, failed: 7, ..StateCounts::default() };
        let start = Timestamp::from_millis(0);
        let queue = QueueStats {
            name: "nightly".to_owned(),
            paused: true,
            max_running: Some(4),
            oldest_queued: Some(Time::from(start)),
            jobs,
        };
        let calm = QueueStats {
            name: "default".to_owned(),
            paused: false,
            max_running: None,
            oldest_queued: None,
            jobs: StateCounts::default(),
        };
        let now = start + std::time::Duration::from_mins(5);
        let shown = table(&Queues { queues: vec![calm, queue] }, now);
        let words: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[1], ["default", "open", "0", "0", "0", "0", "-"]);
        assert_eq!(words[2], ["nightly", "paused", "0", "1,200", "3", "of", "4", "7", "5", "minutes"]);
        let lengths: Vec<usize> = shown.lines().map(str::len).collect();
        assert!(lengths.iter().all(|length| *length == lengths[0]), "{shown}");
    }

    #[test]
    fn a_limit_is_a_number_or_none() {
        assert!(matches!("none".parse(), Ok(Limit(None))));
        assert!("4".parse::<Limit>().is_ok_and(|limit| limit.to_string() == "4 at a time"));
        for wrong in ["0", "100001", "-1", "many", ""] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong}");
        }
    }
}
