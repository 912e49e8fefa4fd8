//! Fetching an image from an address that a client names.
//!
//! The address must not lead into the operator's own networks. Names are resolved here, every address is checked,
//! and the connection goes to a checked address: a name that resolves differently the second time gains nothing.
//! Redirects are followed by hand, each checked like the first address.

mod address;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use darkroom_api::Code;
use darkroom_core::job::FileName;
use reqwest::{
    Client, Response, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header, redirect,
};

use super::{Config, Http, failure::Failure};
use crate::blobs::Stored;
use address::is_public;

/// The longest address.
const MAX_URL: usize = 4_096;

/// Fetches images.
#[derive(Debug)]
pub(super) struct Fetcher {
    client: Result<Client, String>,
    private: Private,
    timeout: Duration,
    redirects: u32,
}

/// Whether private addresses may be fetched from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Private {
    Allowed,
    Refused,
}

/// An image that was fetched and stored.
pub(super) struct Fetched {
    pub(super) stored: Stored,
    pub(super) name: Option<FileName>,
}

impl Fetcher {
    pub(super) fn new(config: &Config) -> Self {
        let private = if config.fetch_private { Private::Allowed } else { Private::Refused };
        let client = Client::builder()
            .dns_resolver(std::sync::Arc::new(CheckedResolver(private)))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(config.fetch_timeout)
            .timeout(config.fetch_timeout)
            .pool_max_idle_per_host(0)
            .user_agent(concat!("darkroom/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| error.to_string());
        Self { client, private, timeout: config.fetch_timeout, redirects: config.fetch_redirects }
    }

    /// Stores what is at `url`.
    pub(super) async fn fetch(&self, http: &Http, url: &str) -> Result<Fetched, Failure> {
        let url = self.checked(parse(url)?)?;
        let fetched = tokio::time::timeout(self.timeout, self.follow(http, url)).await;
        fetched.map_err(|_| failed("the time for it is over"))?
    }

    async fn follow(&self, http: &Http, mut url: Url) -> Result<Fetched, Failure> {
        for _ in 0..=self.redirects {
            let response = self.get(&url).await?;
            if !response.status().is_redirection() {
                return store(http, &url, response).await;
            }
            let target = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            let target = target.ok_or_else(|| failed("it redirects to nowhere"))?;
            url =
                self.checked(url.join(target).map_err(|_| failed("it redirects to what is no address"))?)?;
        }
        Err(failed("it redirects too often"))
    }

    async fn get(&self, url: &Url) -> Result<Response, Failure> {
        let client = self.client.as_ref().map_err(|error| Failure::caused(Code::Internal, error))?;
        client.get(url.clone()).send().await.map_err(|error| explain(&error))
    }

    /// Scheme and literal addresses; names are checked when they are resolved.
    fn checked(&self, url: Url) -> Result<Url, Failure> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("only http and https addresses are fetched"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("addresses with a password are not fetched"));
        }
        let host = url.host_str().unwrap_or_default();
        let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
        match literal {
            Ok(address) if !self.private.permits(address) => {
                Err(refused("it is in a private or reserved network"))
            }
            _ => Ok(url),
        }
    }
}

impl Private {
    fn permits(self, address: IpAddr) -> bool {
        self == Self::Allowed || is_public(address)
    }
}

fn parse(url: &str) -> Result<Url, Failure> {
    let short = Some(url).filter(|url| url.len() <= MAX_URL);
    short
        .and_then(|url| Url::parse(url).ok())
        .filter(Url::has_host)
        .ok_or_else(|| refused("it is not an address"))
}

async fn store(http: &Http, url: &Url, mut response: Response) -> Result<Fetched, Failure> {
    if !response.status().is_success() {
        return Err(failed(format_args!("it answers {}", response.status().as_u16())));
    }
    let mut writer = http.blobs.writer(http.limits.input_bytes);
    while let Some(chunk) = response.chunk().await.map_err(|error| explain(&error))? {
        writer.write(&chunk).await?;
    }
    let stored = writer.finish().await?;
    http.metrics.upload_bytes.inc_by(stored.bytes);
    let last = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    let last = percent_encoding::percent_decode_str(last).decode_utf8_lossy();
    Ok(Fetched { stored, name: FileName::clean(&last) })
}

/// Resolves names to addresses that may be fetched from. One forbidden address spoils the name: who mixes them
/// plays games.
#[derive(Debug)]
struct CheckedResolver(Private);

/// The marker by which a refusal is found again inside of the client's error.
const FORBIDDEN: &str = "the name leads into a private or reserved network";

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.0;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.iter().all(|address| private.permits(address.ip())) {
                Ok(Box::new(found.into_iter()) as Addrs)
            } else {
                Err(io::Error::new(io::ErrorKind::PermissionDenied, FORBIDDEN).into())
            }
        })
    }
}

/// What the client said, in words that name no address behind the name.
fn explain(error: &reqwest::Error) -> Failure {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(cause) = source {
        if cause.to_string() == FORBIDDEN {
            return refused(FORBIDDEN);
        }
        source = cause.source();
    }
    let what = match error {
        e if e.is_timeout() => "the time for it is over",
        e if e.is_connect() => "its server cannot be reached",
        _ => "its server broke off",
    };
    failed(what)
}

fn refused(why: &str) -> Failure {
    Failure::new(Code::UrlRefused, format!("`image.url`: {why}."))
}

fn failed(why: impl std::fmt::Display) -> Failure {
    Failure::new(Code::UrlFailed, format!("`image.url`: {why}."))
}
