//! From starting the server, after it was killed with 100,000 stored tasks, until it answers.

use std::time::Instant;

use ktk_client::api::task::TaskSpec;

use crate::support::{
    ROUNDS, Server,
    sample::{Sample, heading, line, ratio},
    work::{self, NoopWorker},
};

const COUNT: usize = 100_000;

pub async fn run() -> anyhow::Result<()> {
    heading("server start with 100,000 stored tasks, half of them waiting", "the store");
    let mut server = Server::start(&[]).await?;
    let worker = NoopWorker::start(&server.client, 1024).await?;
    work::create(&server.client, &TaskSpec::handler(work::NOOP), COUNT / 2, 1000).await?;
    worker.handled(&server.client, COUNT / 2).await?;
    worker.stop().await?;
    work::create(&server.client, &TaskSpec::handler(work::NOOP), COUNT / 2, 1000).await?;
    let (mut full, mut empty) = (Sample::default(), Sample::default());
    for _ in 0..ROUNDS {
        let dir = server.kill()?;
        let begun = Instant::now();
        server = Server::start_on(dir, &[]).await?;
        full.push_ms(begun.elapsed());
        let begun = Instant::now();
        let other = Server::start(&[]).await?;
        empty.push_ms(begun.elapsed());
        other.stop().await?;
    }
    line("with 100,000 tasks, after kill -9", "ms", &full);
    line("with none", "ms", &empty);
    ratio("full to empty", &full, &empty);
    server.stop().await
}
