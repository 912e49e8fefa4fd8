//! The tables, and how files of older versions become files of this one.

use darkroom_core::store::StoreError;
use rusqlite::Connection;

use super::trouble::{Trouble, internal};

/// One script a version; a file of version `n` has had the first `n` of them.
pub(super) const MIGRATIONS: &[&str] = &[V1, V2, V3, V4, V5, V6, V7, V8, V9, V10, V11];

/// What the connection that writes is told. Commits are synced by a thread of their own, see `syncer.rs`. The cache holds
/// what transactions touch again, the ends of tables and indexes: with four times as much, no rate is better.
pub(super) const SETTINGS: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -4096;
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA journal_size_limit = 67108864;
";

/// `job` is what the queue touches, kept narrow; all texts are in `detail`. Indexes are partial by state, so that
/// a million delayed or finished jobs are in none of those that a claim reads.
const V1: &str = "
    CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
    CREATE TABLE queue (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, paused INTEGER NOT NULL DEFAULT 0,
        scheduled INTEGER NOT NULL DEFAULT 0, queued INTEGER NOT NULL DEFAULT 0, running INTEGER NOT NULL DEFAULT 0,
        succeeded INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0, cancelled INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE lane (
        id INTEGER PRIMARY KEY, queue INTEGER NOT NULL, name TEXT NOT NULL, UNIQUE (queue, name)
    );
    -- `id` is the bit of the operation in job.operations.
    CREATE TABLE operation (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
        succeeded INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE minute (
        start INTEGER PRIMARY KEY, succeeded INTEGER NOT NULL, failed INTEGER NOT NULL, cancelled INTEGER NOT NULL
    );
    CREATE TABLE session (
        id INTEGER PRIMARY KEY, uuid BLOB NOT NULL, info TEXT NOT NULL, worker INTEGER NOT NULL, since INTEGER NOT NULL
    );
    -- state: 0 scheduled, 1 queued, 2 running, 3 succeeded, 4 failed, 5 cancelled. Times in ms since the epoch.
    -- AUTOINCREMENT: the number of a deleted job is never given again.
    CREATE TABLE job (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, state INTEGER NOT NULL, queue INTEGER NOT NULL, lane INTEGER NOT NULL,
        priority INTEGER NOT NULL, token INTEGER NOT NULL, used INTEGER NOT NULL, crashes INTEGER NOT NULL,
        cancel INTEGER NOT NULL, max_attempts INTEGER NOT NULL, max_crashes INTEGER NOT NULL, run_at INTEGER NOT NULL,
        started_at INTEGER, finished_at INTEGER, session INTEGER, created_at INTEGER NOT NULL, owner INTEGER NOT NULL,
        origin INTEGER NOT NULL, operations INTEGER NOT NULL
    );
    CREATE INDEX job_ready ON job (lane, priority DESC, seq) WHERE state = 1;
    CREATE INDEX job_waiting ON job (queue, run_at) WHERE state = 1;
    CREATE INDEX job_due ON job (run_at) WHERE state = 0;
    CREATE INDEX job_running ON job (session) WHERE state = 2;
    CREATE INDEX job_succeeded ON job (finished_at) WHERE state = 3;
    CREATE INDEX job_failed ON job (finished_at) WHERE state = 4;
    CREATE INDEX job_cancelled ON job (finished_at) WHERE state = 5;
    CREATE TABLE detail (
        seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, blob BLOB NOT NULL, bytes INTEGER NOT NULL,
        media_type TEXT NOT NULL, name TEXT, alias TEXT, key TEXT, operations TEXT NOT NULL
    );
    CREATE TABLE alias (
        origin INTEGER NOT NULL, alias TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (origin, alias, seq)
    ) WITHOUT ROWID;
    CREATE TABLE idempotency (
        owner INTEGER NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, fingerprint BLOB NOT NULL,
        PRIMARY KEY (owner, key)
    ) WITHOUT ROWID;
    CREATE TABLE failure (seq INTEGER PRIMARY KEY, kind INTEGER NOT NULL, message TEXT NOT NULL);
    CREATE TABLE result (seq INTEGER PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE attempt (
        seq INTEGER NOT NULL, number INTEGER NOT NULL, worker INTEGER NOT NULL, started_at INTEGER NOT NULL,
        ended_at INTEGER NOT NULL, end INTEGER NOT NULL, kind INTEGER, message TEXT, read_us INTEGER NOT NULL,
        wait_us INTEGER NOT NULL, work_us INTEGER NOT NULL, write_us INTEGER NOT NULL, PRIMARY KEY (seq, number)
    ) WITHOUT ROWID;
    -- References to blobs by the first 8 bytes of their address; see references.rs.
    CREATE TABLE reference (
        prefix INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (prefix, seq)
    ) WITHOUT ROWID;
    CREATE TABLE reference_log (n INTEGER PRIMARY KEY, prefix INTEGER NOT NULL, seq INTEGER NOT NULL);
";

/// Users, and how many jobs each owner has that have not ended.
const V2: &str = "
    CREATE TABLE user (
        id BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, role TEXT NOT NULL, password TEXT NOT NULL,
        created_at INTEGER NOT NULL, disabled_at INTEGER, generation INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE api_key (
        id BLOB PRIMARY KEY, user BLOB NOT NULL, name TEXT NOT NULL, hash BLOB NOT NULL, created_at INTEGER NOT NULL,
        last_used_at INTEGER, expires_at INTEGER, revoked_at INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX api_key_user ON api_key (user);
    CREATE TABLE token_key (id BLOB PRIMARY KEY, secret BLOB NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE revoked_token (id BLOB PRIMARY KEY, expires_at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX revoked_token_expiry ON revoked_token (expires_at);
    CREATE TABLE open_jobs (owner INTEGER PRIMARY KEY, jobs INTEGER NOT NULL);
    INSERT INTO open_jobs SELECT owner, count(*) FROM job WHERE state IN (0, 1, 2) GROUP BY owner;
";

/// The inference log, and remembered results. AUTOINCREMENT: numbers are never given again, so that a cursor goes on
/// where it was and what is remembered anew is the newest.
const V3: &str = "
    CREATE TABLE prediction_model (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, version TEXT, digest TEXT, UNIQUE (name, version, digest)
    );
    -- `model` if it was found, else what was asked for. `code` and `message` only if there was no answer.
    CREATE TABLE prediction (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, surface INTEGER NOT NULL,
        operation INTEGER NOT NULL, model INTEGER, asked TEXT, version TEXT, owner INTEGER NOT NULL, job BLOB,
        file_name TEXT, input BLOB, class INTEGER, label TEXT, score REAL, code INTEGER, message TEXT,
        took_us INTEGER NOT NULL, model_us INTEGER, cached INTEGER NOT NULL
    );
    -- The result at `place` of the job `seq`, or `body`.
    CREATE TABLE cached (
        n INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE, at INTEGER NOT NULL, seq INTEGER, place INTEGER,
        body TEXT
    );
    CREATE INDEX cached_job ON cached (seq) WHERE seq IS NOT NULL;
    ALTER TABLE detail ADD COLUMN caching INTEGER NOT NULL DEFAULT 0;
";

/// Runs. Finished jobs are indexed by their run first, so that retention walks over single jobs only, and what a run
/// has failed is found at once.
const V4: &str = "
    -- `head` is what never changes of a run, `body` what its items move; JSON. `queued` is in `body` too.
    CREATE TABLE run (
        id INTEGER PRIMARY KEY AUTOINCREMENT, uuid BLOB NOT NULL UNIQUE, owner INTEGER NOT NULL, lane INTEGER NOT NULL,
        state INTEGER NOT NULL, queued INTEGER NOT NULL, finished_at INTEGER, doomed INTEGER NOT NULL, body TEXT NOT NULL
    );
    CREATE INDEX run_doomed ON run (id) WHERE doomed;
    CREATE INDEX run_leftover ON run (id) WHERE state = 5 AND queued > 0;
    CREATE TABLE run_head (id INTEGER PRIMARY KEY, head TEXT NOT NULL);
    -- Sums of aggregates: `name` is empty for the whole, and begins with a colon for a group.
    CREATE TABLE cell (
        id INTEGER PRIMARY KEY, run INTEGER NOT NULL, aggregate INTEGER NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL,
        UNIQUE (run, aggregate, name)
    );
    ALTER TABLE job ADD COLUMN run INTEGER;
    ALTER TABLE detail ADD COLUMN item TEXT;
    CREATE INDEX job_run ON job (run, seq) WHERE run IS NOT NULL;
    DROP INDEX job_succeeded;
    DROP INDEX job_failed;
    DROP INDEX job_cancelled;
    CREATE INDEX job_succeeded ON job (run, finished_at) WHERE state = 3;
    CREATE INDEX job_failed ON job (run, finished_at) WHERE state = 4;
    CREATE INDEX job_cancelled ON job (run, finished_at) WHERE state = 5;
";

/// History: more of each minute, and minutes for days. `latencies` is what `Latencies::to_bytes` writes, `oldest_wait` is
/// in milliseconds; what was sampled is null where the queue was not looked at. Failed jobs are counted by reason.
const V5: &str = "
    ALTER TABLE minute ADD COLUMN submitted INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE minute ADD COLUMN latencies BLOB;
    ALTER TABLE minute ADD COLUMN queued INTEGER;
    ALTER TABLE minute ADD COLUMN running INTEGER;
    ALTER TABLE minute ADD COLUMN oldest_wait INTEGER;
    CREATE TABLE failed (kind INTEGER PRIMARY KEY, jobs INTEGER NOT NULL);
    INSERT INTO failed SELECT failure.kind, count(*) FROM job INDEXED BY job_failed
        CROSS JOIN failure ON failure.seq = job.seq WHERE job.state = 4 GROUP BY failure.kind;
";

/// Archives that were uploaded, for as long as runs are read from them.
const V6: &str = "
    CREATE TABLE run_archive (blob BLOB NOT NULL, run INTEGER NOT NULL, PRIMARY KEY (blob, run)) WITHOUT ROWID;
    CREATE INDEX run_archive_run ON run_archive (run);
";

/// Where the work of an attempt went, zero where an older program did not say; and failures by their kind, so that the
/// few of a kind are found among a million jobs.
const V7: &str = "
    ALTER TABLE attempt ADD COLUMN decode_us INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE attempt ADD COLUMN infer_us INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE attempt ADD COLUMN encode_us INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX failure_kind ON failure (kind, seq);
";

/// How many jobs of a queue may run at a time; any number where it is null.
const V8: &str = "ALTER TABLE queue ADD COLUMN max_running INTEGER;";

/// Runs that hold queued items, by [`darkroom_core::run::RunState`].
const V9: &str = "CREATE INDEX run_held ON run (lane, queued) WHERE state IN (2, 4, 5) AND queued > 0;";

/// The file that an input is; null where it is a blob.
const V10: &str = "ALTER TABLE detail ADD COLUMN place TEXT;";

/// What runs were asked for under, if that was said. A run that is deleted has a key no more.
const V11: &str = "
    ALTER TABLE run ADD COLUMN key TEXT;
    CREATE INDEX run_key ON run (key, owner) WHERE key IS NOT NULL;
";

/// Brings a file to the newest version, each step as a transaction of its own.
/// Errors: [`StoreError::Unavailable`] if a newer program has written it.
pub(super) fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), Trouble> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let found = usize::try_from(found).map_err(internal)?;
    if found > migrations.len() {
        let known = migrations.len();
        let message = format!(
            "the file was written by a newer version of this program (schema {found}; this one knows {known})"
        );
        return Err(StoreError::Unavailable(message).into());
    }
    for (done, script) in migrations.iter().enumerate().skip(found) {
        let step = connection.transaction()?;
        step.execute_batch(script)?;
        step.pragma_update(None, "user_version", (done + 1) as i64)?;
        step.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use darkroom_core::{
        JobId, Timestamp,
        job::{Caching, FailureKind, QueueName, State, Timings},
        store::{
            Admin as _, Cache as _, CacheKey, History as _, Ledger as _, MaxRunning, Page, Period,
            PredictionFilter, Predictions as _, StoreLimits, conformance::prediction,
        },
    };

    use super::*;
    use crate::Sqlite;

    #[test]
    fn a_file_of_an_older_version_is_brought_up_to_date_with_what_it_holds() {
        let mut file = Connection::open_in_memory().unwrap();
        migrate(&mut file, MIGRATIONS).unwrap();
        file.execute("INSERT INTO queue (name, queued) VALUES ('old', 3)", []).unwrap();
        let next = ["never run again", "ALTER TABLE queue ADD COLUMN weight INTEGER NOT NULL DEFAULT 1"];
        let next: Vec<&str> = MIGRATIONS[1..].iter().copied().chain(next).collect();
        migrate(&mut file, &next).unwrap();
        let row: (String, i64, i64) = file
            .query_row("SELECT name, queued, weight FROM queue", [], |r| {
                Ok((r.get(0)?, r.get(1)?, r.get(2)?))
            })
            .unwrap();
        assert_eq!(row, ("old".to_owned(), 3, 1));
    }

    /// A file as the version before wrote it, with a finished job.
    fn of_version_2(path: &std::path::Path) {
        let mut file = Connection::open(path).unwrap();
        file.execute_batch(SETTINGS).unwrap();
        migrate(&mut file, &MIGRATIONS[..2]).unwrap();
        file.execute_batch(
            "INSERT INTO word (id, text) VALUES (1, 'ann'), (2, 'v1');
             INSERT INTO queue (id, name, succeeded) VALUES (1, 'default', 1);
             INSERT INTO lane (id, queue, name) VALUES (1, 1, 'ann');
             INSERT INTO operation (id, name, succeeded) VALUES (0, 'digit', 1);
             INSERT INTO job VALUES (1, 3, 1, 1, 0, 1, 1, 0, 0, 3, 3, 5, 6, 7, NULL, 5, 1, 2, 1);
             INSERT INTO detail VALUES (1, zeroblob(16), zeroblob(32), 3, 'image/png', 'a.png', NULL, NULL,
                 '[{\"op\":\"digit\"}]');
             INSERT INTO attempt VALUES (1, 1, 1, 6, 7, 0, NULL, NULL, 10, 20, 30, 40);
             INSERT INTO result VALUES (1, '[{\"operation\":\"digit\",\"document\":{\"digit\":7},\"artifacts\":[]}]');",
        )
        .unwrap();
    }

    #[tokio::test]
    async fn a_file_of_version_2_gains_a_log_and_a_cache_and_keeps_its_jobs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.db");
        of_version_2(&path);
        let clock = std::sync::Arc::new(darkroom_core::ManualClock::at(Timestamp::from_millis(9)));
        let store = Sqlite::open(&path, StoreLimits::default(), clock).unwrap();
        let job = store.job(JobId::from_bytes([0; 16])).await.unwrap().unwrap();
        assert_eq!((job.caching, job.results[0].cached), (Caching::Used, false));
        assert_eq!(job.results[0].document["digit"], 7);
        let spent = Timings { read_us: 10, wait_us: 20, work_us: 30, write_us: 40, ..Timings::default() };
        assert_eq!(job.attempts[0].timings, spent, "what nobody measured is nothing");
        let page = Page { limit: 10, before: None };
        assert_eq!(store.predictions(PredictionFilter::default(), page).await.unwrap(), []);
        store.record(vec![prediction("ann", "7")]).await.unwrap();
        let logged = store.predictions(PredictionFilter::default(), page).await.unwrap();
        assert_eq!(logged[0].entry, prediction("ann", "7"));
        let key = CacheKey::from_bytes([1; 32]);
        store.remember(vec![(key, job.results[0].clone())]).await.unwrap();
        assert_eq!(store.recall(vec![key]).await.unwrap(), [Some(job.results[0].clone())]);
    }

    #[tokio::test]
    async fn a_file_of_version_4_keeps_its_minutes_and_counts_what_has_failed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.db");
        let mut file = Connection::open(&path).unwrap();
        file.execute_batch(SETTINGS).unwrap();
        migrate(&mut file, &MIGRATIONS[..4]).unwrap();
        // A failed job, and one whose attempt failed and that waits for the next: that one has not failed.
        file.execute_batch(
            "INSERT INTO queue (id, name, scheduled, failed) VALUES (1, 'default', 1, 1);
             INSERT INTO job VALUES (1, 4, 1, 1, 0, 1, 1, 0, 0, 3, 3, 5, 6, 7, NULL, 5, 1, 2, 1, NULL);
             INSERT INTO job VALUES (2, 0, 1, 1, 0, 1, 1, 0, 0, 3, 3, 5, 6, NULL, NULL, 5, 1, 2, 1, NULL);
             INSERT INTO failure VALUES (1, 3, 'slow'), (2, 6, 'not now');
             INSERT INTO minute VALUES (60000, 4, 1, 2);",
        )
        .unwrap();
        drop(file);
        let clock = std::sync::Arc::new(darkroom_core::ManualClock::at(Timestamp::from_millis(61_000)));
        let store = Sqlite::open(&path, StoreLimits::default(), clock).unwrap();
        let counts = store.counts().await.unwrap();
        assert_eq!(counts.failures, [(FailureKind::TimedOut, 1)]);
        let minute =
            Period { start: Timestamp::from_millis(60_000), succeeded: 4, failed: 1, ..Period::default() };
        let minute = Period { cancelled: 2, ..minute };
        let (from, until) = (Timestamp::from_millis(0), Timestamp::from_millis(i64::MAX));
        assert_eq!(store.history(from, until).await.unwrap(), [minute]);
        assert_eq!(counts.recent.len(), 1);
    }

    #[tokio::test]
    async fn a_file_of_version_7_keeps_its_queues_and_limits_none_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.db");
        let mut file = Connection::open(&path).unwrap();
        file.execute_batch(SETTINGS).unwrap();
        migrate(&mut file, &MIGRATIONS[..7]).unwrap();
        file.execute_batch("INSERT INTO queue (name, paused, failed) VALUES ('slow', 1, 2);").unwrap();
        drop(file);
        let clock = std::sync::Arc::new(darkroom_core::ManualClock::at(Timestamp::from_millis(9)));
        let store = Sqlite::open(&path, StoreLimits::default(), clock).unwrap();
        let slow = QueueName::from_str("slow").unwrap();
        let told = async || {
            let queue = store.counts().await.unwrap().queues.remove(0);
            (queue.paused, queue.states[State::Failed as usize], queue.max_running)
        };
        assert_eq!(told().await, (true, 2, None));
        let max = MaxRunning::try_from(5).ok();
        store.limit(slow, max).await.unwrap();
        assert_eq!(told().await, (true, 2, max));
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let mut file = Connection::open_in_memory().unwrap();
        let broken = ["CREATE TABLE a (x)", "CREATE TABLE b (x); nonsense"];
        assert!(migrate(&mut file, &broken).is_err());
        let version: i64 = file.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        let tables: i64 = file.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
        assert_eq!((version, tables), (1, 1));
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused_and_told_why() {
        let mut file = Connection::open_in_memory().unwrap();
        file.pragma_update(None, "user_version", 99).unwrap();
        let Err(Trouble::Call(error)) = migrate(&mut file, MIGRATIONS) else { panic!("it was opened") };
        assert!(error.to_string().contains("newer version of this program (schema 99"), "{error}");
    }
}
