//! What the server counts as server-sent events. One task looks for all who listen, while somebody does.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    extract::State,
    response::{Response, sse::Event},
};
use darkroom_api::{Stats, SystemStats};
use futures_util::{Stream, StreamExt, stream};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::{sleep, timeout},
};

use super::{Http, caller::Caller, events::live, failure::Failure, stats::gathered};

/// Between two looks at least.
const PACE: Duration = Duration::from_secs(1);

/// How long after that a notice is waited for: rates fall with time alone, and notices may be lost.
const PATIENCE: Duration = Duration::from_secs(2);

/// Memory and disk move all the time; less than this part of them is no news.
const NEWS: u64 = 64;

/// The last look, as JSON, for all who listen.
#[derive(Debug)]
pub(super) struct Feed {
    told: watch::Sender<Option<Arc<str>>>,
    /// Whether somebody looks.
    looking: Mutex<bool>,
}

impl Default for Feed {
    fn default() -> Self {
        Self { told: watch::Sender::new(None), looking: Mutex::new(false) }
    }
}

/// Follows the counts until the client leaves or the service stops.
pub(super) async fn follow(State(http): State<Http>, caller: Caller) -> Result<Response, Failure> {
    let permit = http.stream_permit()?;
    let told = listen(&http);
    Ok(live(events(Listening { http, caller, told, _permit: permit })))
}

struct Listening {
    http: Http,
    caller: Caller,
    told: watch::Receiver<Option<Arc<str>>>,
    _permit: OwnedSemaphorePermit,
}

fn events(listening: Listening) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(listening, async |mut listening| {
        let stats = listening.next().await?;
        Some((Ok(Event::default().event("stats").data(stats)), listening))
    })
}

impl Listening {
    /// The next news; `None` when the service stops, or the caller may not ask any more.
    async fn next(&mut self) -> Option<Arc<str>> {
        loop {
            tokio::select! {
                changed = self.told.changed() => changed.ok()?,
                () = self.http.stop.cancelled() => return None,
            }
            let news = self.told.borrow_and_update().clone();
            if let Some(news) = news {
                return self.http.may_still_ask(&self.caller).await.then_some(news);
            }
        }
    }
}

/// Joins those who listen; whoever comes first has somebody look.
fn listen(http: &Http) -> watch::Receiver<Option<Arc<str>>> {
    let mut looking = http.feed.looking();
    let mut told = http.feed.told.subscribe();
    // What is known already is news to this one.
    told.mark_changed();
    if !*looking {
        *looking = true;
        tokio::spawn(look(http.clone()));
    }
    told
}

/// Looks until nobody listens any more, or the service stops.
async fn look(http: Http) {
    let mut last: Option<Stats> = None;
    while http.feed.is_heard() {
        // Heard from before the look: no change falls in between. What is not read costs the store nothing.
        let mut notices = http.store.watch();
        match gathered(&http).await {
            Ok(stats) if last.as_ref().is_none_or(|last| differ(last, &stats)) => {
                let text = serde_json::to_string(&stats).unwrap_or_default();
                http.feed.told.send_replace(Some(text.into()));
                last = Some(stats);
            }
            Ok(_) => {}
            // Whoever asks for something else is told; those who listen keep what they have.
            Err(error) => tracing::debug!(%error, "the counts could not be read"),
        }
        let due = async {
            sleep(PACE).await;
            // Running into the time is the same as being woken.
            let _ = timeout(PATIENCE, notices.next()).await;
        };
        tokio::select! {
            () = due => {}
            () = http.stop.cancelled() => return,
        }
    }
}

impl Feed {
    /// Whether anybody listens. If not, whoever looks is to end: the next listener has somebody look anew.
    fn is_heard(&self) -> bool {
        let mut looking = self.looking();
        *looking = self.told.receiver_count() > 0;
        if !*looking {
            self.told.send_replace(None);
        }
        *looking
    }

    fn looking(&self) -> MutexGuard<'_, bool> {
        self.looking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the second look has news.
fn differ(last: &Stats, next: &Stats) -> bool {
    let counts = Stats { system: last.system, ..next.clone() };
    counts != *last || has_moved(&last.system, &next.system)
}

fn has_moved(last: &SystemStats, next: &SystemStats) -> bool {
    let bytes = |of: &SystemStats| {
        [of.disk_free_bytes, of.disk_total_bytes, of.blob_bytes, of.memory_bytes, of.model_bytes]
    };
    bytes(last).into_iter().zip(bytes(next)).any(|(last, next)| match (last, next) {
        (Some(last), Some(next)) => last.abs_diff(next) > last / NEWS,
        (last, next) => last != next,
    })
}

#[cfg(test)]
mod tests {
    use darkroom_api::{Latency, SystemStats, Time};
    use darkroom_core::{Timestamp, store::Counts};

    use super::*;

    fn stats(memory: Option<u64>, succeeded: u64) -> Stats {
        let at = Timestamp::from_millis(0);
        let system = SystemStats {
            disk_free_bytes: Some(1 << 40),
            disk_total_bytes: Some(1 << 41),
            blob_bytes: None,
            memory_bytes: memory,
            model_bytes: Some(0),
            processors: Some(2),
            started_at: Time(at),
        };
        let mut counts = Counts::default();
        counts.ended.succeeded = succeeded;
        Stats::at(at, &counts, (Latency::default(), system))
    }

    #[test]
    fn a_little_memory_more_or_less_is_no_news() {
        let last = stats(Some(64 << 20), 1);
        assert!(!differ(&last, &stats(Some(65 << 20), 1)));
        assert!(!differ(&last, &stats(Some(63 << 20), 1)));
        assert!(differ(&last, &stats(Some(66 << 20), 1)));
        assert!(differ(&last, &stats(None, 1)));
        assert!(differ(&last, &stats(Some(64 << 20), 2)));
    }
}
