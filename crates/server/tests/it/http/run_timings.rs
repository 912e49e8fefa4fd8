//! Where the time of the items of a run went, in every form of its results.

use bytes::Bytes;
use darkroom_api::{RunItem, job::State};
use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::Field,
};

use super::{
    app::App,
    runs::{app_for, dataset, folder_of, items, request},
};

const COLUMNS: [&str; 4] = ["read_us", "wait_us", "work_us", "write_us"];

/// What a table says of the item `path`.
type Cells = Vec<Option<u64>>;

async fn results(app: &App, run: &str, format: &str) -> Bytes {
    app.get(&format!("/v1/runs/{run}/results?format={format}")).await.bytes().await.unwrap()
}

async fn from_lines(app: &App, run: &str, path: &str) -> Cells {
    let items = items(app, run).await;
    let spent = items.iter().find(|item| item.path == path).unwrap().timings;
    let cells = |t: darkroom_api::Timings| [t.read_us, t.wait_us, t.work_us, t.write_us].map(Some).to_vec();
    spent.map_or(vec![None; 4], cells)
}

async fn from_csv(app: &App, run: &str, path: &str) -> Cells {
    let text = String::from_utf8(results(app, run, "csv").await.to_vec()).unwrap();
    let names: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    // The columns of timings come before any whose text may hold a comma, but for the words of failures.
    let row = text.lines().find(|line| line.split(',').nth(1) == Some(path)).unwrap();
    let cells: Vec<&str> = row.split(',').collect();
    let cell = |name: &&str| cells[names.iter().position(|known| known == name).unwrap()];
    COLUMNS.iter().map(|name| (!cell(name).is_empty()).then(|| cell(name).parse().unwrap())).collect()
}

async fn from_parquet(app: &App, run: &str, path: &str) -> Cells {
    let reader = SerializedFileReader::new(results(app, run, "parquet").await).unwrap();
    let mut rows = reader.get_row_iter(None).unwrap().map(Result::unwrap);
    let is_it = |field: &Field| matches!(field, Field::Str(text) if text == path);
    let row =
        rows.find(|row| row.get_column_iter().any(|(name, field)| name == "path" && is_it(field))).unwrap();
    let cell = |name: &str| match row.get_column_iter().find(|(known, _)| *known == name).unwrap().1 {
        Field::Null => None,
        Field::Long(number) => Some(u64::try_from(*number).unwrap()),
        other => panic!("{name} is {other}"),
    };
    COLUMNS.iter().map(|name| cell(name)).collect()
}

/// What every form says of an item, which is the same.
async fn spent(app: &App, run: &str, path: &str) -> Cells {
    let lines = from_lines(app, run, path).await;
    assert_eq!(from_csv(app, run, path).await, lines, "{path}");
    assert_eq!(from_parquet(app, run, path).await, lines, "{path}");
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn results_say_where_the_time_of_each_item_went_if_that_is_known() {
    let folder = dataset(3);
    let mut app = app_for(folder.path()).await;
    let asked = request(folder_of(folder.path()));
    let first = app.client.make_run(&asked).await.unwrap();
    app.client.wait_for_run(&first.id).await.unwrap();
    // Folders hold the same images: a copy may be remembered within the run.
    let is_worked = |item: &RunItem| item.results.first().is_some_and(|result| !result.cached);
    let job = items(&app, &first.id).await.into_iter().find(is_worked).unwrap();
    let worked = spent(&app, &first.id, &job.path).await;
    assert!(worked[0] > Some(0) && worked[2] > Some(0) && worked[3] > Some(0), "{worked:?}");
    let attempts = app.client.job(&job.job).await.unwrap().attempts;
    assert_eq!(attempts.last().map(|attempt| attempt.timings), job.timings);
    let failed = spent(&app, &first.id, "torn.png").await;
    assert!(failed[0] > Some(0), "one that failed was read: {failed:?}");
    let second = app.client.make_run(&asked).await.unwrap();
    app.client.wait_for_run(&second.id).await.unwrap();
    assert_eq!(spent(&app, &second.id, &job.path).await, [None; 4], "what is remembered took no time");
    let root = folder.path().to_str().unwrap().to_owned();
    app.restart(|config| config.sources.roots = vec![root]).await;
    assert_eq!(spent(&app, &first.id, &job.path).await, worked);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_waits_once_more_has_no_timings() {
    let folder = dataset(1);
    let app = app_for(folder.path()).await;
    let made = app.client.make_run(&request(folder_of(folder.path()))).await.unwrap();
    let run = app.client.wait_for_run(&made.id).await.unwrap();
    assert!(run.rate > Some(0.0) && run.worked > 0.0, "{run:?}");
    app.client.pause("default").await.unwrap();
    let again = app.client.change_run(&made.id, "redo").await.unwrap();
    assert_eq!((again.started_at, again.rate, again.time_left), (None, None, None));
    assert_eq!(again.worked.to_bits(), 0);
    let items = items(&app, &made.id).await;
    assert!(items.iter().all(|item| item.state == State::Held && item.timings.is_none()), "{items:?}");
    assert_eq!(spent(&app, &made.id, "ann/000.png").await, [None; 4]);
    app.client.resume("default").await.unwrap();
    let done = app.client.wait_for_run(&made.id).await.unwrap();
    assert!(done.rate > Some(0.0) && done.started_at >= run.finished_at, "{done:?}");
    app.finish().await;
}
