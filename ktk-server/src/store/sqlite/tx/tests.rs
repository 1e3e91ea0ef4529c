//! Every query that is asked often is one walk along its index: no scan, no sort.

use rusqlite::Connection;

use super::{changes, entities, events, lanes, lists, needs, nodes, pipelines, tasks, wholes, work};
use crate::store::sqlite::migrate::STEPS;

fn plan(sql: &str) -> String {
    let connection = Connection::open_in_memory().unwrap();
    STEPS.iter().for_each(|step| connection.execute_batch(step).unwrap());
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let nulls = vec![rusqlite::types::Value::Null; statement.parameter_count()];
    let lines =
        statement.query_map(rusqlite::params_from_iter(nulls), |row| row.get::<_, String>("detail")).unwrap();
    lines.map(Result::unwrap).collect::<Vec<_>>().join("; ")
}

fn uses(sql: &str, index: &str) {
    let plan = plan(sql);
    assert!(
        plan.contains(&format!("USING INDEX {index} ")) || plan.contains(&format!("INDEX {index}")),
        "{plan}\n{sql}"
    );
    let scans_a_table = plan.contains("SCAN") && !plan.contains("USING");
    assert!(!plan.contains("TEMP B-TREE") && !scans_a_table, "{plan}\n{sql}");
}

#[test]
fn work_is_found_in_order() {
    uses(work::CLAIMABLE, "tasks_claimable (executor=?)");
    uses(lanes::CLAIMABLE, "tasks_lane (lane=? AND phase=? AND reason=? AND admitted=?)");
    uses(lanes::TASKS, "tasks_lane (lane=? AND phase=?)");
    for sql in [lanes::WAITING, lanes::RUNNING] {
        assert!(plan(sql).contains("INDEX tasks_lane (lane=? AND phase=?"), "{}", plan(sql));
    }
    uses(work::GATED, "tasks_gated (pipeline_id=?)");
    uses(work::EVALUATING, "tasks_evaluating");
    uses(work::OF_KEY, "tasks_unique (namespace=? AND <expr>=?)");
    uses(work::CHILDREN, "tasks_spawned (<expr>=?)");
    uses(work::RUNNING, "tasks_running (node_id=?)");
    uses(work::DUE, "tasks_due (due_at<?)");
    let indexes = ["tasks_live", "tasks_running", "tasks_running", "tasks_claimable", "tasks_lane"];
    for (sql, index) in work::COUNTS.iter().zip(indexes) {
        assert!(plan(sql).contains(&format!("INDEX {index}")), "{}", plan(sql));
    }
}

#[test]
fn objects_are_found_by_what_names_them() {
    uses(tasks::BY_ID, "tasks_id (id=?)");
    uses(tasks::NEWEST, "tasks_context (context_id=?)");
    uses(tasks::CONTEXT, "tasks_context (context_id=?)");
    uses(tasks::NAMED, "tasks_name (namespace=? AND name=?)");
    let by_head = plan(tasks::BY_HEAD);
    assert!(by_head.contains("tasks_head (head>? AND head<?)"), "{by_head}");
    uses(tasks::OF_PIPELINE, "tasks_pipeline (pipeline_id=?)");
    uses(tasks::WITHIN, "tasks_pipeline (pipeline_id=?)");
    uses(tasks::CHANGE, "tasks_id (id=?)");
    uses(pipelines::BY_ID, "pipelines_id (id=?)");
    uses(pipelines::NAMED, "pipelines_name (namespace=? AND name=?)");
    uses(pipelines::INCARNATIONS, "pipelines_name (namespace=? AND name=?)");
    uses(pipelines::BY_HEAD, "pipelines_head (head>? AND head<?)");
    uses(pipelines::OF_KEY, "pipelines_unique (namespace=? AND <expr>=?)");
    uses(pipelines::IN_LANE, "pipelines_gate (<expr>=? AND <expr>=?)");
    uses(pipelines::STANDING, "pipelines_gate (<expr>=? AND <expr>=?)");
    uses(pipelines::DUE, "pipelines_due (<expr><?)");
    uses(pipelines::CHANGE, "pipelines_id (id=?)");
    uses(entities::NAMED, "entities_name (kind=? AND name=?)");
    uses(entities::AFTER, "entities_name (kind=? AND name>?)");
    uses(entities::OF_KIND, "entities_name (kind=?)");
    uses(entities::DELETE, "entities_name (kind=? AND name=?)");
    uses(nodes::REQUEST, "requests_key (key=?)");
    assert!(plan(nodes::TRIM_REQUESTS).contains("SEARCH requests USING INTEGER PRIMARY KEY (rowid=?)"));
    assert!(plan(nodes::BY_ID).contains("PRIMARY KEY (id=?)"));
    assert!(plan(needs::DEPENDENTS).contains("PRIMARY KEY (need=?)"));
    uses(needs::NEEDS, "needs_dependent (dependent=?)");
    uses(needs::DELETE, "needs_dependent (dependent=?)");
}

#[test]
fn what_is_collected_is_a_walk() {
    for (sql, index) in [
        (wholes::TASKS, "tasks_id (id>?)"),
        (wholes::PIPELINES, "pipelines_id (id>?)"),
        (wholes::EXPIRING_TASKS, "tasks_expiring (<expr>>?)"),
        (wholes::EXPIRING_PIPELINES, "pipelines_expiring (<expr>>?)"),
    ] {
        uses(sql, index);
    }
    let plan = plan(wholes::PIPELINES);
    assert!(plan.contains("tasks_pipeline (pipeline_id=?)"), "{plan}");
    assert!(plan.contains("pipelines_name (namespace=? AND name=?)"), "{plan}");
}

#[test]
fn lists_changes_and_events_are_walks() {
    for (pages, name) in
        [(lists::TASKS, "tasks_name"), (lists::LINES, "tasks_name"), (lists::PIPELINES, "pipelines_name")]
    {
        uses(pages.first, &format!("{name} (namespace=?)"));
        uses(pages.next, &format!("{name} (namespace=? AND (name,incarnation)>(?,?))"));
        uses(pages.first_of_all, name);
        uses(pages.next_of_all, &format!("{name} ((namespace,name,incarnation)>(?,?,?))"));
    }
    uses(changes::TASK, "tasks_id (id=?)");
    uses(changes::PIPELINES, "pipelines_version (version>?)");
    uses(changes::ENTITIES, "entities_version (version>?)");
    assert!(plan(changes::TOMBSTONES).contains("INTEGER PRIMARY KEY (rowid>?)"));
    uses(events::OF_NAMESPACE, "events_namespace (namespace=?)");
    uses(events::OF_OBJECT, "events_object (object_id=?)");
    uses(events::OF_PIPELINE, "events_pipeline (pipeline_id=?)");
    uses(events::TRIM, "events_namespace (namespace=? AND at<?)");
    assert!(plan(events::NAMESPACES).contains("events_namespace"), "{}", plan(events::NAMESPACES));
    assert!(!plan(changes::VERSION).contains("SCAN tasks;"), "{}", plan(changes::VERSION));
}

#[test]
fn the_numbers_in_partial_indexes_are_those_of_the_words() {
    use ktk_client::api::{Phase, Reason};
    assert_eq!((Phase::Pending.number(), Phase::Running.number(), Reason::Queued.number()), (0, 1, 5));
    assert!(Phase::ALL.iter().all(|phase| (phase.number() <= 1) != phase.is_terminal()));
}
