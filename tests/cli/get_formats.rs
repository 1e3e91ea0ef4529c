//! `ktk get`: templates, columns that are typed, jq, orders.

use ktk_tests::{Place, masked};

/// `bad` failed and was restarted, `good` succeeded.
fn two_tasks() -> Place {
    let place = Place::started();
    place.ktk("run --name bad --label team=a --label x.io/tier=web --priority 2 -- false").code(1);
    place.ok("run --name good --label team=b -- true");
    place
}

#[test]
fn u9_jsonpath_prints_what_it_leads_to_and_no_line_end() {
    let place = two_tasks();
    for (line, printed) in [
        ("get task good -o jsonpath='{.metadata.name}'", "good"),
        ("get task good -ojsonpath='{.metadata.name}: {.status.phase}'", "good: Succeeded"),
        ("get tasks -o JSONPATH='{.items[*].metadata.name}'", "bad good"),
        ("get tasks -o jsonpath='{range .items[*]}{.metadata.name}{\"\\n\"}{end}'", "bad\ngood\n"),
        ("get tasks -o jsonpath='{.items[?(@.spec.priority>1)].metadata.name}'", "bad"),
        ("get tasks -o jsonpath='{.items[?(@.metadata.name=~\"^g\" || !@.status)].metadata.name}'", "good"),
        ("get task bad -o jsonpath='{.metadata.labels.x\\.io/tier}'", "web"),
        ("get task bad -o jsonpath='{.metadata.labels}'", "{\"team\":\"a\",\"x.io/tier\":\"web\"}"),
        ("get task bad good -o jsonpath='{.items[*].status.exitCode}'", "1 0"),
        ("get task good -o jsonpath='{.nosuch}'", ""),
        ("get tasks -n nowhere -o jsonpath='{.items[*].metadata.name}'", ""),
        ("get task good -o jsonpath-as-json='{.metadata.name}'", "[\n    \"good\"\n]\n"),
        ("get tasks --sort-by .metadata.createdAt -o jsonpath='{.items[-1:].metadata.name}'", "good"),
    ] {
        place.ktk(line).is(0, printed, "");
    }
    place.file("t.jsonpath", "{.status.phase}\n");
    place.ktk("get task bad -o jsonpath-file=t.jsonpath").is(0, "Failed\n", "");
    let plain = "Warning: the template \".metadata.name\" has no {expression}: it is printed as it is\n";
    place.ktk("get task good -o jsonpath=.metadata.name").is(0, ".metadata.name", plain);
    place.ktk("version --client -o jsonpath='{.client.nosuch}'").is(0, "", "");
}

#[test]
fn templates_that_are_wrong_are_refused_in_one_line() {
    let place = two_tasks();
    for (line, code, said) in [
        ("get tasks -o jsonpath", 2, "error: template format specified but no template given\n"),
        (
            "get tasks -o jsonpath='{.metadata.name'",
            2,
            "error: error parsing jsonpath {.metadata.name, unclosed action\n",
        ),
        (
            "get task good -o jsonpath='{.nosuch}' --allow-missing-template-keys=false",
            1,
            "error: error executing jsonpath \"{.nosuch}\": nosuch is not found\n",
        ),
        (
            "get tasks -o jsonpath='{.items[7]}'",
            1,
            "error: error executing jsonpath \"{.items[7]}\": array index out of bounds: index 7, length 2\n",
        ),
        (
            "get tasks -o jsonpath-file=nosuch",
            2,
            "error: error reading --template nosuch, open nosuch: no such file or directory\n",
        ),
        (
            "get tasks -o go-template='{{.x}}'",
            2,
            "error: go-template is not offered: ktk has no Go templates\n\
             hint: use -o jsonpath='{.metadata.name}': ktk help jsonpath\n",
        ),
        (
            "get tasks -o foo",
            2,
            "error: unable to match a printer suitable for the output format \"foo\", allowed formats are: \
             custom-columns,custom-columns-file,dot,json,jsonl,jsonpath,jsonpath-as-json,jsonpath-file,mermaid,name,\
             tree,wide,yaml\n",
        ),
        ("get tasks --jq '.a |'", 2, ""),
        ("get tasks --jq .a -o yaml", 2, "error: --jq goes with -o json alone\n"),
    ] {
        let output = place.ktk(line).code(code);
        assert_eq!(output.stdout, "", "{line}");
        assert!(
            output.stderr.starts_with(said) && !said.is_empty() || said.is_empty(),
            "{line}: {}",
            output.stderr
        );
    }
    for topic in ["jsonpath", "selectors"] {
        assert!(place.ok(&format!("help {topic}")).contains("ktk") || topic == "selectors");
    }
}

#[test]
fn u20_columns_are_those_that_were_typed_and_times_as_well() {
    let place = two_tasks();
    place.ktk("get tasks -o custom-columns=NAME:.metadata.name,Phase:{.status.phase},X:spec.nosuch").is(
        0,
        "NAME   Phase       X\n\
         bad    Failed      <none>\n\
         good   Succeeded   <none>\n",
        "",
    );
    let columns =
        "-o custom-columns='N:metadata.name,LABELS:metadata.labels,CODES:status.attempts[*].exitCode'";
    place.ktk(&format!("get tasks {columns} --no-headers --sort-by metadata.createdAt")).is(
        0,
        "bad    {\"team\":\"a\",\"x.io/tier\":\"web\"}   1\n\
         good   {\"team\":\"b\"}                     0\n",
        "",
    );
    place.file("columns.txt", "NAME          WHEN\nmetadata.name age(.metadata.createdAt)\n");
    let table = place.ok("get tasks -o custom-columns-file=columns.txt");
    assert_eq!(masked(&table), "NAME   WHEN\nbad    <age>\ngood   <age>\n");
    let absolute = place.ok("get tasks --timestamps=absolute");
    let created = place.ok("get task bad -o jsonpath='{.metadata.createdAt}'");
    assert!(
        absolute.starts_with("NAME   STATUS      REASON     ATTEMPTS   RESTARTS   CREATED\n"),
        "{absolute}"
    );
    assert!(absolute.lines().nth(1).unwrap().ends_with(&format!("{}Z", &created[..19])), "{absolute}");
    // An empty list is its titles.
    place.ktk("get tasks -n nowhere -o custom-columns=NAME:.metadata.name").is(0, "NAME\n", "");
    place
        .ktk("get tasks -o custom-columns=NAME")
        .code(2)
        .says("unexpected custom-columns spec: NAME, expected <header>:<json-path-expr>");
    place.ktk("get tasks -o custom-columns=N:.spec.priority[3]").code(1).says("column N");
}

#[test]
fn jq_and_lines_of_json() {
    let place = two_tasks();
    place.ktk("get tasks --jq '.items[].metadata.name'").is(0, "bad\ngood\n", "");
    place.ktk("get task bad --jq '.metadata | {name, labels}' -o json").is(
        0,
        "{\"labels\":{\"team\":\"a\",\"x.io/tier\":\"web\"},\"name\":\"bad\"}\n",
        "",
    );
    place.ktk("get task bad --jq '.metadata.name | error'").is(1, "", "error: --jq: bad\n");
    place.ktk("describe task bad --jq .object.metadata.name").is(0, "bad\n", "");
    assert!(place.ok("events --jq '.items[].reason'").lines().any(|line| line == "Created"));
    let lines = place.ok("get tasks -o jsonl");
    let names: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["metadata"]["name"].clone())
        .collect();
    assert_eq!(names, ["bad", "good"]);
}

#[test]
fn u1_u21_an_order_is_by_any_field_and_no_list_and_no_kind_is_lost() {
    let place = two_tasks();
    for path in [".spec.priority", "{.spec.priority}", "spec.priority"] {
        place.ktk(&format!("get tasks -o name --sort-by='{path}'")).is(0, "task/good\ntask/bad\n", "");
    }
    place.ktk("get tasks --sort-by .nosuch").is(1, "", "error: no object has the field \".nosuch\"\n");
    place.ktk("get tasks --sort-by '.a['").code(2).says("cannot read the path \".a[\"");
    // The kind stays in the names of several types.
    place.file("p.yaml", "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  - {name: s, run: {command: ['true']}}\n");
    place.ok("run -f p.yaml");
    let table = place.ok("get tasks,pipelines --sort-by .metadata.name --no-headers");
    let names: Vec<_> = table.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(names, ["task/bad", "task/good", "task/p.s", "pipeline/p"]);
}

#[test]
fn pages_of_any_size_are_the_same_list() {
    let place = Place::started();
    for number in 0..7 {
        place.ok(&format!("create task t{number} --external"));
    }
    for flags in ["", "-o name", "-o json", "--show-labels -o wide"] {
        let whole = masked(&place.ok(&format!("get tasks {flags}")));
        for size in [0, 1, 3, 500] {
            let paged = masked(&place.ok(&format!("get tasks {flags} --chunk-size={size}")));
            assert_eq!(paged, whole, "{flags} --chunk-size={size}");
        }
    }
    place.ktk("get tasks --limit 3").code(2).says("--limit");
    place.ktk("get tasks --chunk-size=x").code(2).says("--chunk-size");
}

#[test]
fn fields_are_chosen_by_the_server() {
    let place = two_tasks();
    place.ok("create task waiting --external");
    let finished = place.ok("get task bad -o jsonpath='{.status.finishedAt}'");
    for (fields, names) in [
        ("status.phase=Failed", "task/bad\n"),
        ("status.reason=ExitCode,status.exitCode=1", "task/bad\n"),
        ("status.exitCode>0", "task/bad\n"),
        ("status.exitCode<=0", "task/good\n"),
        ("status.attempt<1", ""),
        ("spec.priority>1", "task/bad\n"),
        ("spec.queue!=default", ""),
        (&format!("status.finishedAt>{finished}"), "task/good\n"),
        (&format!("status.finishedAt<={finished}"), "task/bad\n"),
        ("status.finishedAt=", "task/waiting\n"),
        ("metadata.createdAt<2020-01-01T00:00:00Z", ""),
        ("metadata.restart.incarnation=1,metadata.name!=good", "task/bad\ntask/waiting\n"),
    ] {
        place.ktk(&format!("get tasks -o name --field-selector '{fields}'")).is(0, names, "");
    }
    place
        .ktk("get tasks --field-selector status.phase=Failed --field-selector metadata.name=good -o name")
        .is(0, "", "");
    place.ktk("get tasks -l team -l team=b --field-selector status.phase=Succeeded -o name").is(
        0,
        "task/good\n",
        "",
    );
    place
        .ktk("get tasks --field-selector spec.nosuch=1")
        .code(2)
        .says("field label not supported: spec.nosuch");
    place
        .ktk("get tasks --field-selector 'status.finishedAt>yesterday'")
        .code(2)
        .says("a whole number or a time");
    place.ktk("get tasks -l 'team in a'").code(2).says("found 'a', expected: '('");
    place.ktk("get pipelines --field-selector 'status.startedAt>2020-01-01T00:00:00Z' -o name").is(0, "", "");
}
