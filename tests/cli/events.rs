//! `ktk events`.

use ktk_tests::Place;

#[test]
fn what_happened_oldest_first() {
    let place = Place::started();
    place.ktk("events").is(0, "", "No events found in default namespace.\n");
    place.ktk("run --name x -- false").code(1);
    place.ok("run --name y -- true");
    place.ktk("events --for task/x").is(
        0,
        "LAST SEEN   TYPE      REASON    OBJECT   MESSAGE\n\
         <age>   Normal    Created   task/x   created\n\
         <age>   Normal    Started   task/x   attempt 1 started on local.g1\n\
         <age>   Warning   Failed    task/x   ExitCode: exit code 1\n",
        "",
    );
    place.ktk("events --types=warning --no-headers").is(
        0,
        "<age>   Warning   Failed   task/x   ExitCode: exit code 1\n",
        "",
    );
    assert_eq!(place.ok("events -A --no-headers").lines().count(), 6);
    let list = place.ktk("events -o json").code(0).json();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 6);
    assert_eq!(items[0]["object"]["name"], "x");
    assert_eq!(items[2]["reason"], "Failed");
    place.ktk("events --for task/nosuch").code(3);
}
