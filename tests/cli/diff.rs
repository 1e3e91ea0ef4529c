//! `ktk diff`: two incarnations beside each other.

use ktk_tests::Place;

#[test]
fn what_differs_is_shown() {
    let place = Place::started();
    place.file("s.sh", "echo same; echo w=$W; echo w=$W > $KTK_OUTPUT");
    place.ok("run --name x --env W=1 -- sh s.sh");
    place.ok("restart x");
    place.ok("wait x");
    place.ktk("diff x@1 x@2").is(0, "", "");
    place.ok("restart x --env W=2");
    place.ok("wait x");
    let shown = place.ktk("diff task/x@1 task/x@3").code(1);
    let mut lines: Vec<&str> = shown.stdout.lines().collect();
    // How long they took.
    assert!(lines.pop().is_some_and(|line| line.starts_with("duration ")), "{}", shown.transcript());
    let expected = [
        "FIELD              x@1   x@3",
        "spec.run.env.W     1     2",
        "status.outputs.w   1     2",
        "log line 2         w=1   w=2",
    ];
    assert_eq!(lines, expected);
    let json = place.ktk("diff x@1 x@3 -o json").code(1).json();
    assert_eq!((&json["equal"], &json["items"][0]["right"]), (&false.into(), &"2".into()));
    assert_eq!(place.ktk("diff x@1 x@1 -o json").code(0).json()["equal"], true);
}

#[test]
fn trouble_is_not_a_difference() {
    let place = Place::started();
    place.ok("run --name x -- true");
    place.ktk("diff x@1 x@2").code(3).says("the newest incarnation is @1");
    for line in ["diff", "diff x", "diff x x x"] {
        let words = "error: ktk diff takes two tasks, or -f\nhint: ktk diff NAME@1 NAME@2\n";
        place.ktk(line).is(2, "", words);
    }
    place.ktk("diff x pipeline/p").code(2).says("does not take pipelines");
    place.ktk("--server unix:///tmp/nosuch.sock diff a b").code(6);
}
