//! `ktk tree`: restarts, drawn.

use ktk_tests::Place;

#[test]
fn restarts_are_a_tree() {
    let place = Place::started();
    place.ktk("run --name x -- sh -c 'test -e fixed'").code(1);
    place.ktk("tree x").is(0, "x@1   Failed   ExitCode 1   <age>   current\n", "");
    place.ok("restart x");
    place.ktk("wait x").code(1);
    place.file("fixed", "");
    place.ok("restart x@1");
    place.ok("wait x");
    place.ok("restart x");
    place.ok("wait x");
    place.ktk("tree x").is(
        0,
        "x@1         Failed      ExitCode 1   <age>\n\
         ├─ x@2      Failed      ExitCode 1   <age>\n\
         └─ x@3      Succeeded                <age>\n   \
            └─ x@4   Succeeded                <age>   current\n",
        "",
    );
    let tree = place.ktk("tree x -o json").code(0).json();
    assert_eq!(tree["items"].as_array().unwrap().len(), 4);
}
