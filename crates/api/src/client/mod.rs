//! The typed client of `/v1`. Used by the command line against a server, and by the server's own tests.

mod error;
mod follow;
mod lines;
mod predictions;
mod runs;
mod sending;
mod submit;

use std::{io::ErrorKind, path::Path, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use reqwest::{
    Method, RequestBuilder, Response, StatusCode, Url, header,
    multipart::{Form, Part},
};
use serde::de::DeserializeOwned;
use tokio::io::AsyncWriteExt;

use sending::Sent;

pub use error::ClientError;
pub use predictions::PredictionOptions;
pub use runs::ArchiveUpload;
pub use submit::{Options, Upload};

use crate::{
    BulkDone, BulkRequest, Comparison, CreatedKey, History, Job, JobPage, JobRequest, KeyList, Me, NewKey,
    NewUser, Operations, PasswordChange, QueueLimit, Queues, Secret, SettingList, SignRequest, Signed, Span,
    Stats, TokenAnswer, UserInfo, UserList, UserPatch, Version, Workers,
    job::{FailureKind, JobOrder, State, escape_segment},
};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a server may say nothing. Longer than it lets a client wait within one request.
const SILENCE: Duration = Duration::from_mins(2);

/// One server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    /// For what is sent by [`Client::upload`].
    uploads: reqwest::Client,
    /// How long nothing of them may leave.
    silence: Duration,
    base: Url,
    token: Option<Secret>,
}

/// Which jobs a listing shows; the default matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// Any of these states; empty is any.
    pub states: Vec<State>,
    /// Jobs with this operation.
    pub op: Option<String>,
    /// File names that contain this.
    pub text: Option<String>,
    /// Jobs that show a failure of any of these kinds; empty is any.
    pub failures: Vec<FailureKind>,
    /// Which of them come first.
    pub order: JobOrder,
    /// Jobs at most.
    pub limit: Option<u32>,
    /// Where the part before ended.
    pub cursor: Option<String>,
}

impl Client {
    /// A client of the server at `base`, such as `http://127.0.0.1:8080`.
    pub fn new(base: &str) -> Result<Self, ClientError> {
        let parsed = Url::parse(base).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let base = parsed.ok_or_else(|| ClientError::Address(base.to_owned()))?;
        let builder = || {
            let builder = reqwest::Client::builder().connect_timeout(CONNECT);
            builder.user_agent(concat!("darkroom-client/", env!("CARGO_PKG_VERSION")))
        };
        let http = builder().read_timeout(SILENCE).build().map_err(ClientError::Transport)?;
        let uploads = builder().build().map_err(ClientError::Transport)?;
        Ok(Self { http, uploads, silence: SILENCE, base, token: None })
    }

    /// The same client, signed in with a token or a key.
    #[must_use]
    pub fn with_token(self, token: Secret) -> Self {
        Self { token: Some(token), ..self }
    }

    /// Signs in with name and password: what to give to [`Client::with_token`].
    pub async fn sign_in(&self, name: &str, password: &Secret) -> Result<TokenAnswer, ClientError> {
        let form = [("grant_type", "password"), ("username", name), ("password", password.reveal())];
        self.json(self.request(Method::POST, "/token").form(&form)).await
    }

    /// Ends the token of this client.
    pub async fn sign_out(&self) -> Result<(), ClientError> {
        self.send(self.request(Method::POST, "/v1/tokens/revoke")).await.map(drop)
    }

    /// Who this client is.
    pub async fn me(&self) -> Result<Me, ClientError> {
        self.json(self.request(Method::GET, "/v1/me")).await
    }

    /// Chooses a new password for the caller.
    pub async fn change_password(&self, change: &PasswordChange) -> Result<(), ClientError> {
        self.send(self.request(Method::POST, "/v1/me/password").json(change)).await.map(drop)
    }

    /// Every user.
    pub async fn users(&self) -> Result<UserList, ClientError> {
        self.json(self.request(Method::GET, "/v1/users")).await
    }

    /// Makes a user.
    pub async fn add_user(&self, user: &NewUser) -> Result<UserInfo, ClientError> {
        self.json(self.request(Method::POST, "/v1/users").json(user)).await
    }

    /// Changes a user.
    pub async fn change_user(&self, name: &str, patch: &UserPatch) -> Result<UserInfo, ClientError> {
        self.json(self.request(Method::POST, &user_path(name)).json(patch)).await
    }

    /// Removes a user with every key.
    pub async fn remove_user(&self, name: &str) -> Result<(), ClientError> {
        self.send(self.request(Method::DELETE, &user_path(name))).await.map(drop)
    }

    /// The keys of the caller, or of `user`.
    pub async fn keys(&self, user: Option<&str>) -> Result<KeyList, ClientError> {
        let whose: Vec<_> = user.into_iter().map(|user| ("user", user)).collect();
        self.json(self.request(Method::GET, "/v1/keys").query(&whose)).await
    }

    /// Makes a key.
    pub async fn add_key(&self, key: &NewKey) -> Result<CreatedKey, ClientError> {
        self.json(self.request(Method::POST, "/v1/keys").json(key)).await
    }

    /// Revokes a key.
    pub async fn revoke_key(&self, id: &str) -> Result<(), ClientError> {
        let path = format!("/v1/keys/{}", escape_segment(id));
        self.send(self.request(Method::DELETE, &path)).await.map(drop)
    }

    /// Submits an image with its operations. The image is streamed, never in memory as a whole.
    pub async fn submit(&self, upload: Upload, options: &Options) -> Result<Job, ClientError> {
        let sent = Sent::default();
        let form = upload.into_form(options, &sent).await?;
        let request = options.on(self.request_by(&self.uploads, Method::POST, "/v1/jobs")).multipart(form);
        self.upload(request, &sent).await
    }

    /// Submits an image that is in the request, elsewhere on the web, or stored already.
    pub async fn submit_json(&self, request: &JobRequest, options: &Options) -> Result<Job, ClientError> {
        let sent = options.on(self.request(Method::POST, "/v1/jobs")).json(request);
        self.json(sent).await
    }

    /// Compares the largest faces of two images in memory.
    pub async fn compare(
        &self,
        first: Vec<u8>,
        second: Vec<u8>,
        threshold: Option<f32>,
    ) -> Result<Comparison, ClientError> {
        let mut form = Form::new().part("first", Part::bytes(first)).part("second", Part::bytes(second));
        if let Some(threshold) = threshold {
            form = form.text("threshold", threshold.to_string());
        }
        self.json(self.request(Method::POST, "/v1/faces/compare").multipart(form)).await
    }

    /// One job.
    pub async fn job(&self, id: &str) -> Result<Job, ClientError> {
        self.json(self.request(Method::GET, &job_path(id, ""))).await
    }

    /// The job once it has ended.
    pub async fn wait(&self, id: &str) -> Result<Job, ClientError> {
        loop {
            let events = self.send(self.request(Method::GET, &job_path(id, "/events"))).await?;
            let mut events = events.bytes_stream();
            // The stream ends with the job. What it says is not needed: the job is read afterwards, whole.
            while let Some(Ok(_)) = events.next().await {}
            let job = self.job(id).await?;
            if job.summary.state.is_final() {
                return Ok(job);
            }
        }
    }

    /// A part of the list of jobs.
    pub async fn jobs(&self, options: &ListOptions) -> Result<JobPage, ClientError> {
        let states: Vec<String> = options.states.iter().map(ToString::to_string).collect();
        let failures: Vec<String> = options.failures.iter().map(ToString::to_string).collect();
        let query = [
            ("state", Some(states.join(",")).filter(|states| !states.is_empty())),
            ("failure", Some(failures.join(",")).filter(|failures| !failures.is_empty())),
            ("order", (options.order == JobOrder::Oldest).then(|| "oldest".to_owned())),
            ("op", options.op.clone()),
            ("q", options.text.clone()),
            ("limit", options.limit.map(|limit| limit.to_string())),
            ("cursor", options.cursor.clone()),
        ];
        let given: Vec<_> =
            query.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect();
        self.json(self.request(Method::GET, "/v1/jobs").query(&given)).await
    }

    /// Does the same to many jobs.
    pub async fn bulk(&self, request: &BulkRequest) -> Result<BulkDone, ClientError> {
        self.json(self.request(Method::POST, "/v1/jobs/bulk").json(request)).await
    }

    /// Cancels a job.
    pub async fn cancel(&self, id: &str) -> Result<Job, ClientError> {
        self.json(self.request(Method::POST, &job_path(id, "/cancel"))).await
    }

    /// Queues a job again.
    pub async fn retry(&self, id: &str) -> Result<Job, ClientError> {
        self.json(self.request(Method::POST, &job_path(id, "/retry"))).await
    }

    /// Deletes a job.
    pub async fn delete(&self, id: &str) -> Result<(), ClientError> {
        self.send(self.request(Method::DELETE, &job_path(id, ""))).await.map(drop)
    }

    /// The image of a job as a small picture that fits a box of `side` pixels.
    pub async fn preview(&self, id: &str, side: u32) -> Result<Bytes, ClientError> {
        let asked = self.request(Method::GET, &job_path(id, "/preview")).query(&[("size", side)]);
        self.send(asked).await?.bytes().await.map_err(ClientError::Transport)
    }

    /// An artifact of a job, or `original`, chunk by chunk.
    pub async fn artifact(
        &self,
        id: &str,
        name: &str,
    ) -> Result<impl Stream<Item = Result<Bytes, ClientError>> + use<>, ClientError> {
        let path = job_path(id, &format!("/artifacts/{}", escape_segment(name)));
        let response = self.send(self.request(Method::GET, &path)).await?;
        Ok(response.bytes_stream().map(|chunk| chunk.map_err(ClientError::Transport)))
    }

    /// Writes an artifact to a file. A temporary name is used until it is complete and on the disk; the disk has the
    /// file's own name once this returns. What could not be written leaves nothing.
    pub async fn download(&self, id: &str, name: &str, to: &Path) -> Result<(), ClientError> {
        let mut chunks = Box::pin(self.artifact(id, name).await?);
        let mut partial = to.as_os_str().to_owned();
        partial.push(".part");
        let fill = async {
            let mut file = tokio::fs::File::create(&partial).await?;
            while let Some(chunk) = chunks.next().await {
                file.write_all(&chunk?).await?;
            }
            file.flush().await?;
            file.sync_data().await?;
            Ok::<_, ClientError>(tokio::fs::rename(&partial, to).await?)
        };
        if let Err(error) = fill.await {
            let _ = tokio::fs::remove_file(&partial).await;
            return Err(error);
        }
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Where the folder may not be read, or cannot be synced, that is left to the system.
        let Ok(folder) = tokio::fs::File::open(folder).await else { return Ok(()) };
        match folder.sync_all().await {
            Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::InvalidInput) => Ok(()),
            synced => Ok(synced?),
        }
    }

    /// A temporary address of an artifact, relative to the server.
    pub async fn sign(&self, request: &SignRequest) -> Result<Signed, ClientError> {
        self.json(self.request(Method::POST, "/v1/artifacts/sign").json(request)).await
    }

    /// What can be done to an image.
    pub async fn operations(&self) -> Result<Operations, ClientError> {
        self.json(self.request(Method::GET, "/v1/operations")).await
    }

    /// Counts and rates.
    pub async fn stats(&self) -> Result<Stats, ClientError> {
        self.json(self.request(Method::GET, "/v1/stats")).await
    }

    /// What happened lately, step by step.
    pub async fn history(&self, span: Span) -> Result<History, ClientError> {
        self.json(self.request(Method::GET, "/v1/history").query(&[("span", span.as_str())])).await
    }

    /// Every setting in force.
    pub async fn settings(&self) -> Result<SettingList, ClientError> {
        self.json(self.request(Method::GET, "/v1/settings")).await
    }

    /// Live workers.
    pub async fn workers(&self) -> Result<Workers, ClientError> {
        self.json(self.request(Method::GET, "/v1/workers")).await
    }

    /// Queues with their counts.
    pub async fn queues(&self) -> Result<Queues, ClientError> {
        self.json(self.request(Method::GET, "/v1/queues")).await
    }

    /// Holds a queue.
    pub async fn pause(&self, queue: &str) -> Result<(), ClientError> {
        let path = format!("/v1/queues/{}/pause", escape_segment(queue));
        self.send(self.request(Method::POST, &path)).await.map(drop)
    }

    /// Lets a queue go on.
    pub async fn resume(&self, queue: &str) -> Result<(), ClientError> {
        let path = format!("/v1/queues/{}/resume", escape_segment(queue));
        self.send(self.request(Method::POST, &path)).await.map(drop)
    }

    /// Lets only so many jobs of a queue run at a time; any number if `None`.
    pub async fn limit(&self, queue: &str, max_running: Option<u64>) -> Result<(), ClientError> {
        let path = format!("/v1/queues/{}/limit", escape_segment(queue));
        self.send(self.request(Method::POST, &path).json(&QueueLimit { max_running })).await.map(drop)
    }

    /// What is running there.
    pub async fn version(&self) -> Result<Version, ClientError> {
        self.json(self.request(Method::GET, "/version")).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_by(&self.http, method, path)
    }

    fn request_by(&self, http: &reqwest::Client, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.base.clone();
        // What is escaped already stays as it is.
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        let request = http.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        }
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let body = self.send(request).await?.bytes().await.map_err(ClientError::Transport)?;
        serde_json::from_slice(&body).map_err(|error| ClientError::Unexpected(error.to_string()))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(ClientError::Transport)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, retry_after) = (response.status(), retry_after(&response));
        let body = response.bytes().await.map_err(ClientError::Transport)?;
        Err(match serde_json::from_slice(&body) {
            Ok(problem) => ClientError::Problem { problem: Box::new(problem), retry_after },
            Err(_) => ClientError::Unexpected(strange(status)),
        })
    }
}

fn strange(status: StatusCode) -> String {
    format!("status {status} without a problem: is this a Darkroom server?")
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn user_path(name: &str) -> String {
    format!("/v1/users/{}", escape_segment(name))
}

fn run_path(id: &str, rest: &str) -> String {
    format!("/v1/runs/{}{rest}", escape_segment(id))
}

fn job_path(id: &str, rest: &str) -> String {
    format!("/v1/jobs/{}{rest}", escape_segment(id))
}
