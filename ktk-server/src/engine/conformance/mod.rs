//! What the engine must do, on every store: one function a promise, all of them checked with the
//! invariants of `check` after each operation. A store's own tests run them with
//! `engine_conformance!`.

mod adopts;
mod affinity;
mod amends;
mod applies;
mod as_a_whole;
mod broken;
mod build;
mod calls;
mod cancels;
mod cascades;
mod changes;
mod check;
mod clocks;
mod collects;
mod crashes;
pub mod cut;
mod cutoff;
mod deeds;
mod deletes;
pub mod dump;
mod entities;
mod expressions;
mod external;
mod forced;
mod hooks;
mod items;
mod items_again;
mod lab;
mod limits;
mod lists;
mod many;
mod mirror;
mod needs;
mod nodes;
#[cfg(not(feature = "simulation"))]
mod on_memory;
#[cfg(not(feature = "simulation"))]
mod on_sqlite;
mod parallel;
mod permits;
mod phases;
mod pipelines;
mod planned;
mod plans;
mod promise;
mod random;
mod references;
mod requests;
mod restarts;
mod retries;
mod run_if;
mod simulation;
mod task_types;
mod tokens;
mod told;
mod unique;
mod watches;
mod whole;
mod why;
mod within;

/// A test for each case; `$make` gives what must outlive the store, and the store.
macro_rules! engine_conformance {
    ($make:ident) => {
        $crate::engine::conformance::engine_conformance!($make:
            phases: created_queued_running_succeeded, a_failure_is_final, waits_for_its_needs,
                waits_for_its_time, its_time_and_its_needs, outputs_are_kept_and_handed_on,
                too_large_outputs_are_a_failure, bad_input_fails_the_task_and_wakes_the_next,
                unknown_types_and_queues_are_refused, names_are_taken_once;
            expressions: values_of_needs, values_in_a_pipeline, what_fails_says_why, a_retry_has_the_same,
                a_need_that_moves_while_it_is_evaluated, a_need_that_moves_while_it_is_queued, cancelled_meanwhile,
                false_is_skipped, a_condition_is_true_or_false, judged_again_when_upstream_changes,
                what_is_granted_again_has_the_same_values, values_have_a_limit, a_restart_evaluates_again;
            retries: retried_with_growing_pauses, only_listed_exit_codes, lost_once_when_no_limit_is_written,
                a_written_zero_is_never, interruptions_count_for_nothing, a_limit_is_not_used_up_by_interruptions, reasons_that_are_retried,
                a_need_restarted_meanwhile_is_waited_for;
            clocks: a_deadline_of_what_waits, a_deadline_of_what_runs, a_deadline_that_is_kept,
                a_user_s_cancel_goes_before_its_deadline, a_silent_attempt_is_stopped_and_retried,
                a_server_that_was_away_gives_one_period_more, a_lost_node_is_lost_all_the_same,
                progress_is_the_newest_attempt_s;
            external: running_without_a_node_until_somebody_says, only_what_is_external_and_runs,
                failed_for_good_or_to_be_tried_again, its_time_is_over, cancelled_restarted_and_deleted,
                a_step_that_takes_no_place, said_twice_with_one_request_id, permits_are_waited_for_and_held;
            hooks: in_the_order_of_what_happened, finish_is_for_every_end, called_again_until_somebody_says_so;
            tokens: it_speaks_while_its_attempt_runs, one_that_was_lost_on_its_way_is_drawn_again,
                what_it_makes_is_its_child, it_reaches_nothing_else, a_slot_is_lent_while_it_waits;
            needs: r4_two_upstreams_end_in_one_batch, everybody_who_waits_goes_on, upstream_failed_spreads_and_heals, r6_nobody_starts_behind_a_failure, needs_of_a_finished_task,
                a_dependent_made_while_its_upstream_ends, r5_submitted_while_its_upstream_ends,
                needs_are_refused_with_words;
            run_if: failure_steps, always_steps, skipped_is_good, skipped_once_and_for_all, nothing_to_fail, rerun_when_it_saw_something_else,
                kept_when_it_saw_the_same, no_outputs_are_equal_to_nothing, not_under_cascade_none, never_when_cancelled, always_after_fail_fast,
                running_on_old_outputs_is_compared_at_its_end, a_lost_need_stops_no_report;
            restarts: a_new_incarnation, already_restarted, a_live_member_that_is_no_child,
                what_never_ended_is_not_restarted, restarts_are_a_tree, only_if_newest, request_ids,
                late_results_are_events, a_repeated_report_with_other_outputs, everything_is_inherited, needs_that_are_gone, resolved_by, unresolved_failures, what_is_skipped_now_is_resolved, a_report_that_is_repeated;
            changes: made_and_recorded, kept_by_the_next_restart, equal_ones_are_the_answer, other_ones_are_a_conflict,
                wrong_ones_change_nothing, a_cascade_keeps_them, a_forced_restart_makes_them, inside_a_pipeline;
            forced: a_pending_task, a_running_task, also_when_the_worker_is_lost, an_older_incarnation,
                a_cancel_takes_the_wish_back, with_cascade_all, its_parent_is_not_deleted_meanwhile;
            cascades: all_restarts_what_has_finished, all_restarts_what_runs_at_its_end, a_lost_attempt_is_not_restarted_twice,
                a_follower_that_is_cancelled_stays, none_restarts_none,
                none_compares_nothing, none_is_handed_on;
            cutoff: equal_outputs_keep, different_outputs_restart, no_outputs_equal_nothing, an_explicit_empty_object_is_equal,
                a_failure_restarts_nobody, what_runs_finishes_first, a_failed_dependent_is_restarted, chains_stop_where_outputs_are_equal, what_was_decided_is_kept,
                each_need_is_compared, a_need_that_still_runs_is_compared_later, no_moment_shows_it_finished,
                fail_fast_waits_for_the_comparison, a_diamond_is_restarted_once;
            adopts: outputs_are_taken_back, equal_outputs_keep, only_of_what_succeeded, done_once, a_plan_changes_nothing,
                inside_a_pipeline;
            plans: plan_and_deed_are_one, a_plan_changes_nothing, of_an_older_incarnation, what_cannot_be_done_is_no_plan,
                rows_are_in_order, running_steps_are_decided, who_may_run_twice_is_decided,
                items_that_may_run_twice_say_so, a_step_that_runs_may_be_expanded_again, all_that_decides_is_named;
            pipelines: created_whole, phases_of_a_pipeline, fail_fast, fail_fast_spares_what_it_must,
                one_directory, parameters_are_rendered, unknown_parameters_are_refused, labels_are_merged,
                new_names_where_taken;
            parallel: never_above_the_limit, priority_then_age, a_place_comes_back_from_everywhere;
            within: restart_while_running, restart_what_failed, nothing_to_restart, from_a_step,
                force_and_if_newest, events_of_all_incarnations, restarted_after_a_cancel, reruns_leave_a_cancel_alone, fail_fast_knows_what_is_restarted, fail_fast_again_after_a_restart;
            whole: everything_runs_again, parameters_change, what_waited_is_replaced, of_one_that_runs, older_ones_are_kept,
                from_an_older_one, who_needs_it_from_outside, done_once, one_answer_of_who_lives, its_steps_need_their_limits, deleted_with_all_incarnations, a_cancel_takes_it_back;
            cancels: pending_and_running, ended_is_a_conflict, a_pipeline_but_for_always_steps, a_pipeline_now,
                no_rerun_after_a_cancel;
            nodes: registered_again, a_missed_lease, leaving, only_what_it_can_run, in_order_of_priority,
                grants_again_after_a_lost_answer, the_same_needs_when_granted_again,
                only_reasons_of_attempts, late_reports_of_a_lost_node,
                unfinished_business_of_one_that_left, stop_orders, a_server_that_starts_again;
            deletes: an_ended_task, a_running_task_goes_at_its_end, refused_while_others_wait, a_pipeline_goes_whole,
                a_running_pipeline, cancelled_while_it_goes, older_incarnations, stubs_keep_the_tree_whole,
                not_while_somebody_runs_on_it, a_cascade_takes_who_waits, a_cascade_of_a_pipeline, files_are_announced, names_begin_anew, nothing_new_while_it_goes;
            collects: by_its_own_time, the_newest_incarnation_s_time_counts, a_pipeline_whole,
                what_the_retention_does_not_keep, not_what_something_unfinished_needs, who_needed_it_and_has_ended_stays,
                what_moved_since_the_plan_stays, files_go_with_it, in_small_batches,
                a_jump_of_the_clock_lets_nothing_go, a_jump_is_over_when_somebody_says_so, ends_wake_the_collector;
            amends: labels_and_annotations_at_any_time, priority_and_queue_of_what_waits, holds_and_times,
                what_cannot_change_is_named, only_for_a_version, pipelines_queues_and_semaphores;
            applies: twice_is_once, what_is_said_no_longer_goes_back, made_by_others_it_is_adopted_once, of_a_task_what_may_change,
                of_a_pipeline_what_may_change, sets_have_a_name, wrong_ones_change_nothing;
            watches: pages_are_whole_and_in_order, deletions_are_told, what_stops_matching_is_gone,
                history_that_was_trimmed, scopes, versions_that_were_never_given, many_look_at_once;
            lists: no_row_lost_or_repeated, selectors, only_the_newest, tables_are_lists;
            task_types: versions_and_aliases, a_patch_leaves_what_its_type_gave, a_task_gets_what_its_type_has, what_breaks_a_schema_is_refused,
                outputs_are_judged, evaluated_inputs_are_judged, a_task_keeps_its_type, sets_are_applied_whole;
            entities: made_found_and_listed, wrong_ones_are_refused_with_all_causes,
                the_default_queue_always_exists, watched_until_they_are_deleted;
            limits: what_is_not_there_is_refused, a_paused_queue_starts_nothing_and_starves_nobody,
                no_more_run_than_a_queue_takes, the_default_queue_can_be_paused, the_default_queue_goes_on_with_external_tasks, in_use_is_not_deleted, a_restart_needs_its_limits, a_cascade_waits_for_permits,
                held_until_it_is_resumed, what_runs_goes_on_and_is_held_after_it,
                a_pipeline_is_held_with_all_its_steps, a_pipeline_lets_go_what_it_holds, only_nodes_with_the_labels, empty_lanes_are_forgotten, why_names_everything;
            permits: permits_are_taken_all_or_none_and_given_back, waiters_go_by_priority_then_age,
                scaled_at_once_and_nothing_revoked, a_large_one_does_not_starve, passed_for_half_a_minute,
                who_starts_elsewhere_does_not_starve, nobody_waits_behind_what_no_node_runs;
            as_a_whole: its_queue_and_priority_are_its_steps, its_time_is_over, its_deadline_passes, its_time_after_a_cancel,
                one_of_a_key, a_key_that_was_waited_for,
                its_hooks, its_permits, its_steps_wait_behind_nobody, only_who_is_ready_stands_in_the_line, permits_that_it_can_never_have;
            affinity: who_ran_it_and_waits_gets_it, nobody_is_waited_for, kept_once_for_each_attempt, what_comes_behind_goes_on,
                where_earlier_tasks_ran, only_who_can_run_it, what_runs_on_no_node, permits_are_kept_with_it;
            unique: one_at_a_time, while_it_is_pending, the_holder_is_the_answer, the_holder_is_replaced,
                who_waits_goes_on, who_needs_whom_it_replaces, in_a_pipeline, a_restart_needs_its_key, one_of_many_at_once,
                wrong_keys_are_refused;
            why: of_a_pipeline_as_a_whole, of_the_steps_of_a_pipeline;
            items: a_task_for_each_value, no_values_succeed_with_nothing, keys_are_names,
                what_cannot_be_expanded_says_why, a_condition_is_judged_once, a_failed_item_is_waited_for,
                a_pipeline_restarts_its_failed_items, cancelled_with_its_items, forced_while_items_run,
                fail_fast_knows_items, places_are_its_items, held_with_its_items, always_and_on_failure,
                schemas_are_for_each_item, each_item_has_its_key, in_the_order_of_their_values, ten_thousand;
            items_again: expanded_again, who_needs_an_item_that_is_gone, what_they_wait_for_is_gone, in_the_queue_of_their_step, nothing_new_needs_what_goes, expanded_again_behind_a_failure, upstream_moves_while_items_run,
                a_whole_restart_reuses_no_item, the_values_are_of_what_was_taken,
                a_restarted_item_is_collected_again, an_item_sees_what_its_step_took,
                who_needs_an_item_follows_as_was_asked, an_adopted_result_stays, items_without_outputs,
                a_failed_restart_leaves_what_was_collected, old_results_are_taken_back;
            references: names_ids_and_prefixes, ambiguous_ones_list_candidates, many_namespaces;
            broken: its_end_is_taken, it_is_shown_and_can_go, granted_again, no_restart_of_it;
            requests: handed_out_with_what_they_refer_to, what_cannot_be_filled_in_is_no_request,
                changed_by_a_restart, of_a_type;
            many: each_sees_those_before_it, one_that_is_refused_stops_nobody, what_force_cancels_has_ended,
                there_are_limits, of_adopted_results;
            planned: of_tasks, of_pipelines, of_many, of_adopted_results;
            random: first_histories, second_histories, third_histories, fourth_histories);
    };
    ($make:ident: $($subject:ident: $($case:ident),*);*) => {$(
        mod $subject {$(
            #[tokio::test]
            async fn $case() {
                let (_kept, store) = super::$make();
                $crate::engine::conformance::$subject::$case(store).await;
            }
        )*}
    )*};
}
pub(crate) use engine_conformance;
