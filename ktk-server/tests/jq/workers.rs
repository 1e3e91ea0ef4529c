//! The worker processes: how many, since when, until when.

use std::{path::PathBuf, sync::Arc, time::Duration};

use ktk_server::jq::{Fault, Jq, JqConfig, Pool, Scope};
use serde_json::value::RawValue;

use super::{jq, pool};

/// Processes whose parent is this one: nextest gives each test a process of its own.
fn children() -> Vec<PathBuf> {
    let own = std::process::id().to_string();
    let is_ours = |directory: &PathBuf| {
        let stat = std::fs::read_to_string(directory.join("stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        fields.get(1) == Some(&own.as_str()) && fields.first() != Some(&"Z")
    };
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    entries.filter(is_ours).collect()
}

pub async fn there_are_none_before_the_first_call_and_two_at_most() {
    let jq = jq();
    assert_eq!(children().len(), 0);
    let calls = (0..20).map(|_| async {
        let mut session = jq.session(Scope::default()).await;
        session.call("[range(100)] | add", None, 1, 100).await.unwrap();
    });
    futures_util::future::join_all(calls).await;
    assert_eq!(children().len(), 2);
}

pub async fn a_call_that_nobody_waits_for_confuses_no_other() {
    let jq = jq();
    for _ in 0..5 {
        let mut session = jq.session(Scope::default()).await;
        let call = session.call("def f: f; f", None, 1, 100);
        assert!(tokio::time::timeout(Duration::from_millis(1), call).await.is_err());
        drop(session);
        let mut session = jq.session(Scope::default()).await;
        assert_eq!(session.call("\"own\"", None, 1, 100).await.unwrap()[0].get(), "\"own\"");
    }
}

pub async fn they_have_no_environment_and_end_with_their_server() {
    let before = children();
    let pool = pool();
    let jq = Jq::new(Arc::clone(&pool));
    jq.check(&["."]).await.unwrap();
    let new: Vec<PathBuf> = children().into_iter().filter(|child| !before.contains(child)).collect();
    let [worker] = new.as_slice() else { panic!("{new:?}") };
    assert_eq!(std::fs::read(worker.join("environ")).unwrap(), b"");
    drop((jq, pool));
    while children().contains(worker) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub async fn what_cannot_be_started_says_so() {
    for program in ["/nowhere", "/bin/true"] {
        let config = JqConfig { program: program.into(), args: Vec::new() };
        let fault = Jq::new(Arc::new(Pool::new(config))).check(&["."]).await.unwrap_err();
        assert!(matches!(&fault, Fault::Unavailable(why) if why.contains("no worker starts")), "{fault}");
    }
}

pub async fn a_scope_that_is_too_large_is_refused() {
    let jq = jq();
    let many_values = format!("[{}1]", "1,".repeat(4 << 20));
    let one_long = format!("\"{}\"", "x".repeat(60 << 20));
    for text in [many_values, one_long] {
        let text = RawValue::from_string(text).unwrap();
        let scope = Scope { needs: [("a".to_owned(), text)].into(), ..Scope::default() };
        let mut session = jq.session(scope).await;
        session.call(".needs.a | length", None, 1, 100).await.expect_err("it is larger than 64 MB");
    }
}

pub async fn idle_ones_are_ended() {
    let pool = pool();
    let before = children();
    let jq = Jq::new(Arc::clone(&pool));
    tokio::select! {
        () = pool.retire() => {}
        () = async {
            jq.check(&["."]).await.unwrap();
            let is_new = |child: &PathBuf| !before.contains(child);
            assert!(children().iter().any(is_new));
            // The runtime's clock goes by itself where nothing else is to be done.
            tokio::time::pause();
            tokio::time::sleep(Duration::from_secs(60)).await;
            tokio::time::resume();
            while children().iter().any(is_new) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        } => {}
    }
}
