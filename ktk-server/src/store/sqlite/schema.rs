//! The tables and indexes, schema by schema: a new store goes through all of them.
//!
//! Ids are 16 bytes, times microseconds, enums their numbers, heads order-preserving integers.
//! Rows of tasks and pipelines are found by `id` and stored in the order of their making, so
//! that new rows share pages; what is large lies in tables of its own, under the same `seq`.
//! Whatever only matters while a task lives is in partial indexes: finished tasks cost nothing.
//! A query uses a partial index only if it repeats the index's condition word by word.

/// Marks the file as ours: `ktk` and a zero.
pub(super) const APPLICATION_ID: i32 = 0x6b74_6b00;

/// The newest schema's number.
pub(super) const SCHEMA: u32 = 4;

/// Schema 1.
pub(super) const SCHEMA_1: &str = "
CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    store_id BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    versions_end INTEGER NOT NULL,
    history_start INTEGER NOT NULL
) STRICT;
INSERT INTO meta (one, store_id, epoch, versions_end, history_start) VALUES (1, randomblob(16), 0, 0, 0);

CREATE TABLE tasks (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    context_id BLOB NOT NULL,
    parent_id BLOB,
    incarnation INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    head INTEGER NOT NULL,
    pipeline_id BLOB,
    step TEXT,
    execution_id BLOB NOT NULL,
    labels TEXT,
    command TEXT NOT NULL,
    executor TEXT NOT NULL,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    run_if INTEGER NOT NULL,
    cascade INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    reason INTEGER,
    message TEXT,
    admitted INTEGER NOT NULL,
    needs INTEGER NOT NULL,
    live_needs INTEGER NOT NULL,
    bad_needs INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    counted INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    fence_epoch INTEGER,
    fence_counter INTEGER,
    node_id BLOB,
    node TEXT,
    exit_code INTEGER,
    output_digest TEXT,
    stop_reason INTEGER,
    stop_now INTEGER,
    wish TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    ready_at INTEGER,
    started_at INTEGER,
    finished_at INTEGER,
    due_at INTEGER,
    deleted_at INTEGER,
    version INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX tasks_id ON tasks (id);
CREATE UNIQUE INDEX tasks_name ON tasks (namespace, name, incarnation);
CREATE UNIQUE INDEX tasks_context ON tasks (context_id, incarnation);
CREATE UNIQUE INDEX tasks_version ON tasks (version);
CREATE UNIQUE INDEX tasks_live ON tasks (context_id) WHERE phase <= 1;
CREATE INDEX tasks_head ON tasks (head, id);
CREATE INDEX tasks_pipeline ON tasks (pipeline_id) WHERE pipeline_id IS NOT NULL;
CREATE INDEX tasks_claimable ON tasks (executor, priority DESC, ready_at, id)
    WHERE phase = 0 AND reason = 5 AND admitted = 1;
CREATE INDEX tasks_gated ON tasks (pipeline_id, priority DESC, ready_at, id)
    WHERE phase = 0 AND reason = 5 AND admitted = 0 AND pipeline_id IS NOT NULL;
CREATE INDEX tasks_running ON tasks (node_id) WHERE phase = 1;
CREATE INDEX tasks_due ON tasks (due_at, id) WHERE due_at IS NOT NULL;

CREATE TABLE task_bodies (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
CREATE TABLE task_results (seq INTEGER PRIMARY KEY, outputs TEXT, resolved TEXT) STRICT;
CREATE TABLE attempts (
    task INTEGER NOT NULL,
    number INTEGER NOT NULL,
    node TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    reason INTEGER,
    exit_code INTEGER,
    signal INTEGER,
    message TEXT,
    PRIMARY KEY (task, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE needs (
    need BLOB NOT NULL,
    dependent BLOB NOT NULL,
    PRIMARY KEY (need, dependent)
) STRICT, WITHOUT ROWID;
CREATE INDEX needs_dependent ON needs (dependent);

CREATE TABLE pipelines (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    context_id BLOB NOT NULL,
    parent_id BLOB,
    incarnation INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    head INTEGER NOT NULL,
    labels TEXT,
    phase INTEGER NOT NULL,
    reason INTEGER,
    message TEXT,
    total INTEGER NOT NULL,
    done INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    admitted INTEGER NOT NULL,
    max_parallel INTEGER,
    fail_fast INTEGER NOT NULL,
    tripped INTEGER NOT NULL,
    cancel_reason INTEGER,
    cancel_now INTEGER,
    restarts INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    deleted_at INTEGER,
    version INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX pipelines_id ON pipelines (id);
CREATE UNIQUE INDEX pipelines_name ON pipelines (namespace, name, incarnation);
CREATE UNIQUE INDEX pipelines_version ON pipelines (version);
CREATE INDEX pipelines_head ON pipelines (head, id);
CREATE TABLE pipeline_bodies (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;

CREATE TABLE tombstones (
    version INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    id BLOB NOT NULL,
    context_id BLOB NOT NULL,
    pipeline_id BLOB,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    incarnation INTEGER NOT NULL,
    labels TEXT,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX tombstones_at ON tombstones (at);

CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    at INTEGER NOT NULL,
    namespace TEXT NOT NULL,
    severity INTEGER NOT NULL,
    reason TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id BLOB NOT NULL,
    object_name TEXT NOT NULL,
    object_incarnation INTEGER NOT NULL,
    pipeline_id BLOB,
    by TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT;
CREATE INDEX events_namespace ON events (namespace, at);
CREATE INDEX events_object ON events (object_id, at);
CREATE INDEX events_pipeline ON events (pipeline_id, at) WHERE pipeline_id IS NOT NULL;

CREATE TABLE nodes (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    generation INTEGER NOT NULL,
    slots INTEGER NOT NULL,
    labels TEXT NOT NULL,
    types TEXT NOT NULL,
    processes INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    registered_at INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
    key TEXT NOT NULL,
    digest BLOB NOT NULL,
    answer TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX requests_key ON requests (key);
CREATE INDEX requests_at ON requests (at);
";

/// Schema 2: what few tasks and pipelines have; objects without a namespace.
pub(super) const SCHEMA_2: &str = r#"
ALTER TABLE tasks ADD COLUMN rare TEXT;
ALTER TABLE tasks ADD COLUMN token BLOB;

CREATE TABLE hooks (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    task_id BLOB NOT NULL,
    moment INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX hooks_id ON hooks (id);
CREATE INDEX hooks_task ON hooks (task_id);
ALTER TABLE pipelines ADD COLUMN rare TEXT;

ALTER TABLE tasks ADD COLUMN lane INTEGER NOT NULL DEFAULT 0;
DROP INDEX tasks_claimable;
CREATE INDEX tasks_claimable ON tasks (executor, priority DESC, ready_at, id)
    WHERE phase = 0 AND reason = 5 AND admitted = 1 AND lane = 0;
CREATE INDEX tasks_lane ON tasks (lane, phase, reason, admitted, priority DESC, ready_at, id)
    WHERE phase <= 1 AND lane > 0;
CREATE TABLE lanes (id INTEGER PRIMARY KEY, lane TEXT NOT NULL, passed TEXT) STRICT;

CREATE TABLE entities (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    labels TEXT,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX entities_name ON entities (kind, name);
CREATE UNIQUE INDEX entities_version ON entities (version);

ALTER TABLE task_results ADD COLUMN inputs TEXT;
CREATE INDEX tasks_evaluating ON tasks (id) WHERE rare IS NOT NULL AND instr(rare, '"jq":"evaluating"') > 0;
"#;

/// Schema 3: unique keys, sub-tasks that have not ended, the clocks and permits of pipelines, what has a time after
/// which it goes, and what the server notes for its next start.
pub(super) const SCHEMA_3: &str = r#"
CREATE INDEX tasks_expiring ON tasks (json_extract(rare, '$.expiresAt'), id)
    WHERE rare IS NOT NULL AND instr(rare, '"expiresAt":') > 0;
CREATE INDEX pipelines_expiring ON pipelines (json_extract(rare, '$.expiresAt'), id)
    WHERE rare IS NOT NULL AND instr(rare, '"expiresAt":') > 0;
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX tasks_unique ON tasks (namespace, json_extract(rare, '$.unique.key'), id)
    WHERE phase <= 1 AND rare IS NOT NULL AND instr(rare, '"unique":{') > 0;
CREATE INDEX tasks_spawned ON tasks (json_extract(rare, '$.spawnedBy'), id)
    WHERE phase <= 1 AND rare IS NOT NULL AND instr(rare, '"spawnedBy":') > 0;
CREATE INDEX pipelines_unique ON pipelines (namespace, json_extract(rare, '$.unique.key'), id)
    WHERE phase <= 1 AND rare IS NOT NULL AND instr(rare, '"unique":{') > 0;
CREATE INDEX pipelines_gate ON pipelines (
        json_extract(rare, '$.gate.lane'), json_extract(rare, '$.gate.stand'),
        json_extract(rare, '$.gate.priority') DESC, json_extract(rare, '$.gate.since'), id
    ) WHERE phase <= 1 AND rare IS NOT NULL AND instr(rare, '"gate":{') > 0;
CREATE INDEX pipelines_due ON pipelines (json_extract(rare, '$.dueAt'), id)
    WHERE rare IS NOT NULL AND instr(rare, '"dueAt":') > 0;
"#;

/// Schema 4: fewer indexes to write. Recent changes of tasks are found in memory (`recent.rs`), remembered requests go
/// in the order in which they came.
pub(super) const SCHEMA_4: &str = "
ALTER TABLE meta ADD COLUMN tasks_version INTEGER NOT NULL DEFAULT 0;
UPDATE meta SET tasks_version = coalesce((SELECT max(version) FROM tasks), 0);
DROP INDEX tasks_version;
DROP INDEX tasks_head;
CREATE INDEX tasks_head ON tasks (head);
DROP INDEX requests_at;
";
