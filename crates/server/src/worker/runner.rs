//! The runner: holds a session, keeps it alive, claims jobs and watches over them until they have settled.

use std::{
    collections::{HashMap, HashSet},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use darkroom_core::{
    JobId, SessionId,
    job::{Outcome, Timings},
    store::{BEAT_INTERVAL, Beside, Leased, Notice, Settlement, StoreError, WorkerInfo, WorkerStats},
};
use darkroom_imaging::memory;
use futures_util::{StreamExt, future};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep, sleep_until},
};

use super::{
    Config, Workshop,
    ahead::Ahead,
    execute::{Ended, execute},
    places::Places,
    stop::{Reason, StopSign},
};

/// How long jobs have to notice that they are to stop.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// How long to wait before asking a store again that did not answer.
const STORE_RETRY: Duration = Duration::from_millis(500);

/// Between hearing that a held job changed and asking what it was. Most such news are of the job's own claim, and
/// most jobs are over by then.
const DOUBT: Duration = Duration::from_millis(200);

/// How long a worker without work keeps the memory of its last images.
const REST: Duration = Duration::from_secs(5);

/// Works until `stopped` is true, in one session after the other.
pub(super) async fn run(shop: Arc<Workshop>, config: Config, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let info = introduce(&config);
        let mut opening = shop.store.open_session(info);
        let session = tokio::select! {
            () = told(&mut stopped) => {
                // The store may have opened it by now; left alone, it would look alive until it runs out.
                if let Ok(Ok(id)) = tokio::time::timeout(STORE_RETRY, opening).await {
                    let _ = shop.store.close_session(id).await;
                }
                return;
            }
            opened = &mut opening => opened,
        };
        match session {
            Ok(id) => {
                tracing::debug!(session = %id, "session opened");
                Session::new(Arc::clone(&shop), config.clone(), id).work(&mut stopped).await;
            }
            Err(error) => {
                tracing::warn!(%error, "no session could be opened; trying again");
                sleep(STORE_RETRY).await;
            }
        }
    }
}

/// Returns once this process is to stop.
async fn told(stopped: &mut watch::Receiver<bool>) {
    // An error means that nobody is left who could tell: then it is time to stop as well.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn introduce(config: &Config) -> WorkerInfo {
    WorkerInfo {
        host: crate::host::name(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        slots: config.slots(),
    }
}

/// How many jobs may be worked on beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Company {
    /// As many as there are slots.
    Together,
    /// One at a time, until so many jobs that were there when a worker crashed have been worked through. Alone, the
    /// one that crashes workers takes no other job with it.
    Alone { suspects: usize },
}

/// One session: what the store knows this process by.
struct Session {
    shop: Arc<Workshop>,
    config: Config,
    /// As many as the configuration comes to here: to ask takes longer than a small image.
    slots: u32,
    id: SessionId,
    jobs: JoinSet<(JobId, Ended)>,
    held: HashMap<JobId, Arc<StopSign>>,
    /// Held jobs of which something was heard, and when to ask.
    doubts: HashSet<JobId>,
    ask_at: Option<Instant>,
    /// When there has been nothing to do for long enough to give memory back.
    rest_at: Option<Instant>,
    company: Company,
    places: Arc<Places>,
    ahead: Ahead,
    /// Jobs held at most.
    most: u32,
    /// Whether there may be something to claim.
    hungry: bool,
    stats: WorkerStats,
    lost: bool,
}

impl Session {
    fn new(shop: Arc<Workshop>, config: Config, id: SessionId) -> Self {
        let (slots, ahead) = (config.slots(), config.ahead());
        Self {
            shop,
            config,
            slots,
            id,
            jobs: JoinSet::new(),
            held: HashMap::new(),
            doubts: HashSet::new(),
            ask_at: None,
            rest_at: None,
            company: Company::Together,
            places: Arc::default(),
            ahead: Ahead::new(ahead),
            most: slots + ahead,
            hungry: true,
            stats: WorkerStats::default(),
            lost: false,
        }
    }

    /// Works until the session is lost or `stopped` is true.
    async fn work(mut self, stopped: &mut watch::Receiver<bool>) {
        let shop = Arc::clone(&self.shop);
        let (mut notices, places) = (shop.store.watch(), Arc::clone(&self.places));
        let mut watching = true;
        let mut beats = steady(BEAT_INTERVAL);
        let mut polls = steady(self.config.poll_floor);
        while !self.lost {
            self.claim().await;
            tokio::select! {
                () = told(stopped) => return self.drain(beats).await,
                Some(ended) = self.jobs.join_next() => self.ended(ended),
                count = places.left() => self.ahead.passed(count, Instant::now().into_std()),
                notice = notices.next(), if watching => match notice {
                    Some(notice) => self.heed(notice).await,
                    None => watching = false,
                },
                () = sleep_until(self.ask_at.unwrap_or_else(Instant::now)), if self.ask_at.is_some() => {
                    self.ask().await;
                }
                () = sleep_until(self.rest_at.unwrap_or_else(Instant::now)), if self.rest_at.is_some() => {
                    self.rest_at = None;
                    drop(tokio::task::spawn_blocking(memory::give_back));
                }
                _ = beats.tick() => self.beat().await,
                _ = polls.tick() => self.hungry = true,
            }
        }
        self.abandon().await;
    }

    /// Claims as many jobs as there is room for, in one call.
    async fn claim(&mut self) {
        while self.hungry && !self.lost {
            let slots = self.room();
            if slots == 0 {
                return;
            }
            match self.shop.store.claim(self.id, slots).await {
                Ok(leased) => {
                    self.hungry = leased.len() == slots as usize;
                    self.take(leased).await;
                }
                Err(StoreError::SessionLost) => self.lost = true,
                Err(error) => {
                    // The next poll tries again.
                    self.hungry = false;
                    tracing::warn!(%error, "jobs could not be claimed");
                }
            }
        }
    }

    /// How many jobs to claim now.
    fn room(&mut self) -> u32 {
        let (leases, held) = (self.slots + self.ahead.jobs(), self.jobs.len() as u32);
        if self.company == (Company::Alone { suspects: 0 }) && held == 0 {
            self.company = Company::Together;
        }
        let taken = self.places.taken();
        let free = leases.saturating_sub(taken).min(self.most.saturating_sub(held));
        match self.company {
            Company::Alone { .. } => u32::from(held == 0),
            // While all slots have work, free places wait until they are half of all: one claim for many.
            Company::Together if taken >= self.slots && free < leases.div_ceil(2) => 0,
            Company::Together => free,
        }
    }

    /// Starts what was claimed. Jobs that have been in a crash are given back until they can be worked on alone.
    async fn take(&mut self, leased: Vec<Leased>) {
        let (suspects, others): (Vec<_>, Vec<_>) = leased.into_iter().partition(is_suspect);
        let alone = self.jobs.is_empty() && suspects.len() + others.len() <= 1;
        match self.company {
            Company::Alone { suspects: left } => {
                // If there is nothing left to claim, someone else has taken them.
                let left =
                    if suspects.len() + others.len() == 0 { 0 } else { left - suspects.len().min(left) };
                self.company = Company::Alone { suspects: left };
                self.hungry = true;
            }
            Company::Together if suspects.is_empty() => {}
            Company::Together if alone => {
                self.company = Company::Alone { suspects: 0 };
                self.hungry = true;
            }
            Company::Together => {
                self.company = Company::Alone { suspects: suspects.len() };
                self.hungry = true;
                self.give_back(suspects).await;
                for job in others {
                    self.begin(job);
                }
                return;
            }
        }
        suspects.into_iter().chain(others).for_each(|job| self.begin(job));
    }

    /// Returns jobs as if they had not been claimed.
    async fn give_back(&mut self, leased: Vec<Leased>) {
        let settle = leased.into_iter().map(|leased| {
            let (outcome, timings, beside) = (Outcome::Interrupted, Timings::default(), Beside::default());
            self.shop.settler.settle(Settlement { lease: leased.lease, outcome, timings, beside })
        });
        let settled = future::join_all(settle).await;
        self.lost |= settled.contains(&None);
    }

    fn begin(&mut self, leased: Leased) {
        let id = leased.job.id;
        let sign = Arc::new(StopSign::default());
        if self.jobs.is_empty() {
            self.ahead.woke(Instant::now().into_std());
        }
        self.rest_at = None;
        self.held.insert(id, Arc::clone(&sign));
        let (shop, place) = (Arc::clone(&self.shop), Places::take(&self.places));
        self.jobs.spawn(async move { (id, execute(&shop, leased, &sign, place).await) });
        self.count_held();
    }

    fn ended(&mut self, ended: Result<(JobId, Ended), tokio::task::JoinError>) {
        self.rest_at = self.jobs.is_empty().then(|| Instant::now() + REST);
        match ended {
            Ok((id, ended)) => {
                self.held.remove(&id);
                match ended {
                    Ended::Succeeded => self.stats.succeeded += 1,
                    Ended::Failed => self.stats.failed += 1,
                    Ended::Otherwise => {}
                    // The session is the only way to give the lease back.
                    Ended::Unrecorded => self.lost = true,
                }
            }
            // Its lease stays unsettled; the session is the only way to give it back.
            Err(error) => {
                tracing::error!(%error, "a job's task ended badly; the session is given up");
                self.lost = true;
            }
        }
        self.count_held();
    }

    fn count_held(&self) {
        self.shop.metrics.leased.set(self.jobs.len() as i64);
    }

    async fn heed(&mut self, notice: Notice) {
        match notice {
            Notice::Work => self.hungry = true,
            Notice::Run(_) => {}
            Notice::Missed => {
                self.hungry = true;
                self.beat().await;
            }
            Notice::Job(id) => {
                if self.held.contains_key(&id) {
                    self.doubts.insert(id);
                    self.ask_at.get_or_insert_with(|| Instant::now() + DOUBT);
                }
            }
        }
    }

    /// Asks about jobs that are still held, in case that they were cancelled.
    async fn ask(&mut self) {
        self.ask_at = None;
        let doubts = std::mem::take(&mut self.doubts);
        if doubts.iter().any(|id| self.held.contains_key(id)) {
            self.beat().await;
        }
    }

    /// Keeps the leases alive, and hears of cancellations.
    async fn beat(&mut self) {
        self.stats.running = self.jobs.len() as u32;
        self.stats.load = crate::host::load();
        match self.shop.store.beat(self.id, self.stats).await {
            Ok(beat) => {
                self.lost |= beat.lost;
                for sign in beat.cancel.iter().filter_map(|id| self.held.get(id)) {
                    sign.set(Reason::Cancelled);
                }
            }
            Err(StoreError::SessionLost) => self.lost = true,
            Err(error) => tracing::warn!(%error, "the session could not be renewed"),
        }
    }

    /// Lets jobs finish until the deadline, then gives them back, and ends the session.
    async fn drain(mut self, mut beats: Interval) {
        let deadline = Instant::now() + self.config.drain;
        tracing::info!(jobs = self.jobs.len(), "draining");
        let mut interrupted = false;
        loop {
            let next = if interrupted { deadline + STOP_GRACE } else { deadline };
            tokio::select! {
                ended = self.jobs.join_next() => match ended {
                    Some(ended) => self.ended(ended),
                    None => break,
                },
                () = sleep_until(next), if !interrupted => {
                    interrupted = true;
                    self.stop_all(Reason::Interrupted);
                }
                () = sleep_until(next), if interrupted => break,
                _ = beats.tick() => self.beat().await,
            }
        }
        self.jobs.abort_all();
        if let Err(error) = self.shop.store.close_session(self.id).await {
            tracing::warn!(%error, "the session could not be ended; its jobs return when it runs out");
        }
    }

    /// Drops all work: the leases are not ours any more.
    async fn abandon(mut self) {
        tracing::warn!(session = %self.id, jobs = self.jobs.len(), "the session is lost; opening a new one");
        self.stop_all(Reason::Lost);
        let all = async { while self.jobs.join_next().await.is_some() {} };
        let mut all = pin!(all);
        let _ = tokio::time::timeout(STOP_GRACE, &mut all).await;
        self.shop.metrics.leased.set(0);
        // Where it was we who gave the session up, the store does not know yet.
        let _ = self.shop.store.close_session(self.id).await;
    }

    fn stop_all(&self, reason: Reason) {
        for sign in self.held.values() {
            sign.set(reason);
        }
    }
}

/// Whether the job was in work when a worker crashed.
fn is_suspect(leased: &Leased) -> bool {
    leased.job.status.crashes > 0
}

fn steady(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
