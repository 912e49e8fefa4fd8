//! The groups of an aggregate: folders with their means, labels with their counts.

use axum::{
    Json,
    extract::{Path, Request, State},
};
use darkroom_api::{RunGroup, RunGroups};
use darkroom_core::{
    run::{AggregateKind, Run},
    store::{GroupPage, MAX_PAGE},
};

use super::{Http, caller::Caller, cursor, failure::Failure, query::Query};

/// Groups of one page unless the client says how many: each may have a mean.
const PAGE: u32 = 100;

/// A part of the groups, by name.
pub(super) async fn list(
    State(http): State<Http>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<RunGroups>, Failure> {
    let mut query = Query::of(request.uri())?;
    let which = query.parse::<usize>("which")?;
    let limit = query.parse("limit")?.unwrap_or(PAGE);
    let after = query.take("cursor").map(|text| cursor::read_name(&text)).transpose()?;
    query.finish()?;
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Failure::parameter("limit", format_args!("is 1 to {MAX_PAGE}")));
    }
    let run = http.run_of(&caller, &id).await?;
    let aggregate = grouped(&run, which)?;
    let found = http.store.groups(run.id, GroupPage { aggregate, limit, after }).await?;
    // A full page may be the last one; then the next is empty.
    let last = found.last().filter(|_| found.len() == limit as usize);
    let next_cursor = last.map(|(name, _)| cursor::of_name(name));
    let groups = found.into_iter().map(|(name, cell)| RunGroup::of(name, &cell)).collect();
    Ok(Json(RunGroups { groups, next_cursor }))
}

/// The place of an aggregate that has groups: the one that is asked for, or the first.
fn grouped(run: &Run, which: Option<usize>) -> Result<u8, Failure> {
    let mut specs = run.aggregates.iter().enumerate();
    let found = specs.find(|(at, spec)| match which {
        Some(which) => *at == which && has_groups(spec.kind),
        None => has_groups(spec.kind),
    });
    let (at, _) =
        found.ok_or_else(|| Failure::parameter("which", "names no aggregate of the run that has groups"))?;
    Ok(at as u8)
}

fn has_groups(kind: AggregateKind) -> bool {
    match kind {
        AggregateKind::MeanByFolder { .. } | AggregateKind::Counts => true,
        AggregateKind::Mean { .. } => false,
    }
}
