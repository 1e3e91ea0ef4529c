//! What is stored can be broken, or made by a newer ktk: one broken object is an error of that object alone, and a
//! newer store is left as it is.

use std::fs;

use ktk_tests::Place;
use rusqlite::Connection;

fn store(place: &Place) -> Connection {
    Connection::open(place.data().join("ktk.db")).unwrap()
}

#[test]
fn one_broken_object_stops_no_other() {
    let place = Place::started();
    place.file(
        "p.yaml",
        "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n    \
         - {name: a, run: {command: [\"true\"]}}\n    - {name: b, needs: [a], run: {command: [\"true\"]}}\n",
    );
    place.ok("run --name body -- true");
    place.ok("run --name row -- true");
    place.ok("run --name good -- true");
    place.ok("run -f p.yaml");
    place.ok("create task waits --run-after 2099-01-01T00:00:00Z -- true");
    place.ok("create task lost --run-after 2099-01-01T00:00:00Z -- true");
    place.kill_server();
    store(&place)
        .execute_batch(
            "UPDATE task_bodies SET body = 'nonsense' WHERE seq IN
                 (SELECT seq FROM tasks WHERE name IN ('body', 'waits', 'p.a'));
             UPDATE tasks SET phase = 99 WHERE name IN ('row', 'lost');
             UPDATE pipeline_bodies SET body = '{';
             UPDATE events SET object_id = x'00' WHERE object_name = 'row';
             UPDATE requests SET answer = '{';",
        )
        .unwrap();
    place.start();
    let pid = place.server();
    let list = place.ktk("get tasks -o json").code(0).json();
    let names: Vec<&str> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["metadata"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["body", "good", "p.a", "p.b", "waits"], "the row that cannot be read is left out");
    for name in ["body", "waits", "p.a"] {
        let message = place.field("task", name, "/status/message");
        assert!(message.contains("cannot be read"), "{name}: {message}");
        place.ktk(&format!("describe task {name}")).code(0);
    }
    place.ktk("get task row").code(3).says("row");
    place.ktk("restart body").says("cannot be read");
    place.ktk("get pipelines").code(0).prints("p ");
    place.ktk("get pipeline p -o json").code(0);
    place.ktk("restart pipeline/p --from b").says("");
    place.ktk("events").code(0);
    // Everything else works, and what is broken can be taken away.
    assert_eq!(place.ok("run -- echo on"), "on\n");
    place.ok("restart good");
    place.ok("wait good");
    place.ok("cancel waits");
    place.ok("delete task waits");
    place.ok("delete task body");
    assert_eq!(place.server(), pid, "the server went on");
}

#[test]
fn a_newer_store_is_refused_and_left_as_it_is() {
    let place = Place::started();
    place.ok("run --name x -- true");
    place.ok("server stop");
    let schema: i64 = store(&place).pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    store(&place).pragma_update(None, "user_version", 99).unwrap();
    let file = place.data().join("ktk.db");
    let before = fs::read(&file).unwrap();
    for line in ["server start", "server run", "get tasks"] {
        let output = place.ktk(line);
        assert_ne!(output.code, 0, "{}", output.transcript());
        output.says("schema 99");
    }
    assert!(fs::read(&file).unwrap() == before, "it was touched");
    store(&place).pragma_update(None, "user_version", schema).unwrap();
    place.ktk("get task x").code(0).prints("x");
}
