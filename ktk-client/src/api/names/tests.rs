use super::*;

fn message(result: Result<(), InvalidName>) -> String {
    result.expect_err("it breaks a rule").to_string()
}

#[test]
fn dns_labels_are_names() {
    for text in ["a", "0", "a1", "build-web", "a--b", &"x".repeat(63)] {
        assert_eq!(name(text), Ok(()), "{text}");
        assert_eq!(namespace(text), Ok(()), "{text}");
        assert_eq!(queue(text), Ok(()), "{text}");
    }
}

#[test]
fn what_is_no_dns_label_is_no_name() {
    for text in ["", "-a", "a-", "A", "a_b", "a b", "a.b", "ü", "a\n", "a/b", "a@2", &"x".repeat(64)] {
        assert!(name(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_message_says_the_rule_and_what_to_write() {
    assert_eq!(
        message(name("Build_Web")),
        "name \"Build_Web\" is not valid: lower-case letters, digits and `-`, a letter or digit first and last; \
         write \"build-web\""
    );
    assert!(message(name("nightly.extract")).contains("may hold no dot"));
    assert_eq!(message(name(&"x".repeat(64))).split(" has ").last(), Some("64 characters: 63 are allowed"));
}

#[test]
fn control_characters_are_shown_escaped() {
    let text = message(name("evil\u{1b}[2J"));
    assert!(text.contains("\\u{1b}") && !text.contains('\u{1b}'), "{text}");
    let text = message(label_key("a\u{7}b"));
    assert!(text.contains("\\u{7}") && !text.contains('\u{7}'), "{text}");
}

#[test]
fn steps_begin_with_a_letter_and_are_not_reserved() {
    assert_eq!(step(&"s".repeat(100)), Ok(()));
    assert!(message(step(&"s".repeat(101))).contains("100 are allowed"));
    assert!(message(step("1st")).contains("must begin with a letter: write \"step-1st\""));
    for reserved in RESERVED_STEPS {
        assert!(message(step(reserved)).contains("mean something else"));
    }
}

#[test]
fn a_prefix_of_a_name_may_end_in_a_dash() {
    assert_eq!(generate_name("nightly-"), Ok(()));
    assert_eq!(generate_name("nightly"), Ok(()));
    assert!(generate_name("-").is_err());
    assert!(generate_name("").is_err());
    assert!(generate_name(&"x".repeat(41)).is_err());
}

#[test]
fn label_keys_and_values_are_kubectls() {
    for key in ["a", "app.kubernetes.io/name", "A_b.C-9", "0.1.2/99"] {
        assert_eq!(label_key(key), Ok(()), "{key}");
    }
    for key in ["", "/a", "a/", "a/b/c", "-a", "a-", "UPPER/x", "a b", &"x".repeat(64)] {
        assert!(label_key(key).is_err(), "{key}");
    }
    for value in ["", "a", "1.2.3", "A-b_c"] {
        assert_eq!(label_value(value), Ok(()), "{value}");
    }
    for value in ["-a", "a b", "a.", "ä", &"x".repeat(64)] {
        assert!(label_value(value).is_err(), "{value}");
    }
}

#[test]
fn parameters_are_words() {
    for text in ["a", "_x", "out-dir", "A1"] {
        assert_eq!(param(text), Ok(()), "{text}");
    }
    for text in ["", "1a", "a.b", "a b", "a}"] {
        assert!(param(text).is_err(), "{text}");
    }
}

#[test]
fn references_are_read_in_each_form() {
    let name = |name: &str, incarnation| Reference::Name { name: name.into(), incarnation };
    assert_eq!("build".parse(), Ok(name("build", None)));
    assert_eq!("build@2".parse(), Ok(name("build", Some(2))));
    assert_eq!("nightly.resize@3".parse(), Ok(name("nightly.resize", Some(3))));
    assert_eq!("abc".parse(), Ok(name("abc", None)));
    assert_eq!("beef".parse(), Ok(Reference::Prefix("beef".into())));
    let id = "01936f2e-8c00-7000-8000-000000000001";
    let reference: Reference = id.parse().expect("an id");
    assert_eq!(reference, Reference::Id { name: id.into(), id: id.parse().expect("an id") });
    let step: Reference = "nightly.resize".parse().expect("a step");
    assert_eq!(step.pipeline_step(), Some(("nightly", "resize")));
}

#[test]
fn what_is_no_reference_is_refused() {
    for text in
        ["", "a@", "a@0", "a@01", "a@-1", "a@x", "a@99999999999", "Foo", "a..b", ".a", "a b", "a\u{0}", "@2"]
    {
        assert!(text.parse::<Reference>().is_err(), "{text:?}");
    }
}
