//! From `ktk create task x -- prog` until prog's `main`, on an idle server; against starting prog directly.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{
    Server,
    patience::ended,
    sample::{Sample, heading, ratio, tail_line},
    stamp::Stamps,
    work,
};

const COUNT: usize = 200;

pub async fn run() -> anyhow::Result<()> {
    heading(
        "submit command to the task's main, idle server",
        "ktk: the task, synced before the command hears of it, while it starts; others: nothing",
    );
    let server = Server::start(&[]).await?;
    let dir = tempfile::TempDir::new()?;
    let stamps = Stamps::listen(dir.path())?;
    let [program, socket] = stamps.command();
    let (mut ours, mut bare, mut spooler) = (Sample::default(), Sample::default(), Sample::default());
    let tsp = ["tsp", "ts"].into_iter().find(|name| Command::new(name).arg("-V").output().is_ok());
    for number in 0..COUNT {
        let name = format!("t{number}");
        let create = server.command(&["create", "task", &name, "--", &program, &socket])?;
        ours.push_ms(timed(create, &stamps)?);
        work::until_idle(&server.client).await?;
        let mut direct = Command::new(&program);
        direct.arg(&socket);
        bare.push_ms(timed(direct, &stamps)?);
        if let Some(tsp) = tsp {
            let mut submit = Command::new(tsp);
            submit.args([&program, &socket]);
            spooler.push_ms(timed(submit, &stamps)?);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    tail_line("ktk create task", "ms", &ours);
    tail_line("the program itself", "ms", &bare);
    if tsp.is_some() {
        tail_line("task-spooler", "ms", &spooler);
        ratio("ktk to task-spooler", &ours, &spooler);
    }
    ratio("ktk to the program itself", &ours, &bare);
    server.stop().await
}

fn timed(mut command: Command, stamps: &Stamps) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let arrived = stamps.next()?;
    ended(&mut child, "the command")?;
    Ok(arrived - begun)
}
