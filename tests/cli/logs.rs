//! `ktk logs`: what a task wrote, byte by byte, also while it grows.

use ktk_tests::Place;

/// Bytes of all kinds, with and without a line's end.
const BINARY: &str = "head -c 200000 /dev/zero | tr \"\\000\" \"\\377\"; printf \"a\\000b\\nlast\"";

#[test]
fn whole_and_in_part() {
    let place = Place::started();
    place.ktk("run --name l -- sh -c 'for i in 1 2 3; do echo line $i; done; exit 3'").code(3);
    place.ktk("logs l").is(0, "line 1\nline 2\nline 3\n", "");
    place.ktk("logs task/l --tail 2").is(0, "line 2\nline 3\n", "");
    place.ktk("logs l --tail 0").is(0, "", "");
    place.ktk("logs l --tail 99").is(0, "line 1\nline 2\nline 3\n", "");
    place.ktk("logs l --timestamps --tail 1").is(0, "<time> line 3\n", "");
    place.ktk("logs l -f").is(0, "line 1\nline 2\nline 3\n", "");
    place.ktk("logs l --tail -2").is(2, "", "error: --tail must be greater than or equal to -1\n");
    place.ktk("logs l --since 1h").is(0, "line 1\nline 2\nline 3\n", "");
    place.ktk("logs l --since-time 2020-01-01T00:00:00Z --since 1h").code(2);
}

#[test]
fn attempts_and_incarnations() {
    let place = Place::started();
    let command = "run --name l --retry 1 -- sh -c 'echo attempt $KTK_ATTEMPT of $KTK_TASK_NAME; exit 3'";
    place.ktk(command).code(3);
    place.ktk("logs l --attempt 1").is(0, "attempt 1 of l\n", "");
    place.ktk("logs l --attempt 2").is(0, "attempt 2 of l\n", "");
    place.ktk("logs l").is(0, "attempt 2 of l\n", "");
    place.ktk("logs l --previous").is(0, "attempt 1 of l\n", "");
    let stderr = "Error from server (NotFound): attempt 7 of task \"l\" not found\n";
    place.ktk("logs l --attempt 7").code(3).says(&stderr[..40]);
    place.ok("restart l");
    place.ktk("wait l").code(1);
    assert!(place.ok("logs l").starts_with("attempt 2 of l"));
    place.ktk("logs l@1 --attempt 1").is(0, "attempt 1 of l\n", "");
}

#[test]
fn bytes_stay_as_they_are() {
    let place = Place::started();
    let ran = place.ktk(&format!("run --name b -- sh -c '{BINARY}'")).code(0);
    let expected = [vec![0xff; 200_000], b"a\0b\nlast".to_vec()].concat();
    assert_eq!(ran.bytes.len(), expected.len());
    assert!(ran.bytes == expected);
    let read = place.ktk("logs b").code(0);
    assert!(read.bytes == expected);
}

#[test]
fn a_log_is_followed_while_it_grows() {
    let place = Place::started();
    place.ok("run --name l --detach -- sh -c 'echo one; while ! test -e go; do sleep 0.01; done; echo two'");
    let follow = place.spawn("logs -f l");
    follow.until_stdout("one\n");
    assert_eq!(place.ok("logs l"), "one\n");
    place.file("go", "");
    follow.wait().is(0, "one\ntwo\n", "");
}

#[test]
fn u10b_following_survives_the_server() {
    let place = Place::started();
    let script = "echo $KTK_ATTEMPT: one; while ! test -e go; do sleep 0.01; done; echo $KTK_ATTEMPT: two";
    place.ok(&format!("run --name l --detach -- sh -c '{script}'"));
    let follow = place.spawn("logs -f l");
    follow.until_stdout("1: one\n");
    place.kill_server();
    place.ok("get tasks");
    follow.until_stdout("2: one\n");
    place.file("go", "");
    let output = follow.wait().code(0);
    assert!(output.stdout.ends_with("2: one\n2: two\n"), "{}", output.stdout);
    assert_eq!(output.stdout.matches("1: one").count(), 1, "{}", output.stdout);
}

#[test]
fn a_pipelines_steps_are_named() {
    let place = Place::started();
    place.file("p.yaml", crate::manifests::BROKEN);
    place.ktk("run -f p.yaml").code(1);
    place.ktk("logs p").is(
        3,
        "",
        "Error from server (NotFound): task \"p\" not found\nhint: pipeline/p has a log for each step, as ktk logs p.a\n",
    );
    place.ktk("logs p.d").is(0, "clean\n", "");
}

#[test]
fn u10_several_logs_are_chosen_by_selectors() {
    let place = Place::started();
    for name in ["a", "b"] {
        place.ok(&format!("run --name {name} --label team=x -- sh -c 'echo {name} 1; echo {name} 2'"));
    }
    place.ok("create task waiting --external --label team=y");
    // The same lines as without a selector: all of them.
    place.ktk("logs -l team=x").is(0, "a 1\na 2\nb 1\nb 2\n", "");
    place.ktk("logs -l team=x --prefix --tail 1").is(0, "[task/a] a 2\n[task/b] b 2\n", "");
    place.ktk("logs -l team=x --prefix --timestamps --tail 1").is(
        0,
        "[task/a] <time> a 2\n[task/b] <time> b 2\n",
        "",
    );
    place.ktk("logs -l team=x --limit-bytes 4").is(0, "a 1\nb 1\n", "");
    place.ktk("logs a --prefix --limit-bytes 3").is(0, "[task/a] a 1", "");
    place.ktk("logs -l team=x --field-selector metadata.name=b --tail=1").is(0, "b 2\n", "");
    place.ktk("logs -l team=none").is(0, "", "No resources found in default namespace.\n");
    place.ktk("logs -l team=x a").is(2, "", "error: only a selector (-l) or a task name is allowed\n");
    place.ktk("logs a b").code(2).says("one task");
    place.ktk("logs").code(2);
}

#[test]
fn u10_who_comes_later_is_followed_too() {
    let place = Place::started();
    let script = "echo begun; while ! test -e go; do sleep 0.01; done; echo over";
    place.ok(&format!("create task one --label t=1 -- sh -c '{script}'"));
    let follow = place.spawn("logs -f -l t=1 --prefix");
    follow.until_stdout("[task/one] begun\n");
    place.ok(&format!("create task two --label t=1 -- sh -c '{script}'"));
    follow.until_stdout("[task/two] begun\n");
    let refused = "you are attempting to follow 2 log streams, but maximum allowed concurrency is 1, use \
                   --max-log-requests to increase the limit";
    place.ktk("logs -f -l t=1 --max-log-requests 1").code(2).says(refused);
    place.file("go", "");
    let output = follow.wait().code(0);
    let mut lines: Vec<_> = output.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["[task/one] begun", "[task/one] over", "[task/two] begun", "[task/two] over"]);
}

#[test]
fn a_whole_pipeline_is_read_and_followed() {
    let place = Place::started();
    place.file(
        "p.yaml",
        "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  \
         - {name: a, run: {command: [sh, -c, 'printf \"a\\nno end\"']}}\n  \
         - {name: b, needs: [a], run: {command: [sh, -c, 'while ! test -e go; do sleep 0.01; done; echo b']}}\n",
    );
    place.ok("create -f p.yaml");
    let follow = place.spawn("logs -f pipeline/p --prefix");
    follow.until_stdout("[task/p.a] a\n[task/p.a] no end\n");
    place.file("go", "");
    follow.wait().is(0, "[task/p.a] a\n[task/p.a] no end\n[task/p.b] b\n", "");
    place.ktk("logs pipeline/p --step b").is(0, "b\n", "");
    place.ktk("logs pl p --step nosuch").is(3, "", "error: pipeline/p has no step \"nosuch\"\n");
    place.ktk("logs p.a --step b").code(2).says("--step goes with pipeline/NAME");
}

#[test]
fn lines_of_one_stream_are_not_broken_by_the_other() {
    let place = Place::started();
    place
        .ktk(
            "run --name torn -- sh -c 'printf one; sleep 0.3; echo err >&2; sleep 0.3; echo two; printf end'",
        )
        .code(0);
    for line in ["logs torn", "logs torn --follow", "logs torn --tail 3"] {
        let mut lines: Vec<String> = place.ok(line).lines().map(Into::into).collect();
        lines.sort_unstable();
        assert_eq!(lines, ["end", "err", "onetwo"], "{line}");
    }
    assert!(place.ok("logs torn").ends_with("end"), "what is written last has no newline of its own");
    let stamped = place.ok("logs torn --timestamps");
    assert_eq!(stamped.lines().filter(|line| line.contains("Z ")).count(), 3, "{stamped}");
}

#[test]
fn what_has_no_end_is_ended_before_another_begins() {
    let place = Place::started();
    let long = "head -c 70000 /dev/zero | tr '\\0' o; sleep 0.3; echo ERR >&2; sleep 0.3; echo O";
    place.typed("run --name long -- sh -c").arg(long).output().code(0);
    for line in ["logs long", "logs long --timestamps", "logs long --follow"] {
        let log = place.ok(line);
        let both = log.lines().find(|line| line.contains("ERR") && line.contains("oo"));
        assert!(both.is_none() && log.contains("ERR"), "{line}: {} bytes", log.len());
        assert_eq!(log.matches('o').count(), 70_000, "{line}");
    }
    let stamped = place.ok("logs long --timestamps");
    assert!(stamped.lines().all(|line| line.contains("Z ")), "each begins with its time");
    for name in ["v1", "v2"] {
        place.ok(&format!("run --name {name} --label g=v -- printf noend"));
    }
    assert_eq!(place.ok("logs -l g=v"), "noend\nnoend\n");
    assert_eq!(place.ok("logs -l g=v --prefix"), "[task/v1] noend\n[task/v2] noend\n");
}
