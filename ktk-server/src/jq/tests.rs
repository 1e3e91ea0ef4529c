//! Filters, evaluated in the test's own process: what they see, what they yield, what is refused.

use serde_json::{Value, json};

use super::{Fault, Item, Jq, Scope};

fn raw(value: &Value) -> Box<serde_json::value::RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

fn scope() -> Scope {
    let needs = [("extract", json!({"files": ["a", "b"]})), ("pre-flight", json!({"ok": true}))];
    Scope {
        params: Some(raw(&json!({"date": "2026-11-22"}))),
        needs: needs.iter().map(|(name, value)| ((*name).to_owned(), raw(value))).collect(),
        by_name: true,
    }
}

async fn yields(filter: &str) -> Result<Vec<Value>, Fault> {
    let jq = Jq::here();
    let mut session = jq.session(scope()).await;
    let item = Item { item: raw(&json!({"n": 3})), index: 7 };
    let values = session.call(filter, Some(&item), 3, 1000).await?;
    Ok(values.iter().map(|value| serde_json::from_str(value.get()).unwrap()).collect())
}

#[tokio::test]
async fn a_filter_sees_parameters_needs_and_its_item() {
    let cases = [
        (".params.date", json!("2026-11-22")),
        (".extract.files[1]", json!("b")),
        (".needs.extract.files | length", json!(2)),
        (".pre_flight.ok", json!(true)),
        (".[\"pre-flight\"].ok", json!(true)),
        (".item.n + .index", json!(10)),
        (".item.n / 2", json!(1.5)),
        ("10 / 2", json!(5)),
        (".nothing.of.it", json!(null)),
        ("[.extract.files[] | ascii_upcase]", json!(["A", "B"])),
        ("\"2026-11-22T00:00:00Z\" | fromdate", json!(1_795_305_600)),
    ];
    for (filter, value) in cases {
        assert_eq!(yields(filter).await, Ok(vec![value]), "{filter}");
    }
    assert_eq!(yields("empty").await, Ok(vec![]));
    assert_eq!(yields("1, 2").await, Ok(vec![json!(1), json!(2)]));
}

#[tokio::test]
async fn what_yields_nothing_of_use_says_why() {
    let cases = [
        ("1, 2, 3, 4", "more than 3 values"),
        ("[range(1000)]", "more than 1000 bytes"),
        (".extract.files.x", "cannot index"),
        ("error(\"no file\")", "no file"),
        ("nan", "no JSON"),
        ("infinite", "no JSON"),
        ("def f: f; f", "one second"),
        ("def f: 1 + f; f", "too deep"),
    ];
    for (filter, why) in cases {
        let fault = yields(filter).await.unwrap_err().to_string();
        assert!(fault.contains(why), "{filter}: {fault}");
    }
}

#[tokio::test]
async fn what_is_no_filter_is_refused_with_its_place() {
    let cases = [
        (".a |", "column 5: expected term, found the end"),
        (".a | nofilter", "column 6: there is no filter nofilter/0"),
        (".a\n  ) + 1", "line 2, column 3"),
        ("$x", "column 1: there is no variable $x"),
        ("$ENV", "there is no variable $ENV"),
        ("now", "column 1: now is not there"),
        ("[1] | env", "env is not there"),
        ("halt", "halt is not there"),
        ("input, inputs", "input is not there"),
        ("localtime", "localtime is not there"),
        ("strflocaltime(\"\")", "strflocaltime is not there"),
        ("debug", "debug is not there"),
        ("stderr", "stderr is not there"),
        ("import \"a\" as a; 1", "modules cannot be imported"),
        ("include \"a\"; 1", "modules cannot be imported"),
    ];
    for (filter, why) in cases {
        let problem = Jq::here().check(&[filter]).await.unwrap().remove(0).unwrap();
        assert!(problem.message.contains(why), "{filter}: {}", problem.message);
    }
    assert_eq!(Jq::here().check(&[".a", "[.b[] | {c: .d}]"]).await, Ok(vec![None, None]));
}
