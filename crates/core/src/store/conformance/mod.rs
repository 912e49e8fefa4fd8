//! The suite that every store passes: one function a promise, named after it. Needs no runtime of its own.
//!
//! A backend instantiates all of them with [`store_conformance!`](crate::store_conformance), giving something that
//! runs a future to its end and a function that makes an empty store with a clock to move.

mod attempts;
mod bulk;
mod cache;
mod cancelling;
mod counting;
mod fixture;
mod history;
mod limiting;
mod listing;
mod predictions;
mod queueing;
mod retention;
mod run_again;
mod run_fixture;
mod run_items;
mod run_life;
mod run_sums;
mod sessions;
mod submitting;
mod users;

use std::sync::Arc;

pub use attempts::*;
pub use bulk::*;
pub use cache::*;
pub use cancelling::*;
pub use counting::*;
pub use fixture::{NOON, job, named_blob, prediction, success, worker};
pub use history::*;
pub use limiting::*;
pub use listing::*;
pub use predictions::*;
pub use queueing::*;
pub use retention::*;
pub use run_again::*;
pub use run_fixture::{dataset, image, vector_of, with_vector};
pub use run_items::*;
pub use run_life::*;
pub use run_sums::*;
pub use sessions::*;
pub use submitting::*;
pub use users::*;

use super::{Store, StoreLimits};
use crate::ManualClock;

/// Makes an empty store with these limits, and the clock that it reads.
pub type Open<'a> = &'a dyn Fn(StoreLimits) -> (Arc<dyn Store>, Arc<ManualClock>);

/// One `#[test]` for each promise. `$block_on` runs a future to its end; `$open` is an [`Open`].
#[macro_export]
macro_rules! store_conformance {
    ($block_on:path, $open:path) => {
        $crate::store_conformance! { @tests $block_on, $open:
            a_submitted_job_is_found_as_it_was_submitted,
            jobs_are_numbered_in_the_order_of_submission,
            a_repeated_idempotent_submission_gives_the_first_job,
            an_idempotency_key_with_other_content_is_a_conflict,
            an_idempotency_key_belongs_to_its_owner,
            an_idempotency_key_is_free_again_once_its_job_is_deleted,
            a_job_that_is_submitted_twice_is_recorded_once,
            a_full_queue_rejects_and_takes_again_when_there_is_room,
            a_batch_above_the_maximum_is_refused_as_a_whole,
            an_empty_store_gives_nothing,
            jobs_of_one_lane_are_claimed_in_order_of_submission,
            a_higher_priority_goes_first_within_a_lane,
            a_run_of_thousands_does_not_starve_an_upload,
            lanes_take_turns,
            concurrent_claims_never_receive_the_same_job,
            a_job_for_later_is_not_claimed_before_its_time,
            scheduled_jobs_fall_due_in_bounded_steps,
            a_paused_queue_shows_held_and_gives_nothing,
            pausing_one_queue_leaves_the_others_alone,
            running_jobs_of_a_paused_queue_finish,
            watchers_hear_of_work_and_of_changes,
            no_more_jobs_of_a_queue_run_than_its_limit_says,
            concurrent_claims_stay_within_the_limit_of_a_queue,
            a_limit_changes_while_jobs_run,
            a_full_queue_keeps_nobody_else_waiting,
            a_queue_that_was_full_does_not_catch_up,
            a_vanished_worker_holds_its_places_until_it_is_rescued,
            a_cancelled_job_holds_its_place_until_its_worker_notices,
            a_limit_and_a_pause_hold_beside_each_other,
            room_in_a_full_queue_is_heard_as_work,
            a_success_is_recorded_with_its_results_and_timings,
            an_outcome_with_an_old_token_changes_nothing,
            an_outcome_that_is_reported_twice_is_recorded_once,
            a_permanent_failure_is_final_at_once,
            a_transient_failure_waits_for_its_delay,
            transient_failures_spend_the_budget,
            every_attempt_keeps_its_error,
            an_interrupted_attempt_is_given_back,
            a_job_that_loses_three_workers_fails,
            a_cancellation_that_nobody_asked_for_gives_the_attempt_back,
            a_session_lives_by_its_beats,
            a_silent_session_loses_its_jobs,
            sessions_that_vanish_together_are_lost_as_they_were_opened,
            a_lost_session_is_told_so,
            closing_a_session_returns_its_jobs,
            closing_an_unknown_session_is_no_error,
            a_finished_job_is_not_touched_by_the_end_of_its_session,
            live_workers_are_listed_with_what_they_said,
            a_waiting_job_is_cancelled_at_once,
            a_running_job_is_cancelled_when_its_worker_notices,
            a_job_that_succeeds_before_it_notices_has_succeeded,
            a_cancelled_job_whose_worker_vanishes_is_cancelled,
            cancelling_is_idempotent_and_knows_its_jobs,
            retrying_gives_a_fresh_budget,
            retrying_a_success_is_refused,
            retrying_a_waiting_or_running_job_changes_nothing,
            a_scheduled_job_can_be_retried_now,
            listings_show_the_newest_first_and_page_without_gaps,
            every_filter_narrows_as_the_simple_model_does,
            text_is_searched_without_wildcards,
            listings_leave_attempts_and_results_out,
            an_alias_finds_the_newest_job_of_its_origin,
            acting_on_many_jobs_is_acting_on_each,
            many_jobs_are_acted_on_in_bounded_steps,
            chosen_ids_are_acted_on_if_they_match,
            deleting_many_jobs_tells_which_blobs_are_orphans,
            many_items_that_are_retried_open_their_run_again,
            counts_agree_with_a_recount,
            totals_outlive_the_jobs_they_counted,
            what_finished_is_counted_by_the_minute,
            the_oldest_queued_job_is_known_unless_it_is_held,
            the_oldest_queued_job_of_each_queue_is_known,
            deleting_a_running_job_is_refused,
            deleting_tells_which_blobs_are_orphans,
            only_unreferenced_blobs_are_called_so,
            finished_jobs_are_kept_for_their_time,
            a_sweep_deletes_a_bounded_number_of_jobs,
            a_ready_store_answers_a_ping,
            a_user_is_found_as_it_was_added,
            a_name_belongs_to_one_user,
            users_change_as_the_rules_say,
            a_removed_user_is_gone_with_its_keys,
            keys_are_found_and_listed,
            a_key_is_used_and_revoked,
            a_user_has_a_bounded_number_of_keys,
            a_revoked_token_is_remembered_until_it_expires,
            token_keys_are_kept_as_long_as_they_are_needed,
            a_blob_is_referred_to_by_the_jobs_of_an_owner,
            an_owner_has_a_bounded_number_of_open_jobs,
            a_run_is_found_as_it_was_made,
            a_repeated_idempotent_request_gives_the_first_run,
            runs_are_listed_newest_first,
            an_item_is_recorded_once_however_often_it_comes,
            a_run_takes_no_more_than_its_mark,
            what_is_no_item_is_counted_by_its_reason,
            items_are_listed_in_their_order_with_their_results,
            an_item_goes_with_its_run_only,
            a_deleted_run_is_gone_with_its_items,
            an_ended_run_is_kept_for_its_time_and_its_items_with_it,
            a_run_ends_with_its_last_item,
            a_run_that_has_all_its_items_takes_no_more,
            a_paused_run_gives_nothing_and_goes_on_when_resumed,
            a_run_waits_while_blobs_cannot_be_kept,
            an_upload_does_not_wait_for_a_run,
            a_cancelled_run_cancels_its_items,
            a_run_stops_after_so_many_failures,
            a_run_stops_at_a_share_of_failures,
            what_has_failed_is_done_again_when_asked,
            a_run_whose_source_fails_holds_its_items,
            an_item_that_is_retried_by_hand_opens_its_run_again,
            the_tally_of_a_run_agrees_with_a_recount,
            a_run_that_changes_is_heard,
            the_sum_of_a_run_is_the_same_in_any_order_by_any_workers,
            an_outcome_with_an_old_token_gives_nothing_to_the_sum,
            an_item_that_is_done_again_replaces_what_it_gave,
            folders_and_labels_are_gathered_apart,
            what_has_no_value_or_a_wrong_one_is_counted_apart,
            a_run_that_is_redone_is_done_anew_and_whole,
            the_rate_of_a_run_is_that_of_the_time_since_it_was_taken_up,
            items_that_were_remembered_are_counted,
            items_of_a_run_that_gives_no_work_are_shown_as_held,
            an_uploaded_archive_belongs_to_its_run_while_it_is_read,
            an_input_keeps_its_place,
            a_damaged_archive_is_remembered,
            the_pace_of_a_run_is_told,
            predictions_are_listed_as_they_were_recorded,
            every_filter_of_predictions_narrows_as_it_says,
            a_settlement_logs_its_predictions_once,
            a_job_that_is_deleted_leaves_its_predictions,
            predictions_are_kept_for_their_time,
            predictions_are_kept_up_to_their_number,
            a_sweep_forgets_a_bounded_number_of_predictions,
            a_remembered_result_is_recalled,
            a_stale_settlement_remembers_nothing,
            a_deleted_job_is_not_remembered,
            the_newest_job_is_the_one_that_is_remembered,
            results_of_no_job_are_remembered_without_artifacts,
            results_are_remembered_for_their_time,
            results_are_remembered_up_to_their_number,
            what_happens_is_kept_by_the_minute,
            the_queue_is_sampled_once_a_minute,
            what_a_run_holds_is_not_in_the_samples,
            as_many_minutes_are_kept_as_go_into_their_time,
            a_wrong_clock_costs_the_history_its_own_minutes_only,
            failures_are_counted_by_their_reason
        }
    };
    (@tests $block_on:path, $open:path: $($promise:ident),*) => {
        $(
            #[test]
            fn $promise() {
                $block_on($crate::store::conformance::$promise(&$open));
            }
        )*
    };
}
