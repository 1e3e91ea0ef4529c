//! A chain of steps: from one step's last act to the next one's; against a commit and a bare start in turn. A step
//! does nothing but send a stamp.

use std::{process::Command, time::Instant};

use ktk_client::api::{
    Pipeline,
    pipeline::{PipelineSpec, Step},
    task::RunSpec,
};
use rusqlite::Connection;

use crate::support::{
    ROUNDS, Server,
    patience::ended,
    sample::{Sample, heading, ratio, tail_line},
    stamp::Stamps,
    work,
};

const STEPS: usize = 200;

pub async fn run() -> anyhow::Result<()> {
    heading(
        "a pipeline's next step: from one step's last act to the next one's, which is its first, chain of 200",
        "ktk: the end of each step, synced while the next starts; reference: one synced commit a start",
    );
    let server = Server::start(&[]).await?;
    let dir = tempfile::TempDir::new()?;
    let stamps = Stamps::listen(dir.path())?;
    let command = stamps.command();
    let (mut ours, mut bare, mut commits) = (Sample::default(), Sample::default(), Sample::default());
    for round in 0..ROUNDS {
        let pipeline = chain(&format!("chain-{round}"), &command);
        server.client.pipelines().create(&pipeline).await?;
        let mut before = stamps.next()?;
        for _ in 1..STEPS {
            let now = stamps.next()?;
            ours.push_ms(now - before);
            before = now;
        }
        work::until_idle(&server.client).await?;
        reference(&command, &stamps, &mut bare, &mut commits)?;
    }
    tail_line("ktk, one step to the next", "ms", &ours);
    tail_line("commit, then start, then its end", "ms", &bare);
    tail_line("of which the commit", "ms", &commits);
    ratio("ktk to the reference", &ours, &bare);
    server.stop().await
}

fn chain(name: &str, command: &[String]) -> Pipeline {
    let step = |number: usize| Step {
        name: format!("s{number}"),
        run: Some(RunSpec { command: command.to_vec(), ..RunSpec::default() }),
        needs: number.checked_sub(1).map(|need| format!("s{need}")).into_iter().collect(),
        ..Step::default()
    };
    Pipeline::new(name, PipelineSpec { steps: (0..STEPS).map(step).collect(), ..PipelineSpec::default() })
}

fn reference(
    command: &[String],
    stamps: &Stamps,
    bare: &mut Sample,
    commits: &mut Sample,
) -> anyhow::Result<()> {
    let dir = tempfile::TempDir::new()?;
    let connection = Connection::open(dir.path().join("bare.db"))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE ends (number INTEGER PRIMARY KEY);",
    )?;
    let mut before = None;
    for number in 0..STEPS {
        let begun = Instant::now();
        connection.execute("INSERT INTO ends VALUES (?1)", [number as i64])?;
        commits.push_ms(begun.elapsed());
        let mut child = Command::new(&command[0]).args(&command[1..]).spawn()?;
        let now = stamps.next()?;
        ended(&mut child, "the program")?;
        if let Some(before) = before.replace(now) {
            bare.push_ms(now - before);
        }
    }
    Ok(())
}
