//! Fetching from addresses that a client names.
//!
//! The address must not lead into the operator's own networks. Names are resolved here, every address is checked,
//! and the connection goes to a checked address: a name that resolves differently the second time gains nothing.
//! Redirects are followed by hand, each checked like the first address.

mod address;

use std::{
    error::Error,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reqwest::{
    Client, Response, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{self, HeaderMap},
    redirect,
};

use address::is_public;

/// The longest address.
const MAX_URL: usize = 4_096;

/// Asks other people's servers.
#[derive(Debug)]
pub(crate) struct Web {
    client: Result<Client, String>,
    rules: Rules,
}

/// What may be asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Whether private addresses may be fetched from.
    pub(crate) private: Private,
    /// How long connecting may take.
    pub(crate) connect: Duration,
    /// Redirects that are followed.
    pub(crate) redirects: u32,
}

/// Whether private addresses may be fetched from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Private {
    Allowed,
    Refused,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebError {
    /// The address may not be asked.
    #[error("{0}")]
    Refused(&'static str),
    /// It was asked in vain.
    #[error("{0}")]
    Failed(&'static str),
    /// There is no client: the machine's fault.
    #[error("{0}")]
    Unable(String),
}

impl Web {
    pub(crate) fn new(rules: Rules) -> Self {
        let client = Client::builder()
            .dns_resolver(Arc::new(CheckedResolver(rules.private)))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(rules.connect)
            .pool_max_idle_per_host(0)
            .user_agent(concat!("darkroom/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| error.to_string());
        Self { client, rules }
    }

    /// Whether the address may be asked as far as it can be told without asking: its name is looked up later.
    pub(crate) fn check(&self, url: &str) -> Result<(), WebError> {
        self.checked(parse(url)?).map(drop)
    }

    /// The answer to a GET of `url`, whatever its status, and where it came from after all redirects. The caller
    /// bounds the time.
    pub(crate) async fn get(&self, url: &str, headers: &HeaderMap) -> Result<(Url, Response), WebError> {
        let mut url = self.checked(parse(url)?)?;
        for _ in 0..=self.rules.redirects {
            let response = self.ask(&url, headers).await?;
            if !response.status().is_redirection() {
                return Ok((url, response));
            }
            let target = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            let target = target.ok_or(WebError::Failed("it redirects without saying where to"))?;
            let target =
                url.join(target).map_err(|_| WebError::Failed("it redirects to what is no address"))?;
            url = self.checked(target)?;
        }
        Err(WebError::Failed("it redirects too often"))
    }

    async fn ask(&self, url: &Url, headers: &HeaderMap) -> Result<Response, WebError> {
        let client = self.client.as_ref().map_err(|error| WebError::Unable(error.clone()))?;
        let request = client.get(url.clone()).headers(headers.clone());
        request.send().await.map_err(|error| WebError::of(&error))
    }

    /// Scheme and literal addresses; names are checked when they are resolved.
    fn checked(&self, url: Url) -> Result<Url, WebError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(WebError::Refused("only http and https addresses are fetched"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WebError::Refused("addresses with a password are not fetched"));
        }
        let host = url.host_str().unwrap_or_default();
        let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
        match literal {
            Ok(address) if !self.rules.private.permits(address) => {
                Err(WebError::Refused("it is in a private or reserved network"))
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

fn parse(url: &str) -> Result<Url, WebError> {
    let short = Some(url).filter(|url| url.len() <= MAX_URL);
    let parsed = short.and_then(|url| Url::parse(url).ok()).filter(Url::has_host);
    parsed.ok_or(WebError::Refused("it is not an address"))
}

/// Resolves names to addresses that may be fetched from. One forbidden address spoils the name: who mixes them
/// plays games.
#[derive(Debug)]
struct CheckedResolver(Private);

/// The marker by which a refusal is found again inside of the client's error.
const FORBIDDEN: &str = "the name leads into a private or reserved network";

/// The same of a name whose address nobody knows, or nobody who knows it answers.
const UNKNOWN: &str = "no server of that name can be found";

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|error| {
                tracing::debug!(%error, "a name could not be looked up");
                io::Error::new(io::ErrorKind::NotFound, UNKNOWN)
            })?;
            let found: Vec<SocketAddr> = found.collect();
            if found.iter().all(|address| private.permits(address.ip())) {
                Ok(Box::new(found.into_iter()) as Addrs)
            } else {
                Err(io::Error::new(io::ErrorKind::PermissionDenied, FORBIDDEN).into())
            }
        })
    }
}

impl WebError {
    /// What the client said, in words that name no address behind the name.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        let mut source: Option<&dyn Error> = Some(error);
        while let Some(cause) = source {
            if cause.to_string() == FORBIDDEN {
                return Self::Refused(FORBIDDEN);
            }
            if cause.to_string() == UNKNOWN {
                return Self::Failed(UNKNOWN);
            }
            source = cause.source();
        }
        Self::Failed(match error {
            e if e.is_timeout() => "the time for it is over",
            e if e.is_connect() => "its server cannot be reached",
            _ => "its server broke off",
        })
    }
}
