//! Which rows a filter shows, and how they are found among a million.

use darkroom_core::{
    JobId, Timestamp,
    job::{FailureKind, Shown, State},
    store::{JobFilter, Order, Page},
};
use rusqlite::ToSql;

use super::rows::{HELD, JOINS, kind_number};

/// Conditions, and the values of their question marks in order.
#[derive(Default)]
pub(super) struct Query {
    conditions: Vec<String>,
    values: Vec<Box<dyn ToSql>>,
}

impl Query {
    /// What a page of a listing shows. `few`: whether few jobs have the states that are asked for.
    pub(super) fn of_page(filter: &JobFilter, page: Page, few: bool) -> Self {
        let mut query = Self::default();
        query.narrow(filter);
        query.find(filter, few);
        query.behind(page.before, filter.order);
        query
    }

    /// The rest of a statement that begins with `SELECT` and columns of jobs.
    pub(super) fn rest_of_select(&self, order: Order, limit: usize) -> String {
        let direction = match order {
            Order::Newest => "DESC",
            Order::Oldest => "ASC",
        };
        format!("FROM job {JOINS} WHERE {} ORDER BY job.seq {direction} LIMIT {limit}", self.condition())
    }

    /// All conditions together.
    pub(super) fn condition(&self) -> String {
        if self.conditions.is_empty() { "1".to_owned() } else { self.conditions.join(" AND ") }
    }

    pub(super) fn values(&self) -> Vec<&dyn ToSql> {
        self.values.iter().map(AsRef::as_ref).collect()
    }

    /// A condition without a value.
    pub(super) fn given(&mut self, condition: &str) {
        self.conditions.push(condition.to_owned());
    }

    pub(super) fn and(&mut self, condition: &str, value: impl ToSql + 'static) {
        self.conditions.push(condition.to_owned());
        self.values.push(Box::new(value));
    }

    /// What each row says of itself.
    pub(super) fn narrow(&mut self, filter: &JobFilter) {
        self.narrow_states(&filter.states);
        if let Some(operation) = &filter.operation {
            let bit = "(job.operations >> (SELECT id FROM operation WHERE name = ?)) & 1";
            self.and(bit, operation.clone());
        }
        if let Some(owner) = &filter.owner {
            self.and("job.owner = (SELECT id FROM word WHERE text = ?)", owner.to_string());
        }
        if let Some(origin) = &filter.origin {
            self.and("job.origin = (SELECT id FROM word WHERE text = ?)", origin.to_string());
        }
        if let Some(queue) = &filter.queue {
            self.and("job.queue = (SELECT id FROM queue WHERE name = ?)", queue.to_string());
        }
        if let Some(run) = filter.run {
            self.and("job.run = (SELECT id FROM run WHERE uuid = ?)", *run.as_bytes());
        }
        let millis = Timestamp::as_millis;
        if let Some(since) = filter.since {
            self.and("job.created_at >= ?", millis(since));
        }
        if let Some(until) = filter.until {
            self.and("job.created_at < ?", millis(until));
        }
        // SQLite's `lower` changes ASCII letters only, as `to_ascii_lowercase` does.
        if let Some(text) = filter.text.as_ref().filter(|text| !text.is_empty()) {
            self.and("instr(lower(detail.name), ?) > 0", text.to_ascii_lowercase());
        }
        if !filter.failures.is_empty() {
            // States that show a failure. The sign keeps the index of failures from being walked in its own order.
            let kinds = numbers(&filter.failures);
            self.given(&format!("job.state IN (0, 1, 4) AND +failure.kind IN ({kinds})"));
        }
    }

    fn narrow_states(&mut self, states: &[Shown]) {
        if states.is_empty() {
            return;
        }
        let condition = |shown: &Shown| match shown {
            Shown::Queued => format!("(job.state = 1 AND NOT {HELD})"),
            Shown::Held => format!("(job.state = 1 AND {HELD})"),
            other => format!("job.state = {}", stored(*other) as i64),
        };
        let any: Vec<String> = states.iter().map(condition).collect();
        self.given(&format!("({})", any.join(" OR ")));
    }

    /// Leads to the rows by indexes, where that is quicker than walking over all jobs in their order. A list of places
    /// is walked in order, so that nothing is sorted.
    pub(super) fn find(&mut self, filter: &JobFilter, few: bool) {
        if !filter.failures.is_empty() {
            let kinds = numbers(&filter.failures);
            self.given(&format!("job.seq IN (SELECT seq FROM failure WHERE kind IN ({kinds}))"));
        } else if few {
            let from_index =
                |shown: &Shown| format!("SELECT seq FROM job WHERE state = {}", stored(*shown) as i64);
            let parts: Vec<String> = filter.states.iter().map(from_index).collect();
            self.given(&format!("job.seq IN ({})", parts.join(" UNION ALL ")));
        }
    }

    /// One of these jobs.
    pub(super) fn of_ids(&mut self, ids: &[JobId]) {
        let marks = vec!["?"; ids.len()].join(", ");
        self.given(&format!("job.seq IN (SELECT seq FROM detail WHERE id IN ({marks}))"));
        for id in ids {
            self.values.push(Box::new(*id.as_bytes()));
        }
    }

    /// What comes behind a page.
    pub(super) fn behind(&mut self, before: Option<u64>, order: Order) {
        let Some(before) = before else { return };
        let condition = match order {
            Order::Newest => "job.seq < ?",
            Order::Oldest => "job.seq > ?",
        };
        self.and(condition, before.min(i64::MAX as u64) as i64);
    }
}

pub(super) fn stored(shown: Shown) -> State {
    match shown {
        Shown::Scheduled => State::Scheduled,
        Shown::Queued | Shown::Held => State::Queued,
        Shown::Running => State::Running,
        Shown::Succeeded => State::Succeeded,
        Shown::Failed => State::Failed,
        Shown::Cancelled => State::Cancelled,
    }
}

fn numbers(kinds: &[FailureKind]) -> String {
    let numbers: Vec<String> = kinds.iter().map(|kind| kind_number(*kind).to_string()).collect();
    numbers.join(", ")
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::sqlite::{
        rows::HOT,
        schema::{MIGRATIONS, migrate},
    };

    /// How SQLite goes about a listing.
    fn plan(filter: &JobFilter, few: bool) -> String {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db, MIGRATIONS).unwrap();
        let query = Query::of_page(filter, Page { limit: 50, before: Some(7) }, few);
        let sql = format!("EXPLAIN QUERY PLAN SELECT {HOT} {}", query.rest_of_select(filter.order, 50));
        let mut statement = db.prepare(&sql).unwrap();
        let steps = statement.query_map(&query.values()[..], |row| row.get::<_, String>(3)).unwrap();
        steps.collect::<Result<Vec<_>, _>>().unwrap().join("\n")
    }

    #[test]
    fn no_listing_sorts_and_rare_jobs_are_found_by_an_index() {
        let none = JobFilter::default;
        let run = Some(darkroom_core::RunId::from_bytes([1; 16]));
        let failed = vec![Shown::Failed];
        let failures = vec![FailureKind::Undecodable, FailureKind::Crashed];
        let cases = [
            (none(), "SEARCH job USING INTEGER PRIMARY KEY (rowid<?)"),
            (JobFilter { states: failed.clone(), ..none() }, "job_failed"),
            (JobFilter { failures: failures.clone(), ..none() }, "failure_kind (kind=?)"),
            (
                JobFilter { failures: failures.clone(), states: failed.clone(), ..none() },
                "failure_kind (kind=?)",
            ),
            (JobFilter { run, ..none() }, "job_run (run=?"),
        ];
        for (filter, step) in cases {
            for order in [Order::Newest, Order::Oldest] {
                let filter = JobFilter { order, ..filter.clone() };
                let plan = plan(&filter, filter.states == failed);
                let step =
                    if order == Order::Oldest { step.replace("rowid<", "rowid>") } else { step.to_owned() };
                assert!(plan.contains(&step), "{filter:?}:\n{plan}");
                let dear = ["SCAN job", "SCAN failure", "USE TEMP B-TREE FOR ORDER BY"];
                assert!(!plan.lines().any(|line| dear.contains(&line)), "{filter:?}:\n{plan}");
            }
        }
    }
}
