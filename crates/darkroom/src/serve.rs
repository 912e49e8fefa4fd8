//! `darkroom serve`: the whole service in one process, until it is asked to stop.

use std::process::ExitCode;

use darkroom_server::{
    Parts, StartError,
    accounts::Accounts,
    http::SigningKey,
    start,
    telemetry::{self, Metrics},
};
use tokio::runtime::{Builder, Runtime};

use crate::{halt::Halt, parts, settings::Settings, signals::Signals, terminal};

/// What a shell expects of a process that was interrupted.
const INTERRUPTED: u8 = 130;

/// Serves until SIGINT or SIGTERM; then everything in work may end in its time. A second signal quits at once.
pub(crate) fn serve(settings: &Settings) -> Result<ExitCode, Halt> {
    telemetry::install(&settings.service.log);
    let runtime = runtime()?;
    let code = runtime.block_on(until_signalled(settings));
    // Whatever is still busy now has had its time.
    runtime.shutdown_background();
    code
}

async fn until_signalled(settings: &Settings) -> Result<ExitCode, Halt> {
    let mut signals = Signals::take()?;
    let parts = parts::open(settings)?;
    make_first_admin(&parts).await?;
    let running = start(parts, signing_key(settings)?).await.map_err(not_started)?;
    terminal::say(&format!("Darkroom listens on http://{}", running.addr()))?;
    signals.next().await;
    tracing::info!("stopping; a second signal quits at once");
    tokio::select! {
        () = running.shutdown() => Ok(ExitCode::SUCCESS),
        () = signals.next() => Ok(ExitCode::from(INTERRUPTED)),
    }
}

/// Where callers need a name and nobody has one, an administrator is made, whose password is shown once.
async fn make_first_admin(parts: &Parts) -> Result<(), Halt> {
    if !parts.config.auth.needs_users(parts.config.http.listen.ip()) {
        return Ok(());
    }
    let made = Accounts::new(parts, &Metrics::default()).first_admin().await;
    let made = made.map_err(|error| Halt::environment(error, "`darkroom doctor` checks the data folder"))?;
    if let Some((user, password)) = made {
        terminal::tell(&format!(
            "Nobody can sign in yet, so there is a first user now.\n  name      {}\n  password  {}\n\
             The password is shown this once; `darkroom users passwd {}` makes a new one.",
            user.name,
            password.reveal(),
            user.name
        ));
    }
    Ok(())
}

fn signing_key(settings: &Settings) -> Result<SigningKey, Halt> {
    let path = settings.data.dir.join("signing.key");
    SigningKey::load_or_create(&path).map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("cannot use {}", path.display()));
        Halt::environment(error, "remove it: a new key is made, and addresses signed before stop working")
    })
}

fn not_started(error: StartError) -> Halt {
    let advice = match &error {
        StartError::Listen { .. } => "choose another address with --listen; port 0 takes a free one",
        StartError::Threads(_) => "set fewer worker.slots, or raise the limit of threads",
    };
    Halt::environment(error, advice)
}

/// The runtime of every command that needs one.
pub(crate) fn runtime() -> Result<Runtime, Halt> {
    let built = Builder::new_multi_thread().enable_all().build();
    built.map_err(|error| Halt::environment(error, "raise the limits of threads and open files"))
}
