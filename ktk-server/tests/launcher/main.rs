//! The launcher against real processes. It needs a program that can be a launcher, and the launcher needs the main
//! thread, so this test has a main of its own: `internal launcher` makes it one, `internal server` a program that
//! holds one until it is killed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod launchers;
mod orphans;
mod recycled;
mod starting;
mod stopping;

use std::process::ExitCode;

use ktk_server::exec::launcher;
use libtest_mimic::{Arguments, Failed, Trial};

use bench::{Bench, PATIENCE};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["internal", "launcher"] => return launcher::run(),
        ["internal", "server", store_id, dir] => return launchers::serve_until_killed(store_id, dir),
        ["internal", "recycled", store_id, dir] => return recycled::play(store_id, dir),
        _ => {}
    }
    let mut trials = Vec::new();
    macro_rules! trials {
        ($($module:ident: $($name:ident),*;)*) => {
            $($({
                let name = concat!(stringify!($module), "::", stringify!($name));
                trials.push(Trial::test(name, || in_runtime($module::$name(Bench::new(stringify!($name))))));
            })*)*
        };
    }
    trials! {
        starting: an_exit_code_is_reported, a_signal_is_reported, stdout_and_stderr_are_apart, the_environment_is_exactly_what_was_asked_for, only_three_descriptors_are_open, signals_are_as_a_shell_would_leave_them, the_working_directory_is_the_one_asked_for, standard_input_is_empty_unless_given, a_mebibyte_of_standard_input_arrives, a_script_without_an_interpreter_line_is_the_shells, what_cannot_be_started_says_why, many_at_once_keep_their_own_ends, a_start_that_nobody_waits_for_is_undone;
        stopping: a_command_that_ignores_term_is_killed_after_the_grace_period, a_stop_leaves_the_grace_period_to_the_whole_tree, a_stop_reaches_processes_that_left_the_session, a_stopped_command_can_be_stopped, a_forking_tree_is_killed, dropping_a_process_kills_it;
        orphans: a_child_with_a_session_of_its_own_ends_with_the_attempt, a_daemon_ends_with_the_attempt, an_orphan_without_environment_ends_with_the_attempt, an_orphan_of_another_attempt_is_spared, an_orphan_of_nobody_known_ends_with_the_last_that_may_own_it, an_orphan_that_changed_its_group_ends_with_the_attempt, dead_children_are_reaped, leftovers_are_killed_by_their_mark;
        recycled: a_pid_that_was_given_again_is_not_signalled;
        launchers: dropping_the_launcher_kills_everything, shutting_down_kills_everything, a_killed_launcher_loses_its_attempts, a_command_that_kills_its_parent_gains_nothing, everything_ends_when_the_server_is_killed, the_launcher_ignores_what_would_end_it, a_command_that_stops_its_parent_is_outlasted, what_is_no_launcher_is_refused;
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn in_runtime(test: impl Future<Output = ()>) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::time::timeout(PATIENCE * 2, test).await.map_err(|_| Failed::from("the test took too long"))
    })
}
