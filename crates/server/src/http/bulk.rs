//! The same thing done to many jobs: a thousand at a time, each thousand as one transaction.

use axum::{
    Json,
    extract::{Request, State},
};
use darkroom_api::{
    BulkAction, BulkDone, BulkFilter, BulkRequest, Code,
    bulk::{MAX_IDS, MAX_LIMIT},
};
use darkroom_core::store::{Action, Chosen, JobFilter, MAX_PAGE, Page};

use super::{
    Http,
    body::Incoming,
    caller::Caller,
    cursor,
    failure::{Failure, sentence},
    intake::{content_type, media_type, read_json},
};

/// Jobs that a request looks at unless it says how many.
const LIMIT: u32 = 1_000;

/// Bytes of a request: [`MAX_IDS`] ids of 36 letters, and as much again.
const MAX_BODY: usize = 80 << 10;

/// Does what is asked to the caller's own jobs, or to anybody's for operators.
pub(super) async fn act(
    State(http): State<Http>,
    caller: Caller,
    request: Request,
) -> Result<Json<BulkDone>, Failure> {
    let (head, body) = request.into_parts();
    if media_type(&content_type(&head.headers)) != "application/json" {
        return Err(Failure::new(Code::UnsupportedMediaType, "Send application/json."));
    }
    let mut body = Incoming::new(body, http.config.body_timeout);
    let asked: BulkRequest = read_json(&mut body, MAX_BODY).await?;
    let limit = asked.limit.unwrap_or(LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(wrong("limit", &format!("is 1 to {MAX_LIMIT}")));
    }
    let action = match asked.action {
        BulkAction::Retry => Action::Retry,
        BulkAction::Cancel => Action::Cancel,
        BulkAction::Delete => Action::Delete,
    };
    let before = asked.cursor.as_deref().map(cursor::read).transpose()?;
    let mut chosen = chosen(asked)?;
    if chosen.filter.owner.as_ref().is_some_and(|owner| !caller.sees(owner)) {
        return Ok(Json(BulkDone::default()));
    }
    chosen.filter.owner = chosen.filter.owner.or_else(|| caller.only());
    Ok(Json(act_in_steps(&http, action, &chosen, Page { limit, before }).await?))
}

/// Looks at as many jobs as the page says. Blobs of deleted jobs go with each step.
async fn act_in_steps(
    http: &Http,
    action: Action,
    chosen: &Chosen,
    whole: Page,
) -> Result<BulkDone, Failure> {
    let mut done = BulkDone::default();
    let Page { limit: mut left, mut before } = whole;
    loop {
        let step = Page { limit: left.min(MAX_PAGE), before };
        let acted = http.store.act(action, chosen.clone(), step).await?;
        done.changed += acted.changed;
        done.skipped += acted.skipped;
        http.collect(acted.orphans).await;
        left -= step.limit;
        before = acted.next;
        if before.is_none() || left == 0 {
            break;
        }
    }
    let matched = done.changed + done.skipped;
    Ok(BulkDone { matched, more: before.is_some(), next_cursor: before.map(cursor::of), ..done })
}

fn chosen(asked: BulkRequest) -> Result<Chosen, Failure> {
    match (asked.filter, asked.ids) {
        (Some(filter), None) => Ok(Chosen { filter: meant(filter)?, ids: None }),
        (None, Some(ids)) if ids.len() <= MAX_IDS => {
            // What is not an id is no job's.
            let ids = ids.iter().filter_map(|id| id.parse().ok()).collect();
            Ok(Chosen { filter: JobFilter::default(), ids: Some(ids) })
        }
        (None, Some(_)) => Err(wrong("ids", &format!("are at most {MAX_IDS}"))),
        (Some(_), Some(_)) => Err(wrong("ids", "come without `filter`")),
        (None, None) => Err(wrong("filter", "is missing; send it, or `ids`")),
    }
}

fn meant(filter: BulkFilter) -> Result<JobFilter, Failure> {
    Ok(JobFilter {
        states: filter.state.into_iter().map(Into::into).collect(),
        operation: filter.op,
        owner: parsed("owner", filter.owner)?,
        origin: parsed("origin", filter.origin)?,
        queue: parsed("queue", filter.queue)?,
        run: parsed("run", filter.run)?,
        since: filter.since.map(|time| time.0),
        until: filter.until.map(|time| time.0),
        text: filter.q.filter(|text| !text.is_empty()),
        failures: filter.failure.into_iter().map(Into::into).collect(),
        ..JobFilter::default()
    })
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &str,
    text: Option<String>,
) -> Result<Option<T>, Failure> {
    text.map(|text| text.parse().map_err(|error: T::Err| wrong(field, &error.to_string()))).transpose()
}

fn wrong(field: &str, what: &str) -> Failure {
    Failure::new(Code::InvalidJob, sentence(&format!("`{field}`: {what}")))
}
