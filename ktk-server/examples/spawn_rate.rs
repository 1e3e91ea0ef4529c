//! How many processes a second the launcher starts, with captured output, against bare spawns of the standard
//! library: `cargo run --release -p ktk-server --example spawn_rate [COUNT]`.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use ktk_server::exec::launcher::{self, Ended, Launcher, LauncherConfig, Mark, SpawnRequest};
use tokio::io::AsyncReadExt;

#[expect(clippy::print_stdout, reason = "an example prints its result")]
fn main() -> Result<ExitCode> {
    let argument = std::env::args().nth(1);
    if argument.as_deref() == Some("internal") {
        return Ok(launcher::run());
    }
    let count = argument.map_or(Ok(4000), |count| count.parse()).context("COUNT is a number")?;
    println!("std, one at a time: {:.0}/s", rate(count, || bare(count, 1))?);
    println!("std, two threads: {:.0}/s", rate(count, || bare(count, 2))?);
    for slots in [1, 2, 4, 16, 64] {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let per_second = rate(count, || runtime.block_on(through_launcher(count, slots)))?;
        println!("launcher, {slots} at a time: {per_second:.0}/s");
    }
    Ok(ExitCode::SUCCESS)
}

fn rate(count: usize, work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(count as f64 / start.elapsed().as_secs_f64())
}

fn bare(count: usize, threads: usize) -> Result<()> {
    let spawn = || {
        (0..count / threads).try_for_each(|_| {
            let output = std::process::Command::new("/bin/true").env_clear().output()?;
            ensure!(output.status.success());
            Ok(())
        })
    };
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(spawn)).collect();
        all.into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?)
    })
}

async fn through_launcher(count: usize, slots: usize) -> Result<()> {
    let config = LauncherConfig::default();
    let launcher = Launcher::start(&config).await?;
    let slot = async |slot| {
        for _ in 0..count / slots {
            let mut process = launcher.spawn(request(slot)).await?;
            let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
            process.stdout.read_to_end(&mut stdout).await?;
            process.stderr.read_to_end(&mut stderr).await?;
            ensure!(process.wait().await == Ended::Exited(0));
        }
        anyhow::Ok(())
    };
    try_join_all((0..slots as u32).map(slot)).await?;
    launcher.shut_down().await;
    Ok(())
}

fn request(attempt: u32) -> SpawnRequest {
    let env = ["PATH", "HOME", "USER", "LANG", "KTK_SERVER", "KTK_TOKEN"];
    SpawnRequest {
        mark: Mark { store_id: "bench".into(), task_id: "bench".into(), attempt },
        argv: vec!["true".into()],
        env: env.map(|name| (name.to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())).into(),
        dir: "/".into(),
        stdin: None,
    }
}
