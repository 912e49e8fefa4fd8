//! Images at addresses, each fetched a little ahead of its turn.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Cursor, Seek, Write},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use reqwest::header::HeaderMap;
use tokio::{runtime::Handle, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Config, Fault, ItemPath, SkipReason, SourceError, Sources, feed::Feed};
use crate::web::{Web, WebError};

/// Bytes of an image that are kept in memory; what is larger waits for its turn in a file without a name.
const IN_MEMORY: usize = 1 << 20;

/// Whether the list makes sense.
pub(super) fn check(urls: &[String], config: &Config) -> Result<(), SourceError> {
    if urls.len() > config.urls {
        return Err(SourceError::Limit { limit: "urls", allowed: config.urls as u64 });
    }
    Ok(())
}

/// Fetches images.
pub(super) struct Fetcher {
    one: Arc<One>,
    config: Config,
    stop: CancellationToken,
    runtime: Handle,
}

/// How one image is fetched.
struct One {
    web: Arc<Web>,
    spool: PathBuf,
    most: u64,
    time: Duration,
    attempts: u32,
    retry: Duration,
}

/// An image that was fetched.
enum Fetched {
    Bytes(Vec<u8>),
    File(File, u64),
}

impl Fetcher {
    pub(super) fn new(sources: &Sources, stop: CancellationToken) -> Self {
        let one = One {
            web: Arc::clone(&sources.web),
            spool: sources.spool.clone(),
            most: sources.item_bytes,
            time: sources.url_time,
            attempts: sources.config.url_attempts,
            retry: sources.config.download_retry,
        };
        Self { one: Arc::new(one), config: sources.config.clone(), stop, runtime: Handle::current() }
    }

    /// Hands over the images in the order of the list. Blocks.
    pub(super) fn read(&self, urls: &[String], feed: &mut Feed) -> Result<(), SourceError> {
        check(urls, &self.config)?;
        std::fs::create_dir_all(&self.one.spool)?;
        feed.gauge().most(urls.len() as u64);
        let mut ahead = VecDeque::new();
        let mut left = urls.iter();
        loop {
            while ahead.len() < self.config.urls_ahead {
                let Some(url) = left.next() else { break };
                let path = ItemPath::address(url);
                if !feed.is_past(&path)? {
                    ahead.push_back((path, self.start(url.clone())));
                }
            }
            let Some((path, fetched)) = ahead.pop_front() else { return feed.end() };
            match self.runtime.block_on(fetched) {
                Ok(Some(Ok(Fetched::Bytes(bytes)))) => {
                    let size = bytes.len() as u64;
                    feed.offer(path, Some(size), &mut Cursor::new(bytes))?;
                }
                Ok(Some(Ok(Fetched::File(mut file, size)))) => feed.offer(path, Some(size), &mut file)?,
                Ok(Some(Err(fault))) => feed.pass(path, fault)?,
                Ok(None) => return Err(SourceError::UrlFailed("it was stopped".to_owned())),
                Err(panic) => return Err(SourceError::Io(io::Error::other(panic))),
            }
        }
    }

    fn start(&self, url: String) -> JoinHandle<Option<Result<Fetched, Fault>>> {
        let (one, stop) = (Arc::clone(&self.one), self.stop.clone());
        self.runtime.spawn(async move { stop.run_until_cancelled(one.fetch(&url)).await })
    }
}

/// Why an address gave nothing: for good, or so that it may be asked again.
enum Vain {
    Fault(Fault),
    Again(String),
}

impl One {
    async fn fetch(&self, url: &str) -> Result<Fetched, Fault> {
        let mut delay = self.retry;
        for attempt in 1.. {
            let asked = timeout(self.time, self.ask(url)).await;
            match asked.unwrap_or_else(|_| Err(Vain::Again("the time for it is over".to_owned()))) {
                Ok(fetched) => return Ok(fetched),
                Err(Vain::Fault(fault)) => return Err(fault),
                Err(Vain::Again(why)) if attempt >= self.attempts => {
                    return Err(Fault::new(SkipReason::UrlFailed, why));
                }
                Err(Vain::Again(_)) => tokio::time::sleep(delay).await,
            }
            delay = delay.saturating_mul(2);
        }
        Err(SkipReason::UrlFailed.into())
    }

    async fn ask(&self, url: &str) -> Result<Fetched, Vain> {
        let (_, mut response) = self.web.get(url, &HeaderMap::new()).await?;
        let status = response.status();
        if !status.is_success() {
            let why = format!("it answers {}", status.as_u16());
            let passes = status.is_server_error() || status.as_u16() == 429;
            return Err(if passes {
                Vain::Again(why)
            } else {
                Vain::Fault(Fault::new(SkipReason::UrlFailed, why))
            });
        }
        let mut kept = Kept { bytes: Vec::new(), file: None, size: 0 };
        while let Some(chunk) = response.chunk().await.map_err(|error| WebError::of(&error))? {
            kept.size += chunk.len() as u64;
            if kept.size > self.most {
                let why = format!("it is larger than limits.input_bytes ({})", self.most);
                return Err(Vain::Fault(Fault::new(SkipReason::TooLarge, why)));
            }
            kept.bytes.extend_from_slice(&chunk);
            if kept.bytes.len() >= IN_MEMORY {
                kept = kept.spill(&self.spool).await?;
            }
        }
        Ok(kept.end().await?)
    }
}

/// What was fetched so far.
struct Kept {
    bytes: Vec<u8>,
    file: Option<File>,
    size: u64,
}

impl Kept {
    /// Moves what is in memory to a file.
    async fn spill(mut self, folder: &std::path::Path) -> io::Result<Self> {
        let folder = folder.to_owned();
        let spilled = tokio::task::spawn_blocking(move || {
            let mut file = match self.file.take() {
                Some(file) => file,
                None => tempfile::tempfile_in(folder)?,
            };
            file.write_all(&self.bytes)?;
            self.bytes.clear();
            Ok(Self { file: Some(file), ..self })
        });
        spilled.await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
    }

    async fn end(self) -> io::Result<Fetched> {
        if self.file.is_none() {
            return Ok(Fetched::Bytes(self.bytes));
        }
        let Self { file, size, .. } = self.spill(std::path::Path::new("")).await?;
        let Some(mut file) = file else { return Err(io::ErrorKind::NotFound.into()) };
        file.rewind()?;
        Ok(Fetched::File(file, size))
    }
}

impl From<WebError> for Vain {
    fn from(error: WebError) -> Self {
        match error {
            WebError::Refused(why) => Self::Fault(Fault::new(SkipReason::UrlRefused, why)),
            WebError::Failed(why) => Self::Again(why.to_owned()),
            WebError::Unable(why) => Self::Fault(Fault::new(SkipReason::UrlFailed, why)),
        }
    }
}

impl From<io::Error> for Vain {
    fn from(error: io::Error) -> Self {
        Self::Fault(Fault::new(SkipReason::UrlFailed, error.kind().to_string()))
    }
}
