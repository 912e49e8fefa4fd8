//! `darkroom jobs`: the jobs of a server.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use darkroom_api::{
    BulkAction, BulkDone, BulkFilter, BulkRequest, Client, ClientError, Code, Job, JobPage, bulk::MAX_LIMIT,
    client::ListOptions, job::State,
};
use serde::Serialize;

use crate::{
    client::{self, Server},
    halt::Halt,
    serve::runtime,
    terminal::{as_json, say},
};

/// `darkroom jobs …`.
#[derive(Debug, Args)]
pub(crate) struct JobsCommand {
    #[command(flatten)]
    server: Server,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List jobs, newest first
    List {
        /// Only these states, separated by commas: scheduled, queued, held, running, succeeded, failed, cancelled
        #[arg(long, value_delimiter = ',')]
        state: Vec<darkroom_core::job::Shown>,
        /// Only jobs with this operation
        #[arg(long)]
        op: Option<String>,
        /// Only file names that contain this
        #[arg(long)]
        name: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Where the list before ended
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Show one job with its attempts and results
    Show {
        /// The job
        id: String,
    },
    /// Stop a job
    Cancel {
        /// The job
        id: String,
    },
    /// Queue a job again, or every job that has failed
    Retry {
        /// The job
        #[arg(required_unless_present = "failed")]
        id: Option<String>,
        /// Every job that has failed
        #[arg(long, conflicts_with = "id")]
        failed: bool,
        /// Of these, only those that failed for one of these reasons, separated by commas: undecodable, crashed, …
        #[arg(long, value_delimiter = ',', requires = "failed")]
        kind: Vec<darkroom_core::job::FailureKind>,
        /// Of these, only those with this operation
        #[arg(long, requires = "failed")]
        op: Option<String>,
    },
}

/// Asks the server.
pub(crate) fn act(command: JobsCommand, json: bool) -> Result<ExitCode, Halt> {
    let server = command.server.clone();
    let text = runtime()?.block_on(ask(command, json)).map_err(|error| refused(error, &server.url))?;
    say(&text)
}

async fn ask(command: JobsCommand, json: bool) -> Result<String, ClientError> {
    let client = command.server.connect()?;
    Ok(match command.verb {
        Verb::List { state, op, name, limit, cursor } => {
            let states = state.into_iter().map(State::from).collect();
            let limit = Some(limit);
            let options = ListOptions { states, op, text: name, limit, cursor, ..ListOptions::default() };
            let page = client.jobs(&options).await?;
            if json { as_json(&page) } else { table(&page) }
        }
        Verb::Show { id } => one(&client.job(&id).await?, json),
        Verb::Cancel { id } => one(&client.cancel(&id).await?, json),
        Verb::Retry { id: Some(id), .. } => one(&client.retry(&id).await?, json),
        Verb::Retry { kind, op, .. } => {
            let failure = kind.into_iter().map(Into::into).collect();
            let filter = BulkFilter { state: vec![State::Failed], failure, op, ..BulkFilter::default() };
            let done = retry_all(&client, filter).await?;
            if json {
                as_json(&done)
            } else {
                format!("{} of {} jobs queued again", done.changed, done.matched)
            }
        }
    })
}

/// One request after the other until nothing is left that has failed.
async fn retry_all(client: &Client, filter: BulkFilter) -> Result<BulkDone, ClientError> {
    let (action, filter) = (BulkAction::Retry, Some(filter));
    let mut request = BulkRequest { action, filter, ids: None, limit: Some(MAX_LIMIT), cursor: None };
    let mut sum = BulkDone::default();
    loop {
        let done = client.bulk(&request).await?;
        sum.matched += done.matched;
        sum.changed += done.changed;
        sum.skipped += done.skipped;
        request.cursor = done.next_cursor;
        if request.cursor.is_none() {
            return Ok(sum);
        }
    }
}

fn table(page: &JobPage) -> String {
    let mut lines = vec![format!("{:<38}{:<11}{:<26}{}", "JOB", "STATE", "SUBMITTED", "NAME")];
    for job in &page.jobs {
        let name = job.name.as_deref().unwrap_or("-");
        lines.push(format!("{:<38}{:<11}{:<26}{name}", job.id, job.state.to_string(), time(&job.created_at)));
    }
    if let Some(cursor) = &page.next_cursor {
        lines.push(format!("more: --cursor {cursor}"));
    }
    lines.join("\n")
}

/// An instant as it is on the wire.
fn time(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn one(job: &Job, json: bool) -> String {
    if json {
        return as_json(job);
    }
    let summary = &job.summary;
    let mut lines = vec![format!("job       {}", summary.id), format!("state     {}", summary.state)];
    lines.extend(summary.name.iter().map(|name| format!("name      {name}")));
    lines.push(format!("submitted {}", time(&summary.created_at)));
    lines.extend(summary.finished_at.iter().map(|at| format!("finished  {}", time(at))));
    lines.extend(summary.failure.iter().map(|failure| format!("failure   {}", failure.message)));
    for attempt in &job.attempts {
        let reason =
            attempt.failure.as_ref().map_or(String::new(), |failure| format!(": {}", failure.message));
        lines.push(format!(
            "attempt   {} by {} {}{reason}",
            attempt.number,
            attempt.worker,
            time(&attempt.end)
        ));
    }
    for artifact in job.results.iter().flat_map(|result| &result.artifacts) {
        lines.push(format!("artifact  {} ({} bytes) {}", artifact.name, artifact.bytes, artifact.url));
    }
    lines.join("\n")
}

fn refused(error: ClientError, server: &str) -> Halt {
    let advice = match &error {
        ClientError::Address(_) => return Halt::Usage(error.to_string()),
        ClientError::Transport(_) => {
            "is the server running there? start one with `darkroom serve`, or name it with --server"
        }
        _ if matches!(error.code(), Some(Code::NotAuthenticated | Code::InvalidToken | Code::Forbidden)) => {
            return client::refused(error, server);
        }
        _ => "`darkroom jobs list` shows the jobs that there are",
    };
    Halt::environment(anyhow::Error::new(error).context(server.to_owned()), advice)
}
