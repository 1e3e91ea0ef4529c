//! Submits a task, waits for its end, and prints what it wrote.
//!
//! ```sh
//! cargo run -p ktk-client --example submit -- hello echo hello
//! ```

use anyhow::Context as _;
use futures_util::TryStreamExt as _;
use ktk_client::{
    Client,
    api::{Task, task::TaskSpec},
    client::{log::chunk_bytes, wait::Condition},
};

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example speaks to its user")]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let name = args.next().context("usage: submit NAME COMMAND…")?;
    let client = Client::try_default().await?;
    let tasks = client.tasks();
    tasks.create(&Task::new(&name, TaskSpec::command(args))).await?;
    let task = tasks.wait(&name, Condition::Finished).await?;
    let mut log = tasks.logs(&name);
    while let Some(event) = log.try_next().await? {
        print!("{}", String::from_utf8_lossy(&chunk_bytes(&event)));
    }
    let status = task.status.context("a task that has ended has a status")?;
    println!("{name}: {}", status.phase);
    Ok(())
}
