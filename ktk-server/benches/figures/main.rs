//! The figures that the project reports, each against a reference that is measured in the same run.
//!
//! ```sh
//! cargo build --release --bin ktk
//! cargo bench -p ktk-server --bench figures -- lifecycles next_step   # all without names
//! ```
//!
//! Each starts a server of its own (the release binary, on a data directory of its own) and its reference,
//! runs them in turn, and prints medians, spread, the ratio, and what was durable.

mod call;
mod get;
mod idle;
mod jq;
mod lifecycles;
mod list;
mod next_step;
mod plan;
mod processes;
mod start;
mod submit;
mod support;
mod token;
mod watchers;

use anyhow::bail;

const FIGURES: [&str; 13] = [
    "lifecycles",
    "processes",
    "submit",
    "get",
    "list",
    "start",
    "idle",
    "next_step",
    "plan",
    "jq",
    "call",
    "watchers",
    "token",
];

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let [flag, socket] = &*args
        && flag == call::FLAG
    {
        return call::echo(socket);
    }
    let wanted: Vec<&str> = match &*args {
        [] => FIGURES.to_vec(),
        names => names.iter().map(String::as_str).collect(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for name in wanted {
        runtime.block_on(async {
            match name {
                "lifecycles" => lifecycles::run().await,
                "processes" => processes::run().await,
                "submit" => submit::run().await,
                "get" => get::run().await,
                "list" => list::run().await,
                "start" => start::run().await,
                "idle" => idle::run().await,
                "next_step" => next_step::run().await,
                "plan" => plan::run().await,
                "jq" => jq::run().await,
                "call" => call::run().await,
                "watchers" => watchers::run().await,
                "token" => token::run().await,
                other => bail!("there is no figure {other:?}: {}", FIGURES.join(", ")),
            }
        })?;
    }
    Ok(())
}
