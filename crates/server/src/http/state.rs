//! What every handler can reach.

use std::{net::IpAddr, num::NonZero, ops::Deref, sync::Arc, thread};

use darkroom_api::{Code, SettingInfo};
use darkroom_core::{BlobId, Clock, JobId, Timestamp, store::Store, user::Role};
use darkroom_dashboard::Files;
use darkroom_imaging::Limits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::{
    Config, SigningKey,
    caller::Caller,
    failure::Failure,
    feed::Feed,
    fetch::Fetcher,
    gate::{self, Rules},
    notices::Notices,
    quotas::{Quotas, Subject},
};
use crate::{
    Parts,
    accounts::{self, Accounts, network},
    blobs::Blobs,
    predict::{Journal, Predictor},
    sources::Sources,
    telemetry::Metrics,
};

/// Memory for bodies that are held as a whole, all together, in KiB.
const JSON_ROOM_KIB: usize = 256 << 10;

/// The HTTP side of one service. Cheap to clone.
#[derive(Clone)]
pub struct Http(Arc<Inner>);

/// What the HTTP side needs beyond the parts of the service.
pub struct Wiring {
    /// Where requests are counted.
    pub metrics: Arc<Metrics>,
    /// What addresses of artifacts are signed with.
    pub signing_key: SigningKey,
    /// Where predictions are logged.
    pub(crate) journal: Journal,
    /// Cancelled when the service stops: event streams and waiting requests end early.
    pub stop: CancellationToken,
}

/// See [`Http`].
pub struct Inner {
    pub(super) store: Arc<dyn Store>,
    pub(super) blobs: Blobs,
    pub(super) predictor: Predictor,
    pub(super) sources: Sources,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) config: Config,
    pub(super) auth: accounts::Config,
    pub(super) accounts: Accounts,
    pub(super) quotas: Quotas,
    /// Who may ask for which route.
    pub(super) rules: Rules,
    pub(super) limits: Limits,
    pub(super) metrics: Arc<Metrics>,
    pub(super) signing_key: SigningKey,
    pub(super) journal: Journal,
    /// Whether answers are remembered and recalled.
    pub(super) remembers: bool,
    pub(super) stop: CancellationToken,
    pub(super) notices: Notices,
    pub(super) feed: Feed,
    /// Every setting, as it is shown.
    pub(super) settings: Arc<[SettingInfo]>,
    /// When this was made.
    pub(super) started_at: Timestamp,
    pub(super) fetcher: Fetcher,
    pub(super) dashboard: Files,
    /// Which paths metrics may name.
    pub(super) paths: Vec<&'static str>,
    submissions: Arc<Semaphore>,
    json: Arc<Semaphore>,
    looks: Arc<Semaphore>,
    pixels: Arc<Semaphore>,
    previews: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

impl Deref for Http {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Http {
    /// Wires the HTTP side. To be called inside of a runtime: it starts to read the store's notices.
    pub fn new(parts: &Parts, wiring: Wiring) -> Self {
        let config = parts.config.http.clone();
        Self(Arc::new(Inner {
            store: Arc::clone(&parts.store),
            blobs: parts.blobs.clone(),
            predictor: parts.predictor.clone(),
            sources: parts.sources.clone(),
            clock: Arc::clone(&parts.clock),
            limits: parts.config.limits.limits(),
            auth: parts.config.auth.clone(),
            accounts: Accounts::new(parts, &wiring.metrics),
            quotas: Quotas::new(parts.config.quota.clone()),
            rules: gate::rules(),
            metrics: wiring.metrics,
            signing_key: wiring.signing_key,
            journal: wiring.journal,
            remembers: parts.config.cache.enabled,
            stop: wiring.stop,
            notices: Notices::of(&parts.store),
            feed: Feed::default(),
            settings: Arc::clone(&parts.settings),
            started_at: parts.clock.now(),
            fetcher: Fetcher::new(&config),
            dashboard: config.dashboard_dir.as_ref().map_or_else(Files::embedded, Files::folder),
            paths: super::routes().into_iter().map(|(_, path)| path).collect(),
            submissions: Arc::new(Semaphore::new(config.max_submissions)),
            json: Arc::new(Semaphore::new(JSON_ROOM_KIB)),
            looks: Arc::new(Semaphore::new(config.max_looks)),
            pixels: Arc::new(Semaphore::new(thread::available_parallelism().map_or(1, NonZero::get))),
            previews: Arc::new(Semaphore::new(config.max_previews)),
            streams: Arc::new(Semaphore::new(config.max_streams)),
            config,
        }))
    }
}

impl Inner {
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The right to take in one image. Held until the image is stored and its job recorded.
    pub(super) async fn submission_permit(&self) -> Result<OwnedSemaphorePermit, Failure> {
        self.turn(&self.submissions).await
    }

    /// The right to have an image looked at by a model at once. Held until the answer is there.
    pub(super) async fn look_permit(&self) -> Result<OwnedSemaphorePermit, Failure> {
        self.turn(&self.looks).await
    }

    /// The right to decode an image for a model: as many at once as there are processors. More would be no quicker, and
    /// each takes memory.
    pub(super) async fn pixel_permit(&self) -> Result<OwnedSemaphorePermit, Failure> {
        self.turn(&self.pixels).await
    }

    /// The right to make a preview. Held until it is made, whether or not somebody still waits for it.
    pub(super) async fn preview_permit(&self) -> Result<OwnedSemaphorePermit, Failure> {
        self.turn(&self.previews).await
    }

    async fn turn(&self, places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Failure> {
        let turn = Arc::clone(places).acquire_owned();
        let turn = tokio::time::timeout(self.config.submission_patience, turn).await;
        turn.ok().and_then(Result::ok).ok_or_else(|| Failure::plain(Code::Overloaded))
    }

    /// Room in memory for a body of `bytes`, or a part of one, which is decoded to as much again.
    pub(super) fn json_permit(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Failure> {
        let kib = u32::try_from(bytes.div_ceil(512)).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.json).try_acquire_many_owned(kib);
        permit.map_err(|_| Failure::plain(Code::Overloaded))
    }

    /// The right to hold a connection open for a job to change.
    pub(super) fn stream_permit(&self) -> Result<OwnedSemaphorePermit, Failure> {
        Arc::clone(&self.streams).try_acquire_owned().map_err(|_| Failure::plain(Code::Overloaded))
    }

    /// Whether whoever follows something may go on: a stream may last for hours, and who was disabled or has signed out
    /// meanwhile hears no more.
    pub(super) async fn may_still_ask(&self, caller: &Caller) -> bool {
        match caller.identity() {
            Some(identity) => self.accounts.stands(identity).await.unwrap_or(false),
            None => true,
        }
    }

    /// Who somebody is who has not signed in; `None` if they have to. The host itself is not to be kept from its own
    /// machine, so on a loopback address they are operators without quotas.
    pub(super) fn anonymous(&self, address: IpAddr) -> Option<Caller> {
        let listen = self.config.listen.ip();
        if !self.auth.admits_anonymous(listen) {
            return None;
        }
        let (role, subject) = if listen.is_loopback() {
            (Role::Operator, Subject::Exempt)
        } else {
            (Role::User, Subject::Address(network(address)))
        };
        Some(Caller::anonymous(role, subject, &self.quotas))
    }

    /// Removes blobs that nobody refers to. What fails here is left for upkeep.
    pub(super) async fn collect(&self, blobs: Vec<BlobId>) {
        match self.blobs.collect(&*self.store, blobs).await {
            Ok(collected) => {
                self.metrics.collected_blobs.inc_by(collected.blobs);
                self.metrics.collected_bytes.inc_by(collected.bytes);
            }
            Err(error) => tracing::warn!(%error, "blobs were left for upkeep to collect"),
        }
    }
}

/// An id from a path: what is not an id is no job's.
pub(super) fn job_id(text: &str) -> Result<JobId, Failure> {
    text.parse().map_err(|_| Failure::plain(Code::JobNotFound))
}
