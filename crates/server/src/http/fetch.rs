//! Fetching an image from an address that a client names, by the rules of [`crate::web`].

use std::time::Duration;

use darkroom_api::Code;
use darkroom_core::job::FileName;
use reqwest::{Response, Url, header::HeaderMap};

use super::{Config, Http, failure::Failure};
use crate::{
    blobs::Stored,
    web::{Web, WebError},
};

/// Fetches images.
#[derive(Debug)]
pub(super) struct Fetcher {
    web: Web,
    timeout: Duration,
}

/// An image that was fetched and stored.
pub(super) struct Fetched {
    pub(super) stored: Stored,
    pub(super) name: Option<FileName>,
}

impl Fetcher {
    pub(super) fn new(config: &Config) -> Self {
        Self { web: Web::new(config.fetch_rules()), timeout: config.fetch_timeout }
    }

    /// Stores what is at `url`.
    pub(super) async fn fetch(&self, http: &Http, url: &str) -> Result<Fetched, Failure> {
        let fetched = tokio::time::timeout(self.timeout, async {
            let (url, response) = self.web.get(url, &HeaderMap::new()).await?;
            store(http, &url, response).await
        });
        fetched.await.map_err(|_| failed("the time for it is over"))?
    }
}

async fn store(http: &Http, url: &Url, mut response: Response) -> Result<Fetched, Failure> {
    if !response.status().is_success() {
        return Err(failed(format_args!("it answers {}", response.status().as_u16())));
    }
    let mut writer = http.blobs.writer(http.limits.input_bytes);
    while let Some(chunk) = response.chunk().await.map_err(|error| WebError::of(&error))? {
        writer.write(&chunk).await?;
    }
    let stored = writer.finish().await?;
    http.metrics.upload_bytes.inc_by(stored.bytes);
    let last = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    let last = percent_encoding::percent_decode_str(last).decode_utf8_lossy();
    Ok(Fetched { stored, name: FileName::clean(&last) })
}

impl From<WebError> for Failure {
    fn from(error: WebError) -> Self {
        match error {
            WebError::Refused(why) => Self::new(Code::UrlRefused, format!("`image.url`: {why}.")),
            WebError::Failed(why) => failed(why),
            WebError::Unable(error) => Self::caused(Code::Internal, error),
        }
    }
}

fn failed(why: impl std::fmt::Display) -> Failure {
    Failure::new(Code::UrlFailed, format!("`image.url`: {why}."))
}
