//! Notices of change: broadcast, bounded, lossy.

use std::{collections::BTreeSet, pin::Pin};

use darkroom_core::{JobId, RunId, store::Notice};
use futures_core::Stream;
use tokio::sync::broadcast::{self, error::RecvError};

/// Notices that a slow watcher may be behind before it is told [`Notice::Missed`].
const MAX_BEHIND: usize = 4_096;

#[derive(Debug, Clone)]
pub(crate) struct Notices(broadcast::Sender<Notice>);

impl Default for Notices {
    fn default() -> Self {
        Self(broadcast::channel(MAX_BEHIND).0)
    }
}

impl Notices {
    pub(crate) fn watch(&self) -> Pin<Box<dyn Stream<Item = Notice> + Send>> {
        Box::pin(futures_util::stream::unfold(self.0.subscribe(), |mut receiver| async move {
            match receiver.recv().await {
                Ok(notice) => Some((notice, receiver)),
                Err(RecvError::Lagged(_)) => Some((Notice::Missed, receiver)),
                Err(RecvError::Closed) => None,
            }
        }))
    }

    /// Tells watchers what `news` gathered, and empties it. Without watchers this costs nothing.
    pub(crate) fn tell(&self, news: &mut News) {
        let changed = std::mem::take(&mut news.changed);
        let runs = std::mem::take(&mut news.runs);
        let work = std::mem::take(&mut news.work);
        if self.0.receiver_count() == 0 {
            return;
        }
        // A failed send means that the last watcher has just gone.
        for id in changed {
            let _ = self.0.send(Notice::Job(id));
        }
        for id in runs {
            let _ = self.0.send(Notice::Run(id));
        }
        if work {
            let _ = self.0.send(Notice::Work);
        }
    }
}

/// What changed within one call, told once it is recorded.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) changed: Vec<JobId>,
    pub(crate) runs: BTreeSet<RunId>,
    pub(crate) work: bool,
}
