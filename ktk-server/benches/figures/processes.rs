//! Processes that do nothing, their logs kept; against xargs, and a bare loop that captures output.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use ktk_client::api::task::TaskSpec;

use crate::support::{
    ROUNDS, Server,
    patience::ended,
    sample::{Sample, heading, line, ratio},
    work,
};

const COUNT: usize = 1_000;
const PROGRAM: &str = "/bin/true";

pub async fn run() -> anyhow::Result<()> {
    heading(
        "processes that do nothing, output kept",
        "ktk: each create and each end, synced before anybody is told; xargs and the loop: nothing",
    );
    let mut samples: [Sample; 4] = Default::default();
    let two = Server::start(&["--slots", "2"]).await?;
    let sixteen = Server::start(&["--slots", "16"]).await?;
    for _ in 0..ROUNDS {
        let [at_two, at_sixteen, xargs_rate, loop_rate] = &mut samples;
        at_two.push_rate(COUNT, ktk(&two).await?);
        xargs_rate.push_rate(COUNT, xargs()?);
        at_sixteen.push_rate(COUNT, ktk(&sixteen).await?);
        loop_rate.push_rate(COUNT, spawn_loop()?);
    }
    let [at_two, at_sixteen, xargs_rate, loop_rate] = &samples;
    line("ktk, 2 slots", "/s", at_two);
    line("ktk, 16 slots", "/s", at_sixteen);
    line("xargs -P2 -n1", "/s", xargs_rate);
    line("bare loop, output captured", "/s", loop_rate);
    ratio("ktk with 2 slots to xargs -P2", at_two, xargs_rate);
    ratio("ktk with 16 slots to xargs -P2", at_sixteen, xargs_rate);
    ratio("ktk with 2 slots to the loop", at_two, loop_rate);
    two.stop().await?;
    sixteen.stop().await
}

async fn ktk(server: &Server) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    work::create(&server.client, &TaskSpec::command([PROGRAM]), COUNT, COUNT).await?;
    work::until_idle(&server.client).await?;
    Ok(begun.elapsed())
}

fn xargs() -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let mut xargs = Command::new("xargs").args(["-P2", "-n1", PROGRAM]).stdin(Stdio::piped()).spawn()?;
    let mut input = xargs.stdin.take().expect("it was asked for");
    input.write_all("x\n".repeat(COUNT).as_bytes())?;
    drop(input);
    ended(&mut xargs, "xargs")?;
    Ok(begun.elapsed())
}

fn spawn_loop() -> anyhow::Result<Duration> {
    let begun = Instant::now();
    for _ in 0..COUNT {
        Command::new(PROGRAM).output()?;
    }
    Ok(begun.elapsed())
}
