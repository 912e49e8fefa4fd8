//! `GET /v1/settings`: how the server is set up, as whoever started it has told.

use axum::{Json, extract::State};
use darkroom_api::SettingList;

use super::Http;

/// Every setting in force.
pub(super) async fn list(State(http): State<Http>) -> Json<SettingList> {
    Json(SettingList { settings: http.settings.to_vec() })
}
