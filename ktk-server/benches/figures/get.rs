//! `ktk get tasks` with 10,000 finished tasks; against `ktk version --client`.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use ktk_client::api::task::TaskSpec;

use crate::support::{
    Server,
    patience::ended,
    sample::{Sample, heading, line, ratio},
    work::{self, NoopWorker},
};

const COUNT: usize = 10_000;
const ROUNDS: usize = 15;

pub async fn run() -> anyhow::Result<()> {
    heading("ktk get tasks with 10,000 finished ones", "nothing is written");
    let server = Server::start(&[]).await?;
    let worker = NoopWorker::start(&server.client, 512).await?;
    work::create(&server.client, &TaskSpec::handler(work::NOOP), COUNT, 1000).await?;
    worker.handled(&server.client, COUNT).await?;
    worker.stop().await?;
    let (mut get, mut version) = (Sample::default(), Sample::default());
    for _ in 0..ROUNDS {
        get.push_ms(timed(server.command(&["get", "tasks"])?)?);
        version.push_ms(timed(server.command(&["version", "--client"])?)?);
    }
    line("ktk get tasks", "ms", &get);
    line("ktk version --client", "ms", &version);
    ratio("get to version", &get, &version);
    server.stop().await
}

fn timed(mut command: Command) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    ended(&mut command.stdout(Stdio::null()).spawn()?, "the command")?;
    Ok(begun.elapsed())
}
