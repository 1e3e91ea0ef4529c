//! kubectl's dialect, and what is beyond it.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn object() -> Value {
    json!({
        "kind": "List",
        "items": [
            {"name": "a", "n": 2, "ok": true, "labels": {"x.io/y": "1"}, "list": [{"c": 0}, {"c": 3}]},
            {"name": "b", "n": 1.5, "ok": false, "text": "one\ntwo", "list": []},
            {"name": "c", "none": null, "n": 10}
        ]
    })
}

fn printed(template: &str) -> Result<String, String> {
    let template = Template::parse(template).map_err(|problem| problem.to_string())?;
    template.text(&object(), Missing::Allowed).map_err(|problem| problem.to_string())
}

fn ok(template: &str) -> String {
    printed(template).unwrap_or_else(|problem| panic!("{template}: {problem}"))
}

#[test]
fn paths_lead_through_objects_and_lists() {
    for (template, text) in [
        ("plain .text", "plain .text"),
        ("}", "}"),
        ("{.kind}", "List"),
        ("{$.kind}", "List"),
        ("{@.kind}-{ .kind }", "List-List"),
        ("{.items[*].name}", "a b c"),
        ("{.items[0].ok}", "true"),
        ("{.items[-1].name}", "c"),
        ("{.items[0:2].name}", "a b"),
        ("{.items[::2].name}", "a c"),
        ("{.items[3:3].name}", ""),
        ("{.items[0]['name','n']}", "a 2"),
        ("{.items[2,0].name}", "c a"),
        ("{.items[0].labels.x\\.io/y}", "1"),
        ("{.items[0]['labels.x\\.io/y']}", "1"),
        ("{.items[0][\"name\"]}", "a"),
        ("{.items[1].text}", "one\ntwo"),
        ("{.items[0].list}", "[{\"c\":0},{\"c\":3}]"),
        ("{.items[2]}", "{\"n\":10,\"name\":\"c\",\"none\":null}"),
        ("{.items[2].none}", "null"),
        ("{.items[2].none.deeper}", ""),
        ("{..c}", "0 3"),
        ("{.items[0].list.*.c}", "0 3"),
        ("{.items[0]..*}", "{\"x.io/y\":\"1\"} [{\"c\":0},{\"c\":3}] 2 a true 1 {\"c\":0} {\"c\":3} 0 3"),
        ("{.nosuch}{.items[*].nosuch}", ""),
        ("{\"{\\t}\"}{'\\x41\\u00e9'}{'it\\'s'}", "{\t}Aéit's"),
        ("{1}{-2.5}{true}{null}", "1-2.5truenull"),
    ] {
        assert_eq!(ok(template), text, "{template}");
    }
}

#[test]
fn ranges_nest_and_end() {
    for (template, text) in [
        ("{range .items[*]}{.name}{\"\\n\"}{end}{.kind}", "a\nb\nc\nList"),
        ("{range .items[*]}{.name}:{range .list[*]}{.c},{end};{end}", "a:0,3,;b:;c:;"),
        ("{range .items[*]}{.name}", "abc"),
        ("{range .items[?(@.n>1)]}{.name} is {.n}; {end}", "a is 2; b is 1.5; c is 10; "),
    ] {
        assert_eq!(ok(template), text, "{template}");
    }
}

#[test]
fn filters_compare_numbers_as_numbers_and_know_and_or_not_and_expressions() {
    for (filter, names) in [
        ("@.n==2", "a"),
        ("@.n==2.0", "a"),
        ("@.n>1.5", "a c"),
        ("@.n>=1.5", "a b c"),
        ("@.n<9", "a b"),
        ("@.name!='b'", "a c"),
        (".name==\"b\"", "b"),
        ("@.ok==true", "a"),
        ("@.ok", "a b"),
        ("!@.ok", "c"),
        ("not @.ok", "c"),
        ("@.none==null", "c"),
        ("@.n==2 || @.name=='c'", "a c"),
        ("@.n==2 or @.name=='c' and @.ok", "a"),
        ("(@.n==2 or @.name=='c') and @.n>5", "c"),
        ("@.n > 1 && !(@.name == \"a\")", "b c"),
        ("@.name=~'^[ab]$'", "a b"),
        ("@.text=~\"t\\w+$\"", "b"),
        ("@.list[?(@.c==3)]", "a"),
        ("@.labels.x\\.io/y=='1'", "a"),
        ("@.labels['x\\.io/y']=='1'", "a"),
        ("@.name==')'", ""),
        ("@..c==7", "!can only compare one element at a time"),
        ("@.ok=='true'", "!incompatible types for comparison: true == true"),
        ("@.labels==1", "!incompatible types for comparison: {\"x.io/y\":\"1\"} == 1"),
        ("@.n=~'2'", "!=~ compares texts"),
    ] {
        let template = format!("{{.items[?({filter})].name}}");
        match names.strip_prefix('!') {
            Some(why) => assert_eq!(printed(&template).expect_err(filter), why),
            None => assert_eq!(ok(&template), names, "{template}"),
        }
    }
}

#[test]
fn what_is_wrong_is_said() {
    for (template, why) in [
        ("{.kind", "error parsing jsonpath {.kind, unclosed action"),
        ("{.a[1}", "unterminated array"),
        ("{.a[?(@.x==1}", "unterminated filter"),
        ("{.a[?(@.x<>1)]}", "unrecognized filter operator <>"),
        ("{.a[?(@.x=1)]}", "unrecognized filter operator ="),
        ("{.a[?(@.x=~1)]}", "behind =~ stands a quoted expression"),
        ("{.a[?(@.x=~'(')]}", "cannot read the expression"),
        ("{.a[?(name==1)]}", "unrecognized identifier name: a field is .name"),
        ("{.a[x]}", "invalid array index x"),
        ("{.a[0:2:0]}", "step must be > 0"),
        ("{kind}", "unrecognized identifier kind: a field is .kind"),
        ("{'a}", "unterminated quoted string"),
        ("{'\\q'}", "unquote string"),
        ("{*}", "unrecognized character in action: U+002A '*'"),
        ("{+1.2.3}", "cannot parse number +1.2.3"),
        ("{....a}", "invalid multiple recursive descent"),
        ("{end}", "not in range, nothing to end"),
        ("{.items[7]}", "array index out of bounds: index 7, length 3"),
        ("{.items[-4].name}", "array index out of bounds: index -1, length 3"),
        ("{.items[2:1]}", "starting index 2 is greater than ending index 1"),
        ("{.kind[0]}", "a text is not array or slice"),
        ("{.kind[?(@.x)]}", "a text is not array or slice and cannot be filtered"),
    ] {
        let error = printed(template).expect_err(template);
        assert!(error.contains(why), "{template}: {error}");
    }
    let template = Template::parse("{.items[*].ok}{.nosuch}").expect("a template");
    let error = template.text(&object(), Missing::Refused).expect_err("no such field");
    assert_eq!(error.to_string(), "nosuch is not found");
}

#[test]
fn an_array_of_all_results() {
    let template = Template::parse("{.items[*].n}{.nosuch}").expect("a template");
    assert_eq!(template.array(&object(), Missing::Allowed), Ok(json!([2, 1.5, 10])));
}

#[test]
fn numbers_are_printed_plainly() {
    let object =
        json!({"a": 1.0, "b": 1_000_000.0, "c": 0.1, "d": 123_456_789_012_345_678_u64, "e": [2.0, 1e300]});
    let template = Template::parse("{.a} {.b} {.c} {.d} {.e}").expect("a template");
    let text = template.text(&object, Missing::Allowed).expect("text");
    assert_eq!(text, "1 1000000 0.1 123456789012345678 [2,1e+300]");
}

#[test]
fn relaxed_paths_are_the_same_with_and_without_braces() {
    let object = json!({"spec": {"priority": 5, "list": [{"x": 5}, {"x": 2}], "a.b": 5}});
    for path in [
        ".spec.priority",
        "{.spec.priority}",
        "{spec.priority}",
        "spec.priority",
        "$.spec.priority",
        "spec['priority']",
        "['spec'].priority",
        ".['spec'].priority",
        "['spec.priority']",
        "spec.list[0].x",
        "spec.list[-2].x",
        "spec.a\\.b",
        "spec['a\\.b']",
        "{ .spec.priority }",
        "spec.list[*].x",
        "spec.list[?(@.x>2)].x",
        "spec..x",
    ] {
        let read = Path::parse(path).expect(path);
        assert_eq!(read.find(&object), Some(&json!(5)), "{path}");
    }
    for path in ["spec.nosuch", "spec.priority[*]", "spec.list[7].x"] {
        assert_eq!(Path::parse(path).expect(path).find(&object), None, "{path}");
    }
    assert!(Path::parse("spec.list[7].x").expect("a path").values(&object).is_err());
    let path = Path::parse("status.attempts[*].node").expect("a path");
    assert_eq!(path.leading_keys().collect::<Vec<_>>(), ["status", "attempts"]);
}

#[test]
fn what_is_no_path_is_refused() {
    for path in [
        "",
        ".",
        "{.spec",
        ".spec}",
        "{{.spec}",
        "{.spec}}",
        "spec[x]",
        "{}",
        "spec[0",
        "spec['a",
        "spec['a'",
        "spec.",
        "spec['a']x",
        "a b",
        "spec[?(@.x=1)]",
        "5x{",
    ] {
        Path::parse(path).expect_err(path);
    }
}

#[test]
fn nothing_takes_for_ever() {
    let mut deep = json!({"a": 1});
    for _ in 0..100 {
        deep = json!({"a": deep, "b": [1, 2, 3]});
    }
    let wide = Value::from((0..2000).collect::<Vec<u32>>());
    for template in [
        "{..a..a..a..a..a..a..a..a}",
        "{range ..a}{range ..a}{range ..a}{range ..a}{@}{end}{end}{end}{end}",
        "{range [*]}{range $}{@}{end}{end}",
        "{[?(@..a..a..a..a)]}",
    ] {
        let template = Template::parse(template).expect(template);
        for object in [&deep, &wide] {
            let _ = template.text(object, Missing::Allowed);
        }
    }
    assert!(Template::parse(&"{[?(".repeat(1000)).is_err());
    assert!(Template::parse(&format!("{{[?({}@.a)]}}", "!".repeat(10_000))).is_err());
    assert!(Template::parse(&"{range .a}".repeat(1000)).is_err());
    assert!(Template::parse("{[?(@.a=~'(\\w{500}){500}')]}").is_err());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[{}\\[\\]?(@.$'\"\\\\!=~<>|&a-c0-3 :,*-]{0,40}") {
        if let Ok(template) = Template::parse(&text) {
            let _ = template.text(&object(), Missing::Allowed);
        }
        if let Ok(path) = Path::parse(&text) {
            let _ = path.find_all(&object());
        }
    }
}

#[test]
fn kubectls_names_of_fields_stand_for_ours() {
    let object = json!({"metadata": {"createdAt": "t", "id": "i", "version": 3}, "status": {"startTime": "own", "startedAt": "s"}});
    let text = |template: &str| {
        let template = Template::parse(template).expect("a template");
        template.text(&object, Missing::Refused).expect("it is there")
    };
    assert_eq!(text("{.metadata.creationTimestamp} {.metadata.uid} {.metadata.resourceVersion}"), "t i 3");
    assert_eq!(text("{.status.startTime}"), "own", "a field of that name comes first");
}
