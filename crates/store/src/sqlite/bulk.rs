//! The same thing done to many jobs: found by a reader, done by the writer, which looks at each once more.

use std::collections::BTreeSet;

use darkroom_core::{
    job::Event,
    store::{Acted, Action, Chosen, JobFilter, MAX_PAGE, Page, StoreError},
};
use rusqlite::{Connection, OptionalExtension, ToSql};

use super::{
    Sqlite,
    book::Book,
    query::Query,
    rows::{HOT, Hot, JOINS},
    trouble::Trouble,
};

impl Sqlite {
    /// See [`darkroom_core::store::Admin::act`]. Searching a million jobs takes long, so that the writer, who keeps all
    /// others waiting, is given places; whatever has happened to a job there since is seen in the transaction.
    pub(super) async fn act_on_many(
        &self,
        action: Action,
        chosen: Chosen,
        page: Page,
    ) -> Result<Acted, StoreError> {
        if chosen.ids.as_ref().is_some_and(|ids| ids.len() > MAX_PAGE as usize) {
            return Err(StoreError::BatchTooLarge);
        }
        let few = self.few(&chosen.filter.states);
        let filter = chosen.filter.clone();
        let (found, next) = self.readers.ask(move |db| places(db, &chosen, page, few)).await?;
        if found.is_empty() {
            return Ok(Acted::default());
        }
        let acted = self.write(found.len(), move |book| book.act(action, &filter, &found)).await?;
        Ok(Acted { next, ..acted })
    }
}

/// The jobs of one page, and the last of them if there are others behind it.
fn places(
    db: &Connection,
    chosen: &Chosen,
    page: Page,
    few: bool,
) -> Result<(Vec<i64>, Option<u64>), Trouble> {
    let limit = page.limit.clamp(1, MAX_PAGE) as usize;
    let mut query = Query::default();
    if let Some(ids) = &chosen.ids {
        query.of_ids(ids);
    }
    query.narrow(&chosen.filter);
    query.find(&chosen.filter, few);
    query.behind(page.before, chosen.filter.order);
    let sql = format!("SELECT job.seq {}", query.rest_of_select(chosen.filter.order, limit + 1));
    let mut statement = db.prepare(&sql)?;
    let mut found: Vec<i64> =
        statement.query_map(&query.values()[..], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|seq| *seq as u64);
    Ok((found, next))
}

impl Book {
    fn act(&mut self, action: Action, filter: &JobFilter, places: &[i64]) -> Result<Acted, Trouble> {
        // Whether a queue is paused is asked of the file.
        self.write_totals()?;
        let mut acted = Acted::default();
        let mut blobs = BTreeSet::new();
        for hot in self.still_matching(filter, places)? {
            if !action.changes(hot.status, hot.limits, hot.item.as_ref().map(|(_, key)| key)) {
                acted.skipped += 1;
                continue;
            }
            match action.event() {
                Some(event) => self.move_hot(hot, event)?,
                None => blobs.extend(self.remove(&hot)?),
            }
            acted.changed += 1;
        }
        acted.orphans = self.orphans(blobs)?;
        Ok(acted)
    }

    /// Moves a job that was just read.
    pub(super) fn move_hot(&mut self, mut hot: Hot, event: Event) -> Result<(), Trouble> {
        let now = self.now();
        self.step(&mut hot, event, now)?;
        if let Some((running, _)) = self.running.get_mut(&hot.seq) {
            *running = hot;
        }
        Ok(())
    }

    fn still_matching(&self, filter: &JobFilter, places: &[i64]) -> Result<Vec<Hot>, Trouble> {
        let mut query = Query::default();
        query.narrow(filter);
        let sql = format!("SELECT {HOT} FROM job {JOINS} WHERE {} AND job.seq = ?", query.condition());
        let mut statement = self.db.prepare(&sql)?;
        let mut matching = Vec::with_capacity(places.len());
        for seq in places {
            let mut values = query.values();
            let seq: &dyn ToSql = seq;
            values.push(seq);
            matching.extend(statement.query_row(&values[..], Hot::read).optional()?);
        }
        Ok(matching)
    }
}
