//! Watching a run until it ends, through any number of broken connections.

use std::{process::ExitCode, time::Duration};

use darkroom_api::{Client, ClientError, Run, RunState};
use futures_util::StreamExt;

use super::{Asking, show};
use crate::{
    bar::{Bar, Standing},
    halt::Halt,
    signals::Signals,
    terminal::{say, tell},
};

/// Some images failed, or the run did, or its archive is not whole.
const FAILED: u8 = 1;

/// What a shell expects of a process that was interrupted.
const INTERRUPTED: u8 = 130;

/// The longest wait before a server that is away is asked again.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How often a server that is away is asked in vain before that is an error: about five minutes.
pub(crate) const PATIENCE: u32 = 60;

/// Watches until the run ends or the user interrupts, which does nothing to the run.
pub(super) async fn watch(asking: &Asking<'_>, id: &str) -> Result<ExitCode, Halt> {
    let mut signals = Signals::take()?;
    let bar = Bar::start();
    let tell_it = |run: &Run| {
        if asking.json {
            // A reader that went away hears no more, and the run goes on.
            let _ = say(&serde_json::to_string(run).unwrap_or_default());
        }
    };
    let ended = tokio::select! {
        ended = until_ended(&asking.client, id, &bar, tell_it) => Some(ended.map_err(|error| asking.refused(error))),
        () = signals.next() => None,
    };
    bar.end();
    let Some(run) = ended.transpose()? else {
        tell("the run goes on; watch it again at any time");
        return Ok(ExitCode::from(INTERRUPTED));
    };
    if !asking.json {
        say(&show::one(&run))?;
    }
    let sound = run.state == RunState::Succeeded && run.counts.failed == 0 && run.damage.is_none();
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// The run once it has ended; `changed` hears of it whenever it changes. A server that restarts meanwhile is asked
/// again.
pub(crate) async fn until_ended(
    client: &Client,
    id: &str,
    bar: &Bar,
    mut changed: impl FnMut(&Run),
) -> Result<Run, ClientError> {
    let mut in_vain = 0;
    let mut changed = |run: &Run| {
        changed(run);
        bar.show(&Standing::of([run]));
    };
    loop {
        match listen(client, id, &mut in_vain, &mut changed).await {
            Ok(Some(run)) => return Ok(run),
            Ok(None) => {}
            Err(error) if in_vain < PATIENCE && is_away(&error) => {}
            Err(error) => return Err(error),
        }
        if in_vain == 1 {
            bar.note("the server is away; asking again");
        }
        in_vain += 1;
        tokio::time::sleep(pause(in_vain)).await;
    }
}

/// How long to wait before the next question, after so many in vain.
pub(crate) fn pause(in_vain: u32) -> Duration {
    (Duration::from_millis(100) * 2_u32.saturating_pow(in_vain.min(10))).min(LONGEST_WAIT)
}

/// One connection: the run if it has ended, nothing if the connection has.
async fn listen(
    client: &Client,
    id: &str,
    in_vain: &mut u32,
    changed: &mut impl FnMut(&Run),
) -> Result<Option<Run>, ClientError> {
    let mut versions = Box::pin(client.follow_run(id).await?);
    while let Some(run) = versions.next().await {
        let run = run?;
        *in_vain = 0;
        changed(&run);
        if run.state.is_final() {
            return Ok(Some(run));
        }
    }
    Ok(None)
}

/// Whether the server may be back in a moment.
pub(crate) fn is_away(error: &ClientError) -> bool {
    match error {
        ClientError::Transport(_) | ClientError::Unexpected(_) | ClientError::Stalled => true,
        ClientError::Problem { problem, .. } => problem.status >= 500 || problem.status == 429,
        _ => false,
    }
}
