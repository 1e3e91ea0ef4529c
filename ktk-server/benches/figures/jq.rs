//! jq calls a second through the worker processes, each over outputs of 100 files; against calls of `1`, which are
//! the way to the worker and back.

use std::{sync::Arc, time::Instant};

use anyhow::Context as _;
use ktk_server::jq::{Jq, JqConfig, Pool, Scope};
use serde_json::{json, value::to_raw_value};

use crate::support::{
    ROUNDS, ktk,
    sample::{Sample, heading, line, ratio},
};

const CALLS: usize = 10_000;

/// As many sessions at once as there are workers.
const SESSIONS: usize = 2;

pub async fn run() -> anyhow::Result<()> {
    heading("jq calls through two worker processes", "nothing is written");
    let args = ["internal", "jq"].map(Into::into).to_vec();
    let jq = Jq::new(Arc::new(Pool::new(JqConfig { program: ktk()?, args })));
    let (mut calls, mut empty, mut fresh) = (Sample::default(), Sample::default(), Sample::default());
    for round in 0..ROUNDS {
        calls.push(rate(&jq, "[.extract.files[] | select(.size > 50) | .name]").await?);
        empty.push(rate(&jq, "1").await?);
        fresh.push(compiled(&jq, round).await?);
    }
    line("a filter over 100 files", "calls/s", &calls);
    line("the filter `1`", "calls/s", &empty);
    line("filters never seen before", "checks/s", &fresh);
    ratio("the filter to `1`", &calls, &empty);
    Ok(())
}

fn scope() -> anyhow::Result<Scope> {
    let files: Vec<_> = (0..100).map(|n| json!({"name": format!("file-{n}"), "size": n})).collect();
    let needs = [("extract".to_owned(), to_raw_value(&json!({ "files": files }))?)].into();
    Ok(Scope { needs, by_name: true, ..Scope::default() })
}

/// Calls a second.
async fn rate(jq: &Jq, filter: &str) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let sessions = (0..SESSIONS).map(|_| async {
        let mut session = jq.session(scope()?).await;
        for _ in 0..CALLS / SESSIONS {
            session.call(filter, None, 1, 1 << 20).await.context("a call")?;
        }
        anyhow::Ok(())
    });
    futures_util::future::try_join_all(sessions).await?;
    Ok(CALLS as f64 / begun.elapsed().as_secs_f64())
}

/// Texts that are compiled, a second.
async fn compiled(jq: &Jq, round: usize) -> anyhow::Result<f64> {
    const TEXTS: usize = 200;
    let texts: Vec<String> =
        (0..TEXTS).map(|n| format!(".extract.files[{n}] | .name + \"{round}\"")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let begun = Instant::now();
    let problems = jq.check(&texts).await?;
    anyhow::ensure!(problems.iter().all(Option::is_none), "these are filters");
    Ok(TEXTS as f64 / begun.elapsed().as_secs_f64())
}
