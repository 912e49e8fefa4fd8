//! The inference log.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use reqwest::Method;

use super::{Client, ClientError};
use crate::{PredictionFormat, PredictionPage};

/// Which entries a listing shows; the default matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PredictionOptions {
    /// Of this model.
    pub model: Option<String>,
    /// Of this version of it.
    pub version: Option<String>,
    /// Asked here: `job`, `predict`, `digit` or `infer`.
    pub surface: Option<String>,
    /// `answered` or `failed`.
    pub outcome: Option<String>,
    /// Whose likeliest label is this one.
    pub label: Option<String>,
    /// Asked by this owner.
    pub owner: Option<String>,
    /// Answered at or after this instant (RFC 3339).
    pub since: Option<String>,
    /// Answered before this instant.
    pub until: Option<String>,
    /// Entries at most.
    pub limit: Option<u32>,
    /// Where the part before ended.
    pub cursor: Option<String>,
}

impl PredictionOptions {
    fn query(&self) -> Vec<(&'static str, String)> {
        let text = [
            ("model", &self.model),
            ("version", &self.version),
            ("surface", &self.surface),
            ("outcome", &self.outcome),
            ("label", &self.label),
            ("owner", &self.owner),
            ("since", &self.since),
            ("until", &self.until),
            ("cursor", &self.cursor),
        ];
        let given = text.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
        given.chain(self.limit.map(|limit| ("limit", limit.to_string()))).collect()
    }
}

impl Client {
    /// A part of the inference log, newest first.
    pub async fn predictions(&self, options: &PredictionOptions) -> Result<PredictionPage, ClientError> {
        self.json(self.request(Method::GET, "/v1/predictions").query(&options.query())).await
    }

    /// The inference log, newest first, chunk by chunk. `limit` and `cursor` are of no meaning here.
    pub async fn export_predictions(
        &self,
        options: &PredictionOptions,
        format: PredictionFormat,
    ) -> Result<impl Stream<Item = Result<Bytes, ClientError>> + use<>, ClientError> {
        let whole = PredictionOptions { limit: None, cursor: None, ..options.clone() };
        let request = self.request(Method::GET, "/v1/predictions/export").query(&whole.query());
        let response = self.send(request.query(&[("format", format.as_str())])).await?;
        Ok(response.bytes_stream().map(|chunk| chunk.map_err(ClientError::Transport)))
    }
}
