//! The whole service in this process, on a port of its own, with a typed client.

use std::{sync::Arc, time::Duration};

use darkroom_api::{
    Client, ClientError, Job, Problem, Secret, SettingInfo, SettingOrigin,
    client::{Options, Upload},
};
use darkroom_core::{
    BlobId, Operation, SystemClock,
    operation::Thumbnail,
    store::{Store, StoreLimits},
    user::Role,
};
use darkroom_server::{
    Config, Parts, Running,
    accounts::{Accounts, KeyWish},
    blobs::Blobs,
    http::SigningKey,
    predict::Predictor,
    telemetry::Metrics,
};
use darkroom_store::{Reading, Sqlite};
use tempfile::TempDir;

use crate::patience::soon;

/// The password of every user of a test.
pub(super) const PASSWORD: &str = "correct horse";

/// A running service. [`App::finish`] ends it and checks that nothing is left behind; dropping it without that fails
/// the test.
pub(super) struct App {
    pub(super) client: Client,
    pub(super) base: String,
    pub(super) store: Arc<dyn Store>,
    pub(super) blobs: Blobs,
    pub(super) http: reqwest::Client,
    pub(super) accounts: Accounts,
    running: Option<Running>,
    data: TempDir,
}

impl App {
    pub(super) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A service over a file, as users run it, whose settings `change` has changed.
    pub(super) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let data = TempDir::new().unwrap();
        // Questions may take as long as a busy machine needs.
        let reading = Reading { cap: Duration::from_mins(30), ..Reading::default() };
        let (path, limits) = (data.path().join("darkroom.db"), StoreLimits::default());
        let store = Sqlite::open_reading(path, limits, Arc::new(SystemClock), reading);
        Self::build(data, Arc::new(store.unwrap()), change).await
    }

    /// A service over this store.
    pub(super) async fn over(store: Arc<dyn Store>, change: impl FnOnce(&mut Config)) -> Self {
        Self::build(TempDir::new().unwrap(), store, change).await
    }

    async fn build(data: TempDir, store: Arc<dyn Store>, change: impl FnOnce(&mut Config)) -> Self {
        let blobs = Blobs::open(data.path().join("blobs")).unwrap();
        let mut config = Config::default();
        config.http.listen = "127.0.0.1:0".parse().unwrap();
        config.worker.slots = 2;
        change(&mut config);
        assert_eq!(config.validate(), []);
        let predictor = Predictor::open(&config.models, data.path(), None).unwrap();
        let clock = Arc::new(SystemClock);
        let sources = darkroom_server::runs::sources(&config, &blobs, data.path());
        let parts = Parts {
            store: Arc::clone(&store),
            blobs: blobs.clone(),
            sources,
            predictor,
            clock,
            config,
            settings: settings(),
        };
        let accounts = Accounts::new(&parts, &Metrics::default());
        let running = darkroom_server::start(parts, SigningKey::from_bytes([7; 32])).await.unwrap();
        let base = format!("http://{}", running.addr());
        let client = Client::new(&base).unwrap();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { client, base, store, blobs, http, accounts, running: Some(running), data }
    }

    /// A key of a new user, whose password is [`PASSWORD`].
    pub(super) async fn key(&self, name: &str, role: Role) -> String {
        let user = self.accounts.add_user(name, Secret::new(PASSWORD), role).await.unwrap();
        let wish = KeyWish { name: "test".to_owned(), life: None };
        self.accounts.add_key(&user, wish).await.unwrap().1.reveal().to_owned()
    }

    /// A client of a new user, whose password is [`PASSWORD`].
    pub(super) async fn user(&self, name: &str, role: Role) -> Client {
        self.client.clone().with_token(Secret::new(self.key(name, role).await))
    }

    /// The address of a path.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(super) async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(self.at(path)).send().await.unwrap()
    }

    pub(super) fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.post(self.at(path))
    }

    /// A finished job that has made a thumbnail of this side.
    pub(super) async fn thumbnail(&self, image: Vec<u8>, side: u32) -> Job {
        let upload =
            Upload::bytes(image, "image.png", vec![Operation::Thumbnail(Thumbnail::fit(side, side))]);
        self.client.submit(upload, &wait()).await.unwrap()
    }

    /// An artifact, whole.
    pub(super) async fn artifact(&self, job: &Job, name: &str) -> Vec<u8> {
        let response = self.get(&format!("/v1/jobs/{}/artifacts/{name}", job.summary.id)).await;
        assert_eq!(response.status(), 200);
        response.bytes().await.unwrap().to_vec()
    }

    /// Waits until no blob of this content is kept. Upkeep comes back to what the worker still held when its job was
    /// deleted; here it is hurried.
    pub(super) async fn gone(&self, blob: BlobId) {
        let look = async {
            while self.blobs.local_path(blob).exists() {
                self.blobs.collect(&*self.store, Vec::new()).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        soon("the end of a blob", look).await;
    }

    /// Ends the service, and starts it again over the same store and blobs.
    pub(super) async fn restart(&mut self, change: impl FnOnce(&mut Config)) {
        self.running.take().unwrap().shutdown().await;
        let mut config = Config::default();
        config.http.listen = "127.0.0.1:0".parse().unwrap();
        config.worker.slots = 2;
        change(&mut config);
        let data = self.data.path();
        let blobs = Blobs::open(data.join("blobs")).unwrap();
        let predictor = Predictor::open(&config.models, data, None).unwrap();
        let sources = darkroom_server::runs::sources(&config, &blobs, data);
        let (store, clock) = (Arc::clone(&self.store), Arc::new(SystemClock));
        let parts = Parts { store, blobs, sources, predictor, clock, config, settings: settings() };
        let running = darkroom_server::start(parts, SigningKey::from_bytes([7; 32])).await.unwrap();
        self.base = format!("http://{}", running.addr());
        self.client = Client::new(&self.base).unwrap();
        self.running = Some(running);
    }

    /// Ends the service.
    pub(super) async fn finish(mut self) {
        let running = self.running.take().unwrap();
        running.shutdown().await;
        let counts = self.store.counts().await.unwrap();
        let at_work: u64 = counts.queues.iter().map(|queue| queue.states[2]).sum();
        assert_eq!(at_work, 0, "jobs are still running after shutdown");
        assert_eq!(self.store.workers().await.unwrap(), [], "a session outlived its worker");
    }
}

impl Drop for App {
    fn drop(&mut self) {
        assert!(self.running.is_none() || std::thread::panicking(), "end the app with `finish`");
    }
}

/// Settings as whoever starts a server describes them.
fn settings() -> Arc<[SettingInfo]> {
    let setting = |key: &str, value: Option<&str>, from| SettingInfo {
        key: key.to_owned(),
        value: value.map(ToOwned::to_owned),
        default: String::new(),
        help: "A secret.".to_owned(),
        from,
        secret: value.is_none(),
    };
    let listen = setting("http.listen", Some("127.0.0.1:0"), SettingOrigin::Argument);
    [listen, setting("auth.secret", None, SettingOrigin::Environment)].into()
}

/// Wait for the job to end.
pub(super) fn wait() -> Options {
    Options { wait: Some(Duration::from_mins(1)), ..Options::default() }
}

/// The problem in an answer, whose form is checked on the way.
pub(super) async fn problem(response: reqwest::Response) -> Problem {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    assert_eq!(headers["content-type"], "application/problem+json", "status {status}");
    let problem: Problem = response.json().await.unwrap();
    assert_eq!(problem.status, status);
    assert_eq!(problem.status, problem.code.status());
    assert_eq!(problem.request_id, headers["x-request-id"].to_str().unwrap());
    assert_eq!(headers.contains_key("retry-after"), matches!(status, 429 | 503));
    problem
}

/// The problem that a call of the typed client ended with.
pub(super) fn refused<T: std::fmt::Debug>(result: Result<T, ClientError>) -> Problem {
    match result.unwrap_err() {
        ClientError::Problem { problem, .. } => *problem,
        other => panic!("{other:?}"),
    }
}
