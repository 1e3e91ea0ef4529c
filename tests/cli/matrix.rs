//! Every command and every cause: its code, its stream and its text. A command without a row is a failure.

mod rows;

use std::{collections::BTreeSet, time::Duration};

use ktk_tests::{HttpPeer, Output, Place, Running, repository};
use rustix::process::Signal;

use self::rows::{Cell, FILES, LOCAL, PREPARED, ROWS, Row};

/// A place with all that the lines name; answers where its server listens too.
fn prepared() -> (Place, String) {
    let place = Place::new().with_env("KTK_LISTEN", "127.0.0.1:0").with_env("KTK_EDITOR", "sed -i s/a/a/");
    place.start();
    for (name, content) in FILES {
        place.file(name, content);
    }
    let address = place.ktk("server status -o json").json()["listen"].as_str().unwrap().to_owned();
    (place, address)
}

/// The lines of all commands, typed at once.
fn all(place: &Place, env: &[(&str, &str)]) -> Vec<(&'static Row, Running)> {
    let typed = |row: &'static Row| {
        let typed = env.iter().fold(place.typed(row.line), |typed, (name, value)| typed.env(name, *value));
        (row, typed.spawn())
    };
    ROWS.iter().map(typed).collect()
}

/// What went to stdout is nothing, but what `version` knows by itself.
#[track_caller]
fn prints_nothing(row: &Row, output: &Output) {
    if row.command != "version" {
        assert_eq!(output.stdout, "", "{}", output.transcript());
    }
}

#[test]
fn each_command_has_a_row() {
    let pages = std::fs::read_dir(repository().join("man")).unwrap();
    let pages: BTreeSet<String> = pages
        .filter_map(|page| page.unwrap().file_name().to_str()?.strip_suffix(".1").map(str::to_owned))
        .collect();
    let page = |command: &str| ["ktk", command].join("-").trim_end_matches('-').replace(' ', "-");
    let rows = ROWS.iter().map(|row| row.command).chain(LOCAL.iter().map(|(command, _)| *command));
    let rows: BTreeSet<String> = rows.map(page).collect();
    assert_eq!(rows, pages);
}

#[test]
fn done_not_found_and_in_conflict() {
    let (place, _) = prepared();
    for line in PREPARED {
        place.ok(line);
    }
    for row in ROWS {
        let output = place.ktk(row.line);
        assert_eq!(output.code, 0, "{}", output.transcript());
        if let Cell::Line(line) = row.not_found {
            let output = place.ktk(line).code(3);
            assert!(output.stderr.starts_with("Error from server (NotFound): "), "{}", output.transcript());
            prints_nothing(row, &output);
        }
        if let Cell::Line(line) = row.conflict {
            let output = place.ktk(line).code(5);
            let words = ["Error from server (Conflict): ", "Error from server (AlreadyExists): "];
            assert!(words.iter().any(|words| output.stderr.starts_with(words)), "{}", output.transcript());
            prints_nothing(row, &output);
        }
    }
    assert!(
        ROWS.iter().flat_map(|row| [&row.not_found, &row.conflict]).all(|cell| match cell {
            Cell::Line(line) => !line.is_empty(),
            Cell::Never(reason) => !reason.is_empty(),
        }),
        "a cell without a reason"
    );
}

#[test]
fn refused() {
    let (place, address) = prepared();
    for (row, running) in all(&place, &[("KTK_SERVER", &address), ("KTK_TOKEN", "wrong")]) {
        let output = running.wait().code(4);
        assert!(output.stderr.starts_with("Error from server (Unauthorized): "), "{}", output.transcript());
        prints_nothing(row, &output);
    }
    assert_eq!(place.ok("get tasks,pipelines,queues -A -o name"), "queue/default\n");
}

#[test]
fn unreachable() {
    let (place, _) = prepared();
    let nobody = format!("unix://{}", place.root().join("nobody.sock").display());
    for (row, running) in all(&place, &[("KTK_SERVER", &nobody)]) {
        let output = running.wait().code(6);
        assert!(output.stderr.starts_with("error: cannot reach the server at "), "{}", output.transcript());
        assert_eq!(output.stderr.lines().count(), 1, "{}", output.transcript());
        prints_nothing(row, &output);
    }
}

#[test]
fn out_of_time() {
    let (place, _) = prepared();
    let silent = HttpPeer::silent();
    let env = [("KTK_SERVER", &*silent.url("")), ("KTK_TOKEN", "x"), ("KTK_REQUEST_TIMEOUT", "300ms")];
    for (row, running) in all(&place, &env) {
        let output = running.wait().code(124);
        assert!(output.stderr.starts_with("error: "), "{}", output.transcript());
        assert_eq!(output.stderr.lines().count(), 1, "{}", output.transcript());
        prints_nothing(row, &output);
    }
}

#[test]
fn interrupted() {
    let (place, _) = prepared();
    let silent = HttpPeer::silent();
    let env = [("KTK_SERVER", &*silent.url("")), ("KTK_TOKEN", "x"), ("KTK_REQUEST_TIMEOUT", "0")];
    let running = all(&place, &env);
    ktk_tests::eventually("each has asked", Duration::from_secs(60), || {
        (silent.asked().len() >= running.len()).then_some(())
    });
    running.iter().for_each(|(_, running)| running.signal(Signal::INT));
    for (row, running) in running {
        let output = running.wait().code(130);
        let is_said = output.stderr.starts_with("error: interrupted");
        assert!(output.stderr.is_empty() || is_said, "{}", output.transcript());
        prints_nothing(row, &output);
    }
}

#[test]
fn wrongly_used() {
    let place = Place::new().with_env("KTK_AUTOSTART", "never");
    for command in ROWS.iter().map(|row| row.command).chain(LOCAL.iter().map(|(command, _)| *command)) {
        let output = place.ktk(&format!("{command} --nosuch")).code(2);
        assert!(
            output.stderr.starts_with("error: unknown flag: --nosuch\nSee 'ktk"),
            "{}",
            output.transcript()
        );
        assert_eq!(output.stdout, "", "{}", output.transcript());
    }
    assert!(!place.data().exists());
}

#[test]
fn nobody_reads() {
    let (place, _) = prepared();
    for line in PREPARED {
        place.ok(line);
    }
    let ktk = place.binary().display().to_string();
    for row in ROWS {
        // The pipe's reader has gone before the command begins.
        let script = "exec 3> >(:); wait $!; \"$@\" >&3; code=$?; exec 3>&-; echo code $code";
        let typed = place.program("bash -c").arg(script).arg("bash").arg(&ktk);
        let output = row.line.split(' ').fold(typed, |typed, arg| typed.arg(arg)).output().code(0);
        // Progress and notes have a stream of their own, which is still read.
        let is_said = output.stderr.contains("pipe") || output.stderr.contains("rror");
        assert!(!is_said, "{}: {}", row.line, output.transcript());
        let has_ended = matches!(&*output.stdout, "code 0\n" | "code 141\n");
        assert!(has_ended, "{}: {}", row.line, output.transcript());
    }
}
