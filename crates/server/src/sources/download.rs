//! Fetching an archive over connections that break, from servers that cannot be relied on.
//!
//! What was fetched stays. After a break the rest is asked for by `Range` (RFC 9110, 14), with `If-Range` so that the
//! rest of another archive is never appended; a server that sends everything again is compared with what is there.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use rand::Rng;
use reqwest::{
    Response, StatusCode,
    header::{self, HeaderMap, HeaderValue},
};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{
    Config, SourceError,
    progress::Gauge,
    spool::{Note, Spool},
};
use crate::web::{Web, WebError};

/// Bytes after which what was fetched is made durable: what a loss of power costs at most.
const DURABLE_EVERY: u64 = 64 << 20;

/// An attempt that gives no more than this counts as one in vain.
const GAIN: u64 = 64 << 10;

/// The greatest delay between attempts.
const MAX_DELAY: Duration = Duration::from_mins(1);

/// One archive that is fetched.
pub(super) struct Download {
    pub(super) web: Arc<Web>,
    pub(super) url: String,
    pub(super) config: Config,
    pub(super) spool: Spool,
    pub(super) gauge: Gauge,
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
        let mut in_vain = 0;
        while !here.note.whole {
            let before = here.bytes;
            let (why, after) = match self.attempt(&mut here).await {
                Ok(()) => break,
                Err(Break::Stop(error)) => {
                    // What was fetched is good for the next time.
                    self.keep(&mut here).await?;
                    return Err(error);
                }
                Err(Break::Retry(why, after)) => (why, after),
            };
            in_vain = if here.bytes > before + GAIN { 1 } else { in_vain + 1 };
            if in_vain >= self.config.download_attempts {
                self.keep(&mut here).await?;
                return Err(SourceError::UrlFailed(why));
            }
            tracing::debug!(%why, bytes = here.bytes, "a download goes on after a break");
            tokio::time::sleep(after.map_or_else(|| self.delay(in_vain), |after| after.min(MAX_DELAY))).await;
        }
        self.gauge.size(here.bytes);
        Ok(())
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

/// What is there of an archive.
struct Here {
    bytes: u64,
    note: Note,
    file: Arc<File>,
}

/// What the server sends.
enum Answer {
    /// What is missing.
    FromHere,
    /// Everything, again.
    FromStart,
    /// Nothing is missing.
    Whole,
}

impl Here {
    /// Headers that ask for what is missing, of the same archive.
    fn conditions(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.bytes > 0 {
            if let Ok(range) = HeaderValue::try_from(format!("bytes={}-", self.bytes)) {
                headers.insert(header::RANGE, range);
            }
            if let Some(Ok(validator)) = self.note.validator.as_deref().map(HeaderValue::try_from) {
                headers.insert(header::IF_RANGE, validator);
            }
        }
        headers
    }

    /// What the answer brings; learns size and validator from the first one.
    fn understand(&mut self, response: &Response) -> Result<Answer, Break> {
        let validator = validator(response.headers());
        match response.status() {
            StatusCode::OK => {
                let size = response.content_length();
                self.same(size, validator.as_deref())?;
                self.note.size = self.note.size.or(size);
                self.note.validator = self.note.validator.take().or(validator);
                Ok(if self.bytes == 0 { Answer::FromHere } else { Answer::FromStart })
            }
            StatusCode::PARTIAL_CONTENT => {
                let (start, size) =
                    content_range(response.headers()).ok_or_else(|| retry("its range is no range"))?;
                if start != Some(self.bytes) {
                    return Err(retry("it sends another part than it was asked for"));
                }
                self.same(size, validator.as_deref())?;
                self.note.size = self.note.size.or(size);
                Ok(Answer::FromHere)
            }
            StatusCode::RANGE_NOT_SATISFIABLE => match content_range(response.headers()) {
                Some((_, Some(size))) if size == self.bytes => Ok(Answer::Whole),
                _ => Err(SourceError::Changed.into()),
            },
            status => {
                let why = format!("it answers {}", status.as_u16());
                let passes = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
                if passes {
                    Err(Break::Retry(why, retry_after(response.headers())))
                } else {
                    Err(SourceError::UrlFailed(why).into())
                }
            }
        }
    }

    /// Whether it is the archive that it was. Nothing is compared that either side does not tell.
    fn same(&self, size: Option<u64>, validator: Option<&str>) -> Result<(), SourceError> {
        let differ = self.note.size.zip(size).is_some_and(|(a, b)| a != b)
            || self.note.validator.as_deref().zip(validator).is_some_and(|(a, b)| a != b);
        if self.bytes > 0 && differ { Err(SourceError::Changed) } else { Ok(()) }
    }

    /// Compares what is sent again with what is there; what is left is new.
    async fn compare(&self, compared: &mut u64, mut chunk: Bytes) -> Result<Bytes, Break> {
        let again = self.bytes.saturating_sub(*compared).min(chunk.len() as u64) as usize;
        if again > 0 {
            let (file, sent, at) = (Arc::clone(&self.file), chunk.split_to(again), *compared);
            let same = blocking(move || {
                let mut kept = vec![0; sent.len()];
                file.read_exact_at(&mut kept, at)?;
                Ok(kept == sent)
            });
            if !same.await? {
                return Err(SourceError::Changed.into());
            }
        }
        *compared += again as u64 + chunk.len() as u64;
        Ok(chunk)
    }

    async fn append(&mut self, chunk: Bytes) -> io::Result<()> {
        let file = Arc::clone(&self.file);
        self.bytes += chunk.len() as u64;
        let before = self.bytes - chunk.len() as u64;
        blocking(move || {
            (&*file).write_all(&chunk).inspect_err(|_| {
                // Half a chunk is worse than none.
                let _ = file.set_len(before);
            })
        })
        .await
        .inspect_err(|_| self.bytes = before)
    }
}

/// Whether a server is fast enough: over each stretch of time it must give something.
struct Pace {
    pause: Duration,
    least: u64,
    until: Instant,
    gained: u64,
}

impl Pace {
    fn new(config: &Config) -> Self {
        let pause = config.download_pause;
        let least = (config.download_slowest.bytes() as f64 * pause.as_secs_f64()) as u64;
        Self { pause, least, until: Instant::now() + pause, gained: 0 }
    }

    /// The stretch is over.
    fn next(&mut self) -> Result<(), Break> {
        if self.gained < self.least.max(1) {
            return Err(retry("its server is too slow"));
        }
        self.gained = 0;
        self.until = Instant::now() + self.pause;
        Ok(())
    }
}

fn retry(why: &str) -> Break {
    Break::Retry(why.to_owned(), None)
}

/// What tells whether an archive is still the same: a strong entity tag, else the time of its last change (RFC 9110,
/// 13.1.5).
fn validator(headers: &HeaderMap) -> Option<String> {
    let text =
        |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
    text(header::ETAG).filter(|tag| !tag.starts_with("W/")).or_else(|| text(header::LAST_MODIFIED))
}

/// Where a part begins, and the size of the whole: `bytes 5-9/10`, `bytes */10`, `bytes 5-9/*`.
fn content_range(headers: &HeaderMap) -> Option<(Option<u64>, Option<u64>)> {
    let text = headers.get(header::CONTENT_RANGE)?.to_str().ok()?.trim().strip_prefix("bytes")?.trim();
    let (range, size) = text.split_once('/')?;
    let start = range.split_once('-').and_then(|(start, _)| start.trim().parse().ok());
    Some((start, size.trim().parse().ok()))
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Runs file work where it may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}
