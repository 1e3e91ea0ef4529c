//! `ktk get tasks --chunk-size=500` with 1,000,000 finished tasks, and what memory it takes; against 10,000.

use std::{
    fs,
    io::Read as _,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use ktk_client::api::task::TaskSpec;

use crate::support::{
    Server,
    patience::ended,
    sample::{Sample, heading, line, ratio},
    work::{self, NoopWorker},
};

const FEW: usize = 10_000;
const MANY: usize = 1_000_000;

/// Tasks that are made before they are waited for.
const PORTION: usize = 10_000;

const ROUNDS: usize = 5;

/// What one command took.
struct Taken {
    time: Duration,
    memory_mib: f64,
    lines: usize,
}

pub async fn run() -> anyhow::Result<()> {
    heading("ktk get tasks --chunk-size=500 with 1,000,000 finished ones", "nothing is written");
    // All of them are kept.
    let server = Server::start(&["--retention", "365d,100000000"]).await?;
    let worker = NoopWorker::start(&server.client, 1024).await?;
    make(&server, &worker, FEW).await?;
    let few = measured(&server, FEW)?;
    make(&server, &worker, MANY - FEW).await?;
    worker.stop().await?;
    let many = measured(&server, MANY)?;
    for (count, (time, memory)) in [("10,000", &few), ("1,000,000", &many)] {
        line(&format!("{count} tasks"), "ms", time);
        line(&format!("{count} tasks, most memory of the command"), "MiB", memory);
    }
    ratio("memory of 1,000,000 to that of 10,000", &many.1, &few.1);
    server.stop().await
}

/// Has so many more tasks done.
async fn make(server: &Server, worker: &NoopWorker, count: usize) -> anyhow::Result<()> {
    let mut left = count;
    while left > 0 {
        let now = left.min(PORTION);
        work::create(&server.client, &TaskSpec::handler(work::NOOP), now, 1000).await?;
        worker.handled(&server.client, now).await?;
        left -= now;
    }
    Ok(())
}

/// Times and memory of listing them all.
fn measured(server: &Server, count: usize) -> anyhow::Result<(Sample, Sample)> {
    let (mut times, mut memory) = (Sample::default(), Sample::default());
    for _ in 0..ROUNDS {
        let taken = listed(server)?;
        // The titles are a line too, and so is the task with which the worker was waited for.
        ensure!(taken.lines == count + 2, "{} lines of {count} tasks", taken.lines);
        times.push_ms(taken.time);
        memory.push(taken.memory_mib);
    }
    Ok((times, memory))
}

fn listed(server: &Server) -> anyhow::Result<Taken> {
    let begun = Instant::now();
    let mut command = server.command(&["get", "tasks", "--chunk-size=500"])?;
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut stdout = child.stdout.take().context("standard output was asked for")?;
    let (mut buffer, mut lines, mut memory_mib) = (vec![0; 64 * 1024], 0, 0.0_f64);
    loop {
        let read = stdout.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        lines += buffer[..read].iter().filter(|byte| **byte == b'\n').count();
        // The most that it ever had: whoever still has something to write has not ended.
        memory_mib = memory_mib.max(high_water_mib(&status).unwrap_or_default());
    }
    ended(&mut child, "the command")?;
    Ok(Taken { time: begun.elapsed(), memory_mib, lines })
}

fn high_water_mib(status: &str) -> Option<f64> {
    let text = fs::read_to_string(status).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(value.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}
