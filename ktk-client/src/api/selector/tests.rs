use proptest::prelude::*;

use super::*;

fn labels(pairs: &[(&str, &str)]) -> StringMap {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn parse(text: &str) -> LabelSelector {
    text.parse().expect(text)
}

#[test]
fn each_operator_compares() {
    let web = labels(&[("tier", "web"), ("size", "7"), ("empty", "")]);
    for fits in [
        "",
        "tier",
        "!canary",
        "tier=web",
        "tier == web",
        "tier!=db",
        "canary!=x",
        "tier in (web,db)",
        "tier notin (db)",
        "canary notin (x)",
        "size>6",
        "size<8",
        "empty=",
        "empty==",
        "empty in ()",
        "empty in (,a)",
        "tier=web,size=7",
        " tier\t=\r\nweb ",
        "in!=x,notin!=y",
    ] {
        assert!(parse(fits).matches(&web), "{fits}");
    }
    for does_not in
        ["!tier", "canary", "tier=db", "tier!=web", "tier in ()", "size>7", "tier>1", "nosuch<5", "nosuch="]
    {
        assert!(!parse(does_not).matches(&web), "{does_not}");
    }
}

#[test]
fn the_canonical_form_is_sorted_and_keeps_double_equals() {
    for (text, canonical) in [
        ("z=1, a==2", "a==2,z=1"),
        ("k in (c, a,b ,a)", "k in (a,b,c)"),
        ("k notin(x)", "k notin (x)"),
        ("! k", "!k"),
        ("k in (,)", "k in ()"),
        ("k in (a,)", "k in (,a)"),
    ] {
        assert_eq!(parse(text).to_string(), canonical, "{text}");
    }
}

#[test]
fn messages_say_what_was_found_and_expected() {
    for (text, message) in [
        ("a,", "found '', expected: identifier after ','"),
        ("a,,b", "found ',', expected: identifier after ','"),
        (",a", "found ',', expected: !, identifier, or 'end of string'"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, >, <"),
        ("a in b", "unable to parse requirement: found 'b', expected: '('"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("!a=b", "found '=', expected: ',' or 'end of string'"),
        ("a>x", "unable to parse requirement: after \">\" the value must be an integer, not \"x\""),
    ] {
        assert_eq!(text.parse::<LabelSelector>().expect_err(text).to_string(), message, "{text}");
    }
    assert!(
        "a=\u{1b}[0m"
            .parse::<LabelSelector>()
            .expect_err("a control character")
            .to_string()
            .contains("\\u{1b}")
    );
}

#[test]
fn selectors_are_combined_with_and() {
    let both = parse("b=2").and(parse("a=1"));
    assert_eq!(both.to_string(), "a=1,b=2");
    assert!(both.matches(&labels(&[("a", "1"), ("b", "2")])));
    assert!(!both.matches(&labels(&[("a", "1")])));
}

#[test]
fn field_selectors_compare_and_unescape() {
    let supported = ["status.phase", "metadata.name"];
    let selector =
        FieldSelector::parse("status.phase!=Failed,metadata.name==a\\,b\\=c\\\\", &supported).expect("valid");
    assert_eq!(selector.to_string(), "metadata.name=a\\,b\\=c\\\\,status.phase!=Failed");
    assert!(selector.matches(|field| if field == "status.phase" { "Running" } else { "a,b=c\\" }.into()));
    assert!(!selector.matches(|_| "Failed".into()));
    assert!(FieldSelector::parse("", &supported).expect("empty").is_empty());
}

#[test]
fn field_selectors_refuse_what_they_cannot_do() {
    let message = |text| FieldSelector::parse(text, &["status.phase"]).expect_err(text).to_string();
    assert!(message("spec.nosuch=1").starts_with("field label not supported: spec.nosuch"));
    for text in
        ["status.phase", "status.phase in (a)", "status.phase=a=b", "status.phase=a\\x", "status.phase=a\\"]
    {
        message(text);
    }
}

#[test]
fn numbers_and_times_have_an_order() {
    for (text, value, fits) in [
        ("f>5", "6", true),
        ("f>5", "10", true),
        ("f>5", "5", false),
        ("f>=5", "5", true),
        ("f<-1", "-2", true),
        ("f<=5", "", false),
        ("f>5", "x", false),
        ("f>2026-11-21T00:00:00Z", "2026-11-21T00:00:00.5Z", true),
        ("f>2026-11-21T00:00:00Z", "2026-11-21T00:30:00+01:00", false),
        ("f<2026-11-21T00:00:00Z", "2026-11-20T23:59:59.999999Z", true),
        ("f<2026-11-21T00:00:00Z", "", false),
        ("f>5,f<8", "6", true),
        ("f>5,f<8", "9", false),
    ] {
        let selector = FieldSelector::parse(text, &["f"]).expect(text);
        assert_eq!(selector.matches(|_| value.into()), fits, "{text}: {value}");
        assert_eq!(FieldSelector::parse(&selector.to_string(), &["f"]), Ok(selector));
    }
    for text in ["f>", "f>x", "f<1.5", "f>=2026-11-21"] {
        FieldSelector::parse(text, &["f"]).expect_err(text);
    }
}

fn requirement() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,3}",
        "![a-z]{1,3}",
        "[a-z]{1,3}(=|==|!=) ?([a-z0-9]([-a-z0-9_.]{0,5}[a-z0-9])?)?",
        "[a-z]{1,3} (in|notin) \\( ?[a-z0-9]{1,2}(, ?[a-z0-9]{0,2}){0,3}\\)",
        "[a-z]{1,3}[<>][0-9]{1,4}",
    ]
}

proptest! {
    #[test]
    fn the_canonical_form_means_the_same(
        parts in prop::collection::vec(requirement(), 0..5),
        sets in prop::collection::vec(prop::collection::btree_map("[a-z]{1,2}", "[a-z0-9]{0,2}", 0..4), 0..8),
    ) {
        let selector = parse(&parts.join(","));
        let again = parse(&selector.to_string());
        prop_assert_eq!(&again, &selector);
        prop_assert_eq!(again.to_string(), selector.to_string());
        for labels in sets {
            prop_assert_eq!(again.matches(&labels), selector.matches(&labels));
        }
    }

    #[test]
    fn no_text_makes_the_reader_fail_otherwise_than_by_an_error(text in "[a-z=!(), <>\\\\.]{0,20}") {
        let _ = text.parse::<LabelSelector>();
        let _ = FieldSelector::parse(&text, &["a"]);
    }

    #[test]
    fn field_selectors_round_trip(value in "[a-z=<>,\\\\]{0,8}", is_equal: bool) {
        let operator = if is_equal { FieldOperator::Equal } else { FieldOperator::NotEqual };
        let term = FieldTerm { field: "f".into(), operator, value };
        let read = FieldSelector::parse(&term.to_string(), &["f"]).expect("our own text");
        prop_assert_eq!(read.terms(), &[term][..]);
    }
}
