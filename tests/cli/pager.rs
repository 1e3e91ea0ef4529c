//! The pager: for what is long, on a terminal, where a person wants one.

use ktk_tests::Place;

/// What the line shows on a terminal whose pager marks each line.
fn paged(place: &Place, line: &str) -> bool {
    let typed = place.typed_on_a_terminal(line, "").env("KTK_PAGER", "sed 's/^/PAGED:/'");
    let output = typed.output().code(0);
    assert!(!output.stdout.trim().is_empty(), "{}", output.transcript());
    output.stdout.contains("PAGED:")
}

#[test]
fn what_is_long_is_read_in_the_pager() {
    let place = Place::started();
    place.ok("run --name long -- seq 1 100");
    place.ok("run --name short -- true");
    for line in [
        "help run",
        "run --help",
        "help jsonpath",
        "explain task.metadata",
        "logs long",
        "describe task long",
    ] {
        assert!(paged(&place, line), "{line}");
    }
    for line in [
        "explain task.spec.runIf",
        "logs long --tail 3",
        "logs -f long",
        "get events",
        "describe task long -o json",
        "get task long -o yaml",
    ] {
        assert!(!paged(&place, line), "{line}");
    }
    // Only for a terminal.
    let piped = place.typed("help run").env("KTK_PAGER", "sed 's/^/PAGED:/'").output().code(0);
    assert!(!piped.stdout.contains("PAGED:"));
}

#[test]
fn the_variables_say_which() {
    let place = Place::new();
    let shown = |variables: &[(&str, &str)]| {
        let typed = place.typed_on_a_terminal("help run", "");
        let typed = variables.iter().fold(typed, |typed, (name, value)| typed.env(name, *value));
        typed.output().code(0).stdout
    };
    assert!(shown(&[("PAGER", "sed 's/^/TWO:/'")]).contains("TWO:"));
    let both = shown(&[("PAGER", "sed 's/^/TWO:/'"), ("KTK_PAGER", "sed 's/^/ONE:/'")]);
    assert!(both.contains("ONE:") && !both.contains("TWO:"), "{both}");
    for off in ["", "cat"] {
        let plain = shown(&[("PAGER", "sed 's/^/TWO:/'"), ("KTK_PAGER", off)]);
        assert!(!plain.contains("TWO:") && plain.contains("Examples:"), "{plain}");
    }
    let absent = shown(&[("PAGER", "no-such-pager -x")]);
    assert!(absent.contains("no-such-pager") && absent.contains("Examples:"), "{absent}");
    let less = "cat >/dev/null; echo \"LESS=$LESS\"";
    assert_eq!(shown(&[("PAGER", less)]).trim(), "LESS=FRX");
    assert_eq!(shown(&[("PAGER", less), ("LESS", "R")]).trim(), "LESS=R");
    // One that is left early, or is not there, is no error.
    assert_eq!(shown(&[("PAGER", "head -1")]).lines().count(), 1);
    assert!(!place.data().exists());
}
