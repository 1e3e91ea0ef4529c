//! Filters without an end, too large, too deep: each ends within about a second, and the next call works.

use std::time::{Duration, Instant};

use ktk_server::jq::{Jq, Scope};

use super::jq;

/// A second, a new worker, and what a busy machine adds.
const SOON: Duration = Duration::from_secs(10);

const EVIL: [&str; 24] = [
    "def f: f; f",
    "def f: 1 + f; f",
    "def f: [f]; f",
    "def f: f, f; f",
    "[recurse(.; true)]",
    "until(false; .)",
    "last(range(1000000000))",
    "[range(1000000000)]",
    "[limit(1000000000; repeat(1))] | length",
    "reduce range(1000000000) as $i (0; . + $i)",
    "first(repeat(empty))",
    "reduce range(60) as $i (\"x\"; [., .]) | tojson",
    "reduce range(60) as $i (\"x\"; [., .])",
    "reduce range(60) as $i (\"x\"; . + .) | length",
    "\"x\" * 100000000000",
    "null | .[1000000000] = 1",
    "reduce range(5000000) as $i (null; [.]) | 1",
    "reduce range(100000) as $i (null; [.])",
    "reduce range(100000) as $i (null; {a: .}) | tojson",
    "reduce range(10000000) as $i (1; . * 1000003)",
    "[range(100000)] | combinations",
    "[[range(30)] | combinations(30)] | length",
    "\"a\" * 1000000 | test(\"(a*)*(a*)*(a*)*b\")",
    "[range(3000000) | tostring] | sort | join(\",\") | length",
];

async fn two(jq: &Jq) -> String {
    let mut session = jq.session(Scope::default()).await;
    session.call("1 + 1", None, 1, 100).await.unwrap().remove(0).get().to_owned()
}

pub async fn each_filter_that_means_harm_ends_soon_and_harms_nobody() {
    let jq = jq();
    assert_eq!(two(&jq).await, "2");
    for filter in EVIL {
        let began = Instant::now();
        let mut session = jq.session(Scope::default()).await;
        let fault = session.call(filter, None, 1, 1 << 20).await.expect_err(filter);
        assert!(began.elapsed() < SOON, "{filter}: {:?}", began.elapsed());
        assert!(!fault.is_passing(), "{filter}: {fault}");
        // In the same session, and in another.
        assert_eq!(session.call("40 + 2", None, 1, 100).await.unwrap()[0].get(), "42", "{filter}");
        drop(session);
        assert_eq!(two(&jq).await, "2", "{filter}");
    }
}

pub async fn each_text_that_means_harm_is_refused() {
    let jq = jq();
    let deep =
        [("(", ")"), ("[", "]"), ("{a: ", "}"), ("-", ""), ("if . then ", " else . end"), ("try ", "")];
    for (open, close) in deep {
        let text = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        let began = Instant::now();
        // Some are filters all the same; what counts is that the worker's end is not the server's.
        let _ = jq.check(&[&text]).await.unwrap();
        assert!(began.elapsed() < SOON, "{open}: {:?}", began.elapsed());
        assert_eq!(two(&jq).await, "2");
    }
    let problems = jq.check(&["1", "[", "now", ".a"]).await.unwrap();
    let refused: Vec<bool> = problems.iter().map(Option::is_some).collect();
    assert_eq!(refused, [false, true, true, false]);
}
