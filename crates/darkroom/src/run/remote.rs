//! A dataset of this machine, worked through as a run of a server.
//!
//! What has no row that still holds is sent as one archive, which is made while it is sent. If that is interrupted,
//! nothing has begun, and the same command sends it again. From then on the run goes on by itself, whatever becomes of
//! this process; the folder of results knows it, and the same command waits for it and fetches what it gives.

use std::{collections::BTreeMap, path::PathBuf, sync::OnceLock, time::Duration};

use anyhow::anyhow;
use darkroom_api::{
    ArchivePlace, Client, ClientError, Code, Run, RunAggregate, RunRequest, RunSource, RunState,
    client::ArchiveUpload,
};
use darkroom_core::{BlobId, Clock as _, Operation, SystemClock, Timestamp, run::OnError};
use darkroom_server::sources::Checksum;

use super::{
    fetch::Fetching,
    follow::Done,
    log::{Log, Logging},
    once::Once,
    pack::{Packed, Packing},
    pending::Pending,
    rows::{FILE, Rows},
    sources::{Listing, Typed},
    summary::Summary,
    work::After,
};
use crate::{
    bar::Bar,
    client,
    halt::Halt,
    runs::{start, watch},
    signals::Signals,
    terminal::tell,
    upload_bar::UploadBar,
};

/// How exact the times are that file systems keep of changes, at worst (FAT): what was changed so shortly before it was
/// sent may be changed again unseen.
const COARSEST_TIME: Duration = Duration::from_secs(2);

/// How often a run is looked at that is over but for what was begun.
const LOOK: Duration = Duration::from_millis(200);

/// What is to be worked through.
pub(super) enum Given {
    Images(Vec<Typed>),
    /// A file here, or an address that the server fetches.
    Archive {
        typed: String,
        file: Option<PathBuf>,
        checksum: Option<Checksum>,
    },
}

/// What is to be done, and where.
pub(super) struct Errand {
    pub(super) url: String,
    pub(super) given: Given,
    pub(super) operation: Operation,
    /// The folder for the results.
    pub(super) out: Option<PathBuf>,
    /// Whether the mean is asked for.
    pub(super) gathered: bool,
    pub(super) log: Log,
    /// What becomes of the run.
    pub(super) after: After,
}

/// A server that answers.
pub(super) struct Remote {
    pub(super) client: Client,
    url: String,
}

/// A run that was begun, and what was found out on the way.
struct Begun {
    run: Option<Run>,
    began: u64,
    summary: Summary,
    rows: Option<Rows>,
}

impl Remote {
    /// Makes sure that there is a server.
    async fn reach(url: &str) -> Result<Self, Halt> {
        let client = client::connect(url).map_err(|error| Halt::Usage(error.to_string()))?;
        let remote = Self { client, url: url.to_owned() };
        remote.client.version().await.map_err(|error| remote.refused(error))?;
        Ok(remote)
    }

    /// Why the server did not do what it was asked, and what to do.
    pub(super) fn refused(&self, error: ClientError) -> Halt {
        let advice = match error.code() {
            Some(Code::BodyTooLarge) => {
                "nothing was begun; raise sources.upload_bytes of the server, or name fewer images at a time"
            }
            Some(Code::SourceRefused) => "nothing was begun; look at the archive and its checksum",
            _ => return client::refused(error, &self.url),
        };
        Halt::environment(anyhow::Error::new(error).context(self.url.clone()), advice)
    }

    /// Why nothing was begun.
    pub(super) fn unsent(&self, error: ClientError) -> Halt {
        let advice = match &error {
            ClientError::Transport(_) | ClientError::Stalled => {
                "the connection broke off while images were sent, so nothing was begun; the same command sends them again"
            }
            _ => return self.refused(error),
        };
        Halt::environment(anyhow::Error::new(error).context(self.url.clone()), advice)
    }
}

impl Given {
    /// An archive by what was typed.
    pub(super) fn archive(typed: &str, checksum: Option<&Checksum>) -> Result<Self, Halt> {
        let file = (!start::is_url(typed)).then(|| PathBuf::from(typed));
        if file.as_ref().is_some_and(|file| !file.is_file()) {
            return Err(Halt::Usage(format!("there is no file `{typed}`")));
        }
        Ok(Self::Archive { typed: typed.to_owned(), file, checksum: checksum.cloned() })
    }

    fn sources(&self) -> &[Typed] {
        match self {
            Self::Images(sources) => sources,
            Self::Archive { .. } => &[],
        }
    }

    /// What there is to send, as far as it lies here.
    async fn listing(&self) -> Result<Listing, Halt> {
        let (sources, file) = match self {
            Self::Images(sources) => (sources.clone(), None),
            Self::Archive { file, .. } => (Vec::new(), file.clone()),
        };
        let listing = move || file.map_or_else(|| Listing::of(&sources), |file| Listing::of_file(&file));
        let listed = tokio::task::spawn_blocking(listing).await;
        listed.map_err(|error| Halt::environment(error, "please report this"))
    }

    /// What people call it.
    fn name(&self) -> String {
        match self {
            Self::Archive { typed, .. } => typed.clone(),
            Self::Images(sources) => match sources.as_slice() {
                [one] => one.name(),
                several => format!("{} files and folders", several.len()),
            },
        }
    }
}

impl Errand {
    /// Works through it until it is done or the user interrupts.
    pub(super) async fn through(self) -> Result<Done, Halt> {
        let mut signals = Signals::take()?;
        let remote = Remote::reach(&self.url).await?;
        let goes_on = OnceLock::new();
        tokio::select! {
            done = self.work(&remote, &goes_on) => done,
            () = signals.next() => {
                match goes_on.get() {
                    Some(run) => tell(&format!("the run goes on: darkroom runs watch {run} --server {}", self.url)),
                    None => tell("the server has not said that it began; the same command goes on from here"),
                }
                let summary = Summary { interrupted: true, results: self.results(), ..Summary::default() };
                Ok(Done { summary, mean: None })
            }
        }
    }

    fn results(&self) -> Option<PathBuf> {
        self.out.as_ref().map(|out| out.join(FILE))
    }

    async fn work(&self, remote: &Remote, goes_on: &OnceLock<String>) -> Result<Done, Halt> {
        let Begun { run, began, mut summary, mut rows } = match self.taken_up(remote).await? {
            Some(begun) => begun,
            None => self.begin(remote).await?,
        };
        summary.results = self.results();
        let Some(run) = run else {
            rows.map_or(Ok(()), |rows| rows.close(false))?;
            return Ok(Done { summary, mean: None });
        };
        let _ = goes_on.set(run.id.clone());
        let (bar, mut log) = (Bar::start(), Logging::new(self.log));
        let run = followed(remote, &run, (&bar, &mut log)).await?;
        let run = at_rest(remote, run).await?;
        let mut unwritten = BTreeMap::new();
        if let (Some(out), Some(rows)) = (&self.out, &mut rows) {
            let sources = self.given.sources();
            unwritten = Fetching { remote, out, sources, began }.results(&run, rows).await?;
        }
        rows.map_or(Ok(()), |rows| rows.close(false))?;
        self.out.as_deref().map_or(Ok(()), Pending::forget)?;
        if run.state != RunState::Succeeded {
            return Err(stopped(&run));
        }
        let mean = if self.gathered { mean(remote, &run).await? } else { None };
        log.print(&run, mean.as_ref(), &bar)?;
        // What could not be fetched is nowhere else.
        if self.after == After::Forgotten && unwritten.is_empty() {
            remote.client.delete_run(&run.id).await.map_err(|error| remote.refused(error))?;
        }
        summary.add(&run);
        summary.take_back(unwritten);
        Ok(Done { summary, mean })
    }

    /// The run that the folder of results waits for, if the server has it.
    async fn taken_up(&self, remote: &Remote) -> Result<Option<Begun>, Halt> {
        let Some(out) = &self.out else { return Ok(None) };
        let Some(pending) = Pending::of(out, &self.url, &self.asked()) else { return Ok(None) };
        let known = match &pending.run {
            Some(run) => remote.client.run(run).await.map(Some),
            None => remote.client.run_of_key(&pending.key).await,
        };
        let run = match known {
            Ok(Some(run)) => run,
            Ok(None) => return Ok(None),
            Err(error) if error.code() == Some(Code::RunNotFound) => return Ok(None),
            Err(error) => return Err(remote.refused(error)),
        };
        let mut rows = Rows::open(out, &self.operation)?;
        // What was held when the run was asked for is not in it.
        rows.claim_all()?;
        Ok(Some(Begun {
            run: Some(run),
            began: pending.began,
            summary: Summary::default(),
            rows: Some(rows),
        }))
    }

    /// Sends what is to be sent. No run if there is nothing.
    async fn begin(&self, remote: &Remote) -> Result<Begun, Halt> {
        let began = (SystemClock.now() - COARSEST_TIME).since(Timestamp::from_millis(0)).as_nanos() as u64;
        let rows = self.out.as_ref().map(|out| Rows::open(out, &self.operation)).transpose()?;
        let listing = self.given.listing().await?;
        let mut once = self.once(&listing, began);
        let mut sent = Begun { run: once.going_on(remote).await?, began, summary: Summary::default(), rows };
        if sent.run.is_some() {
            return Ok(sent);
        }
        once.keep()?;
        let made = match &self.given {
            Given::Images(sources) => {
                let packing = (sources.as_slice(), UploadBar::start(listing.bytes));
                self.pack(remote, packing, (&once.key, &mut sent)).await?
            }
            Given::Archive { typed, file, checksum } => {
                let at = match file {
                    Some(_) => ArchivePlace::Upload,
                    None => ArchivePlace::Url(typed.clone()),
                };
                let request = self.request(at, checksum.as_ref());
                Some(match file {
                    Some(file) => start::send(&remote.client, &request, (file, Some(&once.key))).await,
                    None => remote.client.make_run_once(&request, &once.key).await,
                })
            }
        };
        match made {
            Some(made) => sent.run = Some(once.answered(remote, made).await?),
            None => once.forget()?,
        }
        Ok(sent)
    }

    /// What is asked for, under a key that the same command finds again.
    fn once(&self, listing: &Listing, began: u64) -> Once {
        let asked = self.asked();
        let kept = self.out.as_deref().map(|out| {
            let before = Pending::of(out, &self.url, &asked);
            let salt = before.map_or_else(|| began.to_string(), |pending| pending.salt);
            let (server, asked) = (self.url.clone(), asked.clone());
            (out, Pending { server, run: None, asked, began, salt, key: String::new() })
        });
        Once::new((&asked, &listing.digest), kept)
    }

    /// Sends the images as one archive. No answer if there is nothing to send.
    async fn pack(
        &self,
        remote: &Remote,
        (sources, bar): (&[Typed], UploadBar),
        (key, begun): (&str, &mut Begun),
    ) -> Result<Option<Result<Run, ClientError>>, Halt> {
        let kept = self.out.clone().zip(begun.rows.take());
        let mut stream = Packing { sources: sources.to_vec(), kept, bar: bar.clone() }.begin();
        let made = match stream.upload().await {
            Some(archive) => Some(self.send(remote, archive.once(key), &bar).await),
            None => None,
        };
        // A file that cannot be read to its end breaks the request off: that is the reason then.
        let packed = stream.packed().await;
        bar.end();
        let Packed { summary, rows } = packed?;
        (begun.summary, begun.rows) = (summary, rows);
        Ok(made)
    }

    async fn send(
        &self,
        remote: &Remote,
        archive: ArchiveUpload,
        bar: &UploadBar,
    ) -> Result<Run, ClientError> {
        let bar = bar.clone();
        let archive = archive.telling(move |bytes| bar.sent(bytes));
        remote.client.make_run_of(&self.request(ArchivePlace::Upload, None), archive).await
    }

    fn request(&self, at: ArchivePlace, checksum: Option<&Checksum>) -> RunRequest {
        RunRequest {
            name: Some(self.given.name()),
            source: RunSource::Archive { at, checksum: checksum.map(ToString::to_string) },
            operations: vec![self.operation.clone()],
            aggregates: None,
            on_error: OnError::Continue,
            queue: None,
            high_water: None,
            cache: None,
        }
    }

    /// A digest of everything that was asked for.
    fn asked(&self) -> String {
        let given: Vec<String> = match &self.given {
            Given::Images(sources) => sources.iter().map(Typed::described).collect(),
            Given::Archive { typed, checksum, .. } => vec![format!("{typed} {checksum:?}")],
        };
        let text = serde_json::to_string(&(given, &self.operation)).unwrap_or_default();
        BlobId::of(text.as_bytes()).to_string()
    }
}

/// The run once it has ended; its log is printed on the way.
async fn followed(remote: &Remote, run: &Run, (bar, log): (&Bar, &mut Logging)) -> Result<Run, Halt> {
    let mut printed = Ok(());
    let ended = watch::until_ended(&remote.client, &run.id, bar, |run| {
        if printed.is_ok() {
            printed = log.print(run, None, bar);
        }
    })
    .await;
    bar.end();
    printed?;
    ended.map_err(|error| {
        let error = anyhow::Error::new(error).context(remote.url.clone());
        Halt::environment(
            error,
            "the run goes on there; the same command waits for it and fetches what it gives",
        )
    })
}

/// The run once nothing of it is worked on any more: if its source has failed, something may be.
async fn at_rest(remote: &Remote, mut run: Run) -> Result<Run, Halt> {
    while run.counts.running > 0 {
        tokio::time::sleep(LOOK).await;
        run = remote.client.run(&run.id).await.map_err(|error| remote.refused(error))?;
    }
    Ok(run)
}

async fn mean(remote: &Remote, run: &Run) -> Result<Option<RunAggregate>, Halt> {
    let gathered = remote.client.aggregates(&run.id).await.map_err(|error| remote.refused(error))?;
    Ok(gathered.aggregates.into_iter().next())
}

/// Why a run does not go on, and what to do.
fn stopped(run: &Run) -> Halt {
    let why = run
        .stop
        .as_ref()
        .map_or_else(|| "the run has not ended well".to_owned(), |stop| stop.message.clone());
    let advice = "what it gave until then is in the folder of results; the same command begins anew";
    Halt::environment(anyhow!(why).context(run.name.clone()), advice)
}
