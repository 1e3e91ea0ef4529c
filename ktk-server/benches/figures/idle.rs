//! An idle server: how often it wakes, and how much memory it holds.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use ktk_client::api::task::TaskSpec;

use crate::support::{
    Server,
    sample::{Sample, heading, line},
    work,
};

const WATCHED: Duration = Duration::from_secs(30);

pub async fn run() -> anyhow::Result<()> {
    heading("an idle server, over 30 s; what does nothing has no switches", "nothing is written");
    let fresh = Server::start(&[]).await?;
    watch(&fresh, "fresh").await?;
    work::create(&fresh.client, &TaskSpec::command(["true"]), 100, 100).await?;
    work::until_idle(&fresh.client).await?;
    watch(&fresh, "after 100 tasks").await?;
    fresh.stop().await
}

async fn watch(server: &Server, when: &str) -> anyhow::Result<()> {
    // What the last request left behind (a connection, a timer armed once) is not idling.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = wakes(server.pid())?;
    tokio::time::sleep(WATCHED).await;
    let (mut switches, mut memory) = (Sample::default(), Sample::default());
    let after = wakes(server.pid())?;
    // Threads that have ended meanwhile took their numbers along.
    let count = |thread: &String| after.get(thread).unwrap_or(&0.0) - before.get(thread).unwrap_or(&0.0);
    switches.push(after.keys().map(count).sum());
    memory.push(field(&Path::new("/proc").join(server.pid().to_string()).join("status"), "VmRSS")? / 1024.0);
    line(&format!("voluntary context switches, {when}"), "", &switches);
    line(&format!("resident memory, {when}"), "MiB", &memory);
    Ok(())
}

/// Voluntary context switches of each thread.
fn wakes(pid: u32) -> anyhow::Result<BTreeMap<String, f64>> {
    let mut threads = BTreeMap::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = thread?.path();
        let switches = field(&path.join("status"), "voluntary_ctxt_switches")?;
        threads.insert(path.display().to_string(), switches);
    }
    Ok(threads)
}

fn field(path: &Path, name: &str) -> anyhow::Result<f64> {
    let text = fs::read_to_string(path)?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = value.and_then(|value| value.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| anyhow::anyhow!("{} has no {name}", path.display()))
}
