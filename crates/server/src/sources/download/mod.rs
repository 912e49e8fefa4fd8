//! Fetching an archive over connections that break, from servers that cannot be relied on.
//!
//! What was fetched stays. After a break the rest is asked for by `Range` (RFC 9110, 14), with `If-Range` so that the
//! rest of another archive is never appended; a server that sends everything again is compared with what is there.

mod here;
mod pace;

use std::{io, sync::Arc, time::Duration};

use rand::Rng;
use tokio::time::{timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{Config, SourceError, progress::Gauge, spool::Spool};
use crate::web::{Web, WebError};
use here::{Answer, Here};
use pace::Pace;

/// Bytes after which what was fetched is made durable: what a loss of power costs at most.
const DURABLE_EVERY: u64 = 64 << 20;

/// The greatest delay between attempts.
const MAX_DELAY: Duration = Duration::from_mins(1);

/// One archive that is fetched.
pub(super) struct Download {
    pub(super) web: Arc<Web>,
    pub(super) url: String,
    pub(super) config: Config,
    pub(super) spool: Spool,
    pub(super) gauge: Gauge,
    pub(super) readers: Readers,
}

/// Who reads an archive while it is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    /// Nobody before all of it is there and its sum is right: if the server has another one meanwhile, it is fetched
    /// from the start.
    AtItsEnd,
    /// Somebody has read its beginning, which must stay what it was.
    Along,
}

/// Why an attempt ended before the archive was whole.
enum Break {
    /// Another attempt may do. The server may have said when.
    Retry(String, Option<Duration>),
    Stop(SourceError),
}

impl From<SourceError> for Break {
    fn from(error: SourceError) -> Self {
        Self::Stop(error)
    }
}

impl From<io::Error> for Break {
    fn from(error: io::Error) -> Self {
        Self::Stop(error.into())
    }
}

impl From<WebError> for Break {
    fn from(error: WebError) -> Self {
        match error {
            WebError::Failed(why) => Self::Retry(why.to_owned(), None),
            error => Self::Stop(error.into()),
        }
    }
}

impl Download {
    /// Fetches until the archive is whole, the bounds are met, or nobody wants it.
    pub(super) async fn run(self, stop: CancellationToken) {
        let spool = self.spool.clone();
        let unwanted = || Err(SourceError::UrlFailed("it was stopped".to_owned()));
        let in_time = timeout(self.config.download_time, self.fetch());
        let end = match stop.run_until_cancelled(in_time).await {
            None => unwanted(),
            Some(Err(_)) => {
                Err(SourceError::UrlFailed("it takes longer than sources.download_time".to_owned()))
            }
            Some(Ok(fetched)) => fetched,
        };
        spool.end(end);
    }

    async fn fetch(self) -> Result<(), SourceError> {
        let (spool, url) = (self.spool.clone(), self.url.clone());
        let (file, note) = blocking(move || spool.resume(&url)).await?;
        let mut here = Here { bytes: note.durable, note, file: Arc::new(file) };
        self.gauge.downloaded(here.bytes);
        let (mut in_vain, mut anew) = (0, 0);
        while !here.note.whole {
            let before = here.bytes;
            let (why, after) = match self.attempt(&mut here).await {
                Ok(()) => break,
                Err(Break::Stop(error @ SourceError::Changed)) if self.may_begin_anew(anew) => {
                    anew += 1;
                    self.begin_anew(&mut here).await?;
                    (error.to_string(), None)
                }
                Err(Break::Stop(error)) => {
                    // What was fetched is good for the next time.
                    self.keep(&mut here).await?;
                    return Err(error);
                }
                Err(Break::Retry(why, after)) => (why, after),
            };
            in_vain = if here.bytes >= before + self.least_gain() { 1 } else { in_vain + 1 };
            if in_vain >= self.config.download_attempts {
                self.keep(&mut here).await?;
                return Err(SourceError::UrlFailed(why));
            }
            tracing::debug!(%why, bytes = here.bytes, "a download goes on after a break");
            // Who says "at once", or names a moment that is over, is not asked in a tight loop.
            let least = self.delay(in_vain);
            tokio::time::sleep(after.map_or(least, |after| after.clamp(least, MAX_DELAY))).await;
        }
        self.gauge.size(here.bytes);
        Ok(())
    }

    /// An attempt that gives less is one in vain.
    fn least_gain(&self) -> u64 {
        self.config.download_slowest.bytes().max(1)
    }

    fn may_begin_anew(&self, times: u32) -> bool {
        self.readers == Readers::AtItsEnd && times < self.config.download_attempts
    }

    async fn begin_anew(&self, here: &mut Here) -> Result<(), SourceError> {
        here.empty().await?;
        self.spool.grown(0);
        self.gauge.downloaded(0);
        self.keep(here).await
    }

    /// A random part of a delay that doubles, so that many downloads do not come back together.
    fn delay(&self, in_vain: u32) -> Duration {
        let most =
            self.config.download_retry.saturating_mul(1 << in_vain.min(16).saturating_sub(1)).min(MAX_DELAY);
        most.mul_f64(rand::rng().random_range(0.5..=1.0))
    }

    /// Asks once for what is missing.
    async fn attempt(&self, here: &mut Here) -> Result<(), Break> {
        let pause = self.config.download_pause;
        let asked = timeout(pause, self.web.get(&self.url, &here.conditions())).await;
        let (_, mut response) =
            asked.map_err(|_| Break::Retry("its server does not answer".to_owned(), None))??;
        let mut compared = match here.understand(&response)? {
            Answer::Whole => return Ok(self.finish(here).await?),
            Answer::FromHere => here.bytes,
            Answer::FromStart => 0,
        };
        self.check_size(here.note.size.unwrap_or(0))?;
        self.gauge.size(here.note.size.unwrap_or(0));
        let mut pace = Pace::new(&self.config);
        loop {
            let chunk = match timeout_at(pace.until, response.chunk()).await {
                Err(_) => {
                    pace.next()?;
                    continue;
                }
                Ok(Err(error)) => return Err(WebError::of(&error).into()),
                Ok(Ok(None)) => break,
                Ok(Ok(Some(chunk))) => chunk,
            };
            pace.gained += chunk.len() as u64;
            let news = here.compare(&mut compared, chunk).await?;
            if !news.is_empty() {
                self.check_size(here.bytes + news.len() as u64)?;
                here.append(news).await?;
                self.spool.grown(here.bytes);
                self.gauge.downloaded(here.bytes);
                if here.bytes - here.note.durable >= DURABLE_EVERY {
                    self.keep(here).await?;
                }
            }
        }
        match here.note.size {
            Some(size) if here.bytes < size => Err(Break::Retry("its server broke off".to_owned(), None)),
            Some(size) if here.bytes > size => Err(SourceError::Changed.into()),
            // All of it was sent again, and less than was there before.
            _ if compared < here.bytes => Err(SourceError::Changed.into()),
            _ => Ok(self.finish(here).await?),
        }
    }

    fn check_size(&self, bytes: u64) -> Result<(), SourceError> {
        let allowed = self.config.download_bytes.bytes();
        if bytes > allowed { Err(SourceError::Limit { limit: "download_bytes", allowed }) } else { Ok(()) }
    }

    async fn finish(&self, here: &mut Here) -> Result<(), SourceError> {
        here.note.whole = true;
        self.keep(here).await
    }

    async fn keep(&self, here: &mut Here) -> Result<(), SourceError> {
        here.note.durable = here.bytes;
        let (spool, file, note) = (self.spool.clone(), Arc::clone(&here.file), here.note.clone());
        Ok(blocking(move || spool.keep(&file, &note)).await?)
    }
}

fn retry(why: &str) -> Break {
    Break::Retry(why.to_owned(), None)
}

/// Runs file work where it may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}
