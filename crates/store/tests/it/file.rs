//! What only a store in a file can be asked.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use darkroom_core::{
    ManualClock, SystemClock, TokenId, TokenKeyId, UserId,
    job::{NewJob, State, Timings},
    store::{
        Admin as _, Beside, History as _, JobFilter, Ledger as _, MINUTE, MaxRunning, Page, Queue as _,
        Settlement, StoreError, StoreLimits, Submitted, Tokens as _, Users as _,
        conformance::{NOON, job, named_blob, success, worker},
    },
    user::{PasswordHash, Role, TokenKey, TokenSecret, User, UserChange},
};
use darkroom_store::{Reading, Sqlite};

use crate::sqlite::{PATIENT, fresh_path};

fn open(path: &std::path::Path) -> Result<Sqlite, StoreError> {
    Sqlite::open_reading(path, StoreLimits::default(), Arc::new(SystemClock), PATIENT)
}

#[test]
fn a_file_that_is_open_is_in_use() {
    let path = fresh_path();
    let store = open(&path).expect("open");
    assert!(matches!(open(&path), Err(StoreError::InUse)));
    store.close();
    open(&path).expect("a closed store is free");
}

/// A process that is being started has a copy of every open file until it becomes another program.
#[test]
fn a_closed_store_is_free_whatever_processes_are_started_meanwhile() {
    let (path, over) = (fresh_path(), AtomicBool::new(false));
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    assert!(Command::new("true").status().expect("start").success());
                }
            });
        }
        let opened = (0..200).all(|_| open(&path).inspect(Sqlite::close).is_ok());
        over.store(true, Ordering::Relaxed);
        assert!(opened, "it was in use");
    });
}

#[test]
fn a_closed_store_is_unavailable_and_leaves_no_log() {
    let path = fresh_path();
    let store = open(&path).expect("open");
    crate::block_on(async {
        store.submit(vec![job("a")]).await.expect("submit");
        store.close();
        assert!(matches!(store.submit(vec![job("b")]).await, Err(StoreError::Unavailable(_))));
        assert!(matches!(store.counts().await, Err(StoreError::Unavailable(_))));
    });
    let log = path.with_extension("db-wal");
    assert!(!log.exists() || log.metadata().expect("metadata").len() == 0);
}

#[test]
fn what_a_store_knows_survives_reopening() {
    let path = fresh_path();
    crate::block_on(async {
        let store = open(&path).expect("open");
        let slow = NewJob { queue: "slow".parse().expect("queue"), ..job("slow") };
        let answers = store.submit(vec![job("a"), slow, job("b")]).await.expect("submit");
        let [Submitted::Created(a), Submitted::Created(slow), Submitted::Created(b)] = answers[..] else {
            panic!("{answers:?}")
        };
        store.pause("slow".parse().expect("queue")).await.expect("pause");
        let max = MaxRunning::try_from(3).expect("a limit");
        store.limit("new".parse().expect("queue"), Some(max)).await.expect("limit");
        let session = store.open_session(worker("w")).await.expect("open a session");
        let leased = store.claim(session, 1).await.expect("claim");
        assert_eq!(leased[0].lease.job, a);
        store.delete(b).await.expect("delete");
        let before = store.counts().await.expect("counts");
        drop(store);
        let store = open(&path).expect("open");
        let rescued = store.job(a).await.expect("read").expect("there");
        assert_eq!((rescued.status.state, rescued.status.crashes), (State::Queued, 1));
        assert_eq!(rescued.attempts[0].worker, "w:7");
        assert!(store.job(slow).await.expect("read").expect("there").held);
        assert!(matches!(store.claim(session, 1).await, Err(StoreError::SessionLost)));
        let after = store.counts().await.expect("counts");
        assert_eq!(after.operations, before.operations);
        let held: Vec<_> = after.queues.iter().map(|q| (q.queue.as_str(), q.paused, q.max_running)).collect();
        assert_eq!(held, [("default", false, None), ("new", false, Some(max)), ("slow", true, None)]);
        store.submit(vec![job("c")]).await.expect("submit");
        let newest = store.jobs(JobFilter::default(), Page { limit: 1, before: None }).await.expect("list");
        assert_eq!(newest[0].seq, 4, "the number of a deleted job is not given again");
    });
}

#[test]
fn the_past_survives_reopening_and_goes_on() {
    let path = fresh_path();
    let clock = Arc::new(ManualClock::at(NOON));
    let reopen =
        || Sqlite::open_reading(&path, StoreLimits::default(), clock.clone(), PATIENT).expect("open");
    crate::block_on(async {
        let mut known = Vec::new();
        for round in 1..=3_u64 {
            let store = reopen();
            store.submit(vec![job("a"), job("b")]).await.expect("submit");
            let session = store.open_session(worker("w")).await.expect("open a session");
            let lease = store.claim(session, 1).await.expect("claim")[0].lease;
            let (timings, beside) = (Timings::default(), Beside::default());
            let settlement = Settlement { lease, outcome: success("t"), timings, beside };
            store.settle(vec![settlement]).await.expect("settle");
            store.sweep().await.expect("sweep");
            let past = store.history(NOON - MINUTE, NOON + MINUTE).await.expect("history");
            let [minute] = &past[..] else { panic!("{past:?}") };
            assert_eq!(
                (minute.submitted, minute.succeeded, minute.latencies.count()),
                (2 * round, round, round)
            );
            assert!(minute.sample.is_some());
            known = past;
            store.close();
        }
        assert_eq!(reopen().history(NOON - MINUTE, NOON + MINUTE).await.expect("history"), known);
    });
}

#[test]
fn users_keys_tokens_and_open_jobs_survive_reopening() {
    let path = fresh_path();
    crate::block_on(async {
        let store = open(&path).expect("open");
        let ann = User {
            id: UserId::new(NOON),
            name: "ann".parse().expect("name"),
            role: Role::Admin,
            password: PasswordHash::new("$argon2id$"),
            created_at: NOON,
            disabled_at: None,
            generation: 0,
        };
        store.add_user(ann.clone()).await.expect("add");
        let ann = store.change_user(ann.id, UserChange::Disable(NOON)).await.expect("change").expect("there");
        let secret = TokenSecret::from_bytes([3; 32]);
        let signing = TokenKey { id: TokenKeyId::new(NOON), secret, created_at: NOON };
        store.add_token_key(signing.clone(), NOON).await.expect("add");
        let (token, far) = (TokenId::new(NOON), darkroom_core::Timestamp::from_millis(i64::MAX));
        store.revoke_token(token, far).await.expect("revoke");
        let bounded = || NewJob { max_open: Some(2), ..job("a") };
        store.submit(vec![bounded(), bounded()]).await.expect("submit");
        drop(store);
        let store = open(&path).expect("open");
        assert_eq!(store.users().await.expect("list"), [ann]);
        assert_eq!(store.token_keys().await.expect("list"), [signing]);
        assert!(store.is_token_revoked(token).await.expect("ask"));
        assert_eq!(store.submit(vec![bounded()]).await.expect("submit"), [Submitted::TooManyOpen]);
    });
}

/// It holds hashes of passwords and what signs tokens.
#[test]
fn nobody_else_on_the_machine_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let path = fresh_path();
    std::fs::write(&path, b"").expect("a file of an older version");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("permissions");
    let store = open(&path).expect("open");
    crate::block_on(async { store.submit(vec![job("a")]).await.expect("submit") });
    for file in [path.clone(), path.with_extension("db-wal"), path.with_extension("db-shm")] {
        let mode = file.metadata().expect("the file is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has {mode:o}", file.display());
    }
}

#[test]
fn a_question_that_takes_too_long_is_given_up_and_the_next_one_answered() {
    let reading = Reading { threads: 1, cap: Duration::ZERO };
    let clock = Arc::new(SystemClock);
    let store = Sqlite::open_reading(fresh_path(), StoreLimits::default(), clock, reading).expect("open");
    crate::block_on(async {
        let answers = store.submit((0..5_000).map(|i| job(&format!("{i}"))).collect()).await.expect("submit");
        let Submitted::Created(first) = answers[0] else { panic!("{answers:?}") };
        let rare = JobFilter { text: Some("nowhere".to_owned()), ..JobFilter::default() };
        let slow = store.jobs(rare, Page { limit: 10, before: None }).await;
        assert!(matches!(&slow, Err(StoreError::Unavailable(why)) if why.contains("too long")), "{slow:?}");
        assert!(store.job(first).await.expect("a short question").is_some());
    });
}

#[test]
fn a_full_disk_is_told_and_nothing_of_the_call_is_recorded() {
    let store = open(&fresh_path()).expect("open");
    crate::block_on(async {
        store.submit(vec![job("first")]).await.expect("submit");
        store.limit_pages(1).await.expect("limit");
        let full = store.submit((0..2_000).map(|i| job(&format!("{i}"))).collect()).await;
        assert!(matches!(full, Err(StoreError::DiskFull)), "{full:?}");
        let listed =
            store.jobs(JobFilter::default(), Page { limit: 1_000, before: None }).await.expect("list");
        assert_eq!(listed.len(), 1);
        assert_eq!(store.counts().await.expect("counts").queues[0].states[State::Queued as usize], 1);
        store.limit_pages(1_000_000).await.expect("limit");
        store.submit(vec![job("second")]).await.expect("submit");
        let session = store.open_session(worker("w")).await.expect("open a session");
        assert_eq!(store.claim(session, 10).await.expect("claim").len(), 2);
    });
}

#[test]
fn a_disk_that_fails_to_keep_is_told_and_nobody_is_answered_until_the_store_is_opened_again() {
    let path = fresh_path();
    crate::block_on(async {
        let store = open(&path).expect("open");
        let answers = store.submit(vec![job("kept")]).await.expect("submit");
        let Submitted::Created(kept) = answers[0] else { panic!("{answers:?}") };
        let session = store.open_session(worker("w")).await.expect("open a session");
        store.fail_syncs();
        let told = |error: &StoreError| matches!(error, StoreError::Unavailable(why) if why.contains("disk"));
        assert!(told(&store.submit(vec![job("lost")]).await.expect_err("not durable")));
        assert!(told(&store.submit(vec![job("later")]).await.expect_err("no call after it is served")));
        assert!(told(&store.claim(session, 1).await.expect_err("nor a claim")));
        assert!(told(&store.job(kept).await.expect_err("nor a question")));
        drop(store);
        let store = open(&path).expect("open");
        assert!(store.job(kept).await.expect("read").is_some());
        store.submit(vec![job("again")]).await.expect("submit");
    });
}

/// References go from the log to the index a generation at a time; nothing is missed on the way.
#[test]
fn references_are_exact_while_they_are_folded_and_after_reopening() {
    let path = fresh_path();
    let name = |i: usize| format!("blob {i}");
    crate::block_on(async {
        let mut store = open(&path).expect("open");
        let mut first = None;
        for batch in 0..12 {
            let jobs: Vec<NewJob> = (0..8_000).map(|i| job(&name(batch * 8_000 + i))).collect();
            first.get_or_insert(jobs[0].id);
            store.submit(jobs).await.expect("submit");
            if batch == 8 {
                drop(store);
                store = open(&path).expect("open");
            }
            let known = (0..(batch + 1) * 8_000).step_by(97).map(|i| named_blob(&name(i)));
            let asked: Vec<_> = known.chain([named_blob("stray")]).collect();
            assert_eq!(store.unreferenced(asked).await.expect("ask"), [named_blob("stray")]);
        }
        for _ in 0..30 {
            store.sweep().await.expect("sweep");
        }
        let all: Vec<_> = (0..96_000).step_by(11).map(|i| named_blob(&name(i))).collect();
        assert_eq!(store.unreferenced(all).await.expect("ask"), []);
        let first = first.expect("a job");
        assert_eq!(store.delete(first).await.expect("delete"), Some(vec![named_blob(&name(0))]));
        assert_eq!(store.unreferenced(vec![named_blob(&name(0))]).await.expect("ask").len(), 1);
    });
    let db = rusqlite::Connection::open(&path).expect("open");
    let count = |table: &str| -> i64 {
        db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("count")
    };
    assert!(count("reference") > 50_000 && count("reference_log") < 50_000, "a generation was folded");
}

#[test]
fn sixty_four_slots_at_once_do_every_job_exactly_once() {
    // A clock that stands: the session is not lost, however long the machine takes.
    let clock = Arc::new(ManualClock::at(NOON));
    let store = Sqlite::open_reading(fresh_path(), StoreLimits::default(), clock, PATIENT);
    let store = Arc::new(store.expect("open"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let done = runtime.block_on(async {
        store.submit((0..4_000).map(|i| job(&format!("{i}"))).collect()).await.expect("submit");
        let session = store.open_session(worker("w")).await.expect("open a session");
        let tasks: Vec<_> = (0..64).map(|_| tokio::spawn(work_until_empty(store.clone(), session))).collect();
        let mut done = Vec::new();
        for task in tasks {
            done.extend(task.await.expect("a task"));
        }
        assert_eq!(store.counts().await.expect("counts").operations[0].succeeded, 4_000);
        done
    });
    let distinct: std::collections::HashSet<_> = done.iter().collect();
    assert_eq!((done.len(), distinct.len()), (4_000, 4_000));
}

async fn work_until_empty(
    store: Arc<Sqlite>,
    session: darkroom_core::SessionId,
) -> Vec<darkroom_core::JobId> {
    let mut done = Vec::new();
    loop {
        let claimed = store.claim(session, 3).await.expect("claim");
        if claimed.is_empty() {
            return done;
        }
        for leased in claimed {
            done.push(leased.lease.job);
            let timings = Timings::default();
            let report =
                Settlement { lease: leased.lease, outcome: success("t"), timings, beside: Beside::default() };
            store.settle(vec![report]).await.expect("settle");
        }
    }
}
