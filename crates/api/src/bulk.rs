//! The same thing done to many jobs with one request.

use serde::{Deserialize, Deserializer, Serialize, de::IntoDeserializer};
use utoipa::ToSchema;

use crate::{
    Time,
    job::{FailureKind, State},
};

/// Jobs that one request names at most.
pub const MAX_IDS: usize = 1_000;

/// Jobs that one request looks at at most.
pub const MAX_LIMIT: u32 = 10_000;

/// What to do, and to which jobs: those that match `filter`, or those of `ids`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkRequest {
    /// What is done to each of them.
    pub action: BulkAction,
    /// All that match, newest first. Without a word in it that is every job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<BulkFilter>,
    /// These.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 1000)]
    pub ids: Option<Vec<String>>,
    /// Jobs that are looked at at most; 1000 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10000)]
    pub limit: Option<u32>,
    /// From `next_cursor` of the call before, to go on where that one stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// What is done to each job, as by the routes for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BulkAction {
    /// Queues a failed, cancelled or scheduled job at once, with a fresh budget of attempts.
    Retry,
    /// Cancels a job that has not ended.
    Cancel,
    /// Deletes a job that does not run and belongs to no run.
    Delete,
}

/// Which jobs are meant, in the words of the listing. Every field narrows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BulkFilter {
    /// Any of these states; one text with commas between them will do.
    #[serde(deserialize_with = "words", skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<State>,
    /// Jobs with this operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// Images of this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Jobs of this owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Jobs of this queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Jobs that came through this surface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Submitted at or after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Submitted before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// File names that contain this, ASCII case ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Jobs that show a failure of any of these kinds; one text with commas between them will do.
    #[serde(deserialize_with = "words", skip_serializing_if = "Vec::is_empty")]
    pub failure: Vec<FailureKind>,
}

/// What became of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct BulkDone {
    /// Jobs that were looked at: the sum of the next two.
    pub matched: u64,
    /// Jobs that were changed.
    pub changed: u64,
    /// Jobs that were left as they are, because the route for one would change nothing or refuse.
    pub skipped: u64,
    /// Whether other jobs match that were not looked at.
    pub more: bool,
    /// What to send as `cursor` to go on with those; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_cursor: Option<String>,
}

/// Words of a list, or of one text with commas between them as in a query string.
fn words<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Text(String),
        List(Vec<String>),
    }
    let words = match Given::deserialize(from)? {
        Given::Text(text) => text.split(',').map(ToOwned::to_owned).collect(),
        Given::List(list) => list,
    };
    words.into_iter().map(|word| T::deserialize(word.into_deserializer())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_as_a_list_or_as_in_a_query() {
        let read = |text: &str| serde_json::from_str::<BulkFilter>(text).map(|filter| filter.state);
        let both = vec![State::Failed, State::Cancelled];
        assert_eq!(read(r#"{"state":["failed","cancelled"]}"#).unwrap(), both);
        assert_eq!(read(r#"{"state":"failed,cancelled"}"#).unwrap(), both);
        assert_eq!(read("{}").unwrap(), []);
        for wrong in
            [r#"{"state":"done"}"#, r#"{"state":""}"#, r#"{"state":[7]}"#, r#"{"states":["failed"]}"#]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let filter = BulkFilter { state: both, ..BulkFilter::default() };
        assert_eq!(serde_json::to_string(&filter).unwrap(), r#"{"state":["failed","cancelled"]}"#);
    }
}
