//! `ktk adopt`: an old result is taken back.

use ktk_tests::Place;

#[test]
fn an_old_result_is_taken_back() {
    let place = Place::started();
    place.file("n", "1");
    place.ok("run --name x -- sh -c 'echo n=$(cat n) > $KTK_OUTPUT'");
    place.ok("create task y --need x -- true");
    place.ok("wait y");
    place.file("n", "2");
    place.ok("restart x");
    place.ok("wait x");
    place.ok("wait y --for jsonpath=.metadata.restart.incarnation=2");
    place.ok("wait y");
    place.ktk("adopt x@1 --dry-run").is(
        0,
        "TASK   ACTION   WHY\n\
         x      adopt    takes back the outputs of x@1\n\
         y      decide   runs again only if x's outputs change\n",
        "",
    );
    place.ktk("adopt x@1 --reason wrong").is(0, "task/x@3 created (outputs of x@1)\n", "");
    place.ktk("tree x").is(
        0,
        "x@1      Succeeded            <age>\n\
         ├─ x@2   Succeeded            <age>\n\
         └─ x@3   Succeeded   Reused   <age>   wrong   current\n",
        "",
    );
    assert_eq!(place.field("task", "x", "/status/outputs/n"), "1");
    place.ok("wait y --for jsonpath=.metadata.restart.incarnation=3");
    let nothing = "nothing to adopt: x@3 is the newest, and these are its outputs\n";
    place.ktk("adopt x@1").is(0, nothing, "");
    let again = place.ktk("adopt task/x -o json").code(0).json();
    assert_eq!((&again["created"], &again["status"]["reason"]), (&false.into(), &"Reused".into()));
}

#[test]
fn what_cannot_be_adopted_is_said() {
    let place = Place::started();
    place.ktk("run --name x -- false").code(1);
    place.ktk("adopt x").is(
        5,
        "",
        "Error from server (Conflict): x@1 has no result that could be adopted: it is Failed\n\
         hint: name an incarnation that succeeded: ktk tree shows them\n",
    );
    place.ktk("adopt nosuch").code(3);
    place.ktk("adopt pipeline/p").code(2).says("does not take pipelines");
    place.ktk("adopt x y --if-newest 1").code(2).says("one name");
}
