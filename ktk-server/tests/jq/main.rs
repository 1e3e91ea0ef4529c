//! jq in worker processes, against filters that mean harm. It needs a program that can be a worker, so this test has
//! a main of its own: `internal jq` makes it one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod evil;
mod workers;

use std::{process::ExitCode, sync::Arc, time::Duration};

use ktk_server::jq::{self, Jq, JqConfig, Pool};
use libtest_mimic::{Arguments, Failed, Trial};

/// Longer than any of these takes on a machine that does something else.
const PATIENCE: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().map(String::as_str).eq(["internal", "jq"]) {
        return jq::run();
    }
    let mut trials = Vec::new();
    macro_rules! trials {
        ($($module:ident: $($name:ident),*;)*) => {
            $($({
                let name = concat!(stringify!($module), "::", stringify!($name));
                trials.push(Trial::test(name, || in_runtime($module::$name())));
            })*)*
        };
    }
    trials! {
        evil: each_filter_that_means_harm_ends_soon_and_harms_nobody, each_text_that_means_harm_is_refused;
        workers: there_are_none_before_the_first_call_and_two_at_most, a_call_that_nobody_waits_for_confuses_no_other, they_have_no_environment_and_end_with_their_server, what_cannot_be_started_says_so, a_scope_that_is_too_large_is_refused, idle_ones_are_ended;
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn in_runtime(test: impl Future<Output = ()>) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::time::timeout(PATIENCE, test).await.map_err(|_| Failed::from("the test took too long"))
    })
}

/// A pool whose workers are this very test.
fn pool() -> Arc<Pool> {
    let program = std::env::current_exe().unwrap();
    Arc::new(Pool::new(JqConfig { program, args: ["internal", "jq"].map(Into::into).to_vec() }))
}

fn jq() -> Jq {
    Jq::new(pool())
}
