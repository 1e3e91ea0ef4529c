//! Each command, a line of it that does what it is for, and how it meets what is not there and what stands in its way.

/// What a command says to a cause, or why the cause cannot meet it.
pub enum Cell {
    /// A line that meets it.
    Line(&'static str),
    /// There is none.
    Never(&'static str),
}

use Cell::{Line, Never};

/// A command that speaks to a server.
pub struct Row {
    /// As its man page is called, with blanks.
    pub command: &'static str,
    /// Succeeds once, after `PREPARED`.
    pub line: &'static str,
    pub not_found: Cell,
    pub conflict: Cell,
}

const fn row(command: &'static str, line: &'static str, not_found: Cell, conflict: Cell) -> Row {
    Row { command, line, not_found, conflict }
}

/// What is there when the lines are typed.
pub const PREPARED: &[&str] = &[
    "run --name done -- true",
    "run --name again -- true",
    "restart again --force",
    "wait again",
    "create queue q",
    "apply -f q4.yaml",
    "create semaphore s --permits 2",
    "create token here --role viewer",
    "create task ext --external",
    "create task ext-complete --external",
    "create task ext-fail --external",
    "create task held --run-after 2099-01-01T00:00:00Z -- true",
    "create task to-cancel --run-after 2099-01-01T00:00:00Z -- true",
    "create task to-delete -- true",
    "create task sleeper -- sleep 1000",
    "wait to-delete",
    "wait ext ext-complete ext-fail sleeper --for condition=Running",
];

/// Files beside them.
pub const FILES: &[(&str, &str)] = &[
    ("q.yaml", "apiVersion: ktk/v1\nkind: Queue\nmetadata: {name: q}\nspec: {}\n"),
    ("absent.yaml", "apiVersion: ktk/v1\nkind: Queue\nmetadata: {name: absent}\nspec: {}\n"),
    (
        "stale.yaml",
        "apiVersion: ktk/v1\nkind: Queue\nmetadata: {name: q, version: 1}\nspec: {maxRunning: 9}\n",
    ),
    ("q4.yaml", "apiVersion: ktk/v1\nkind: Queue\nmetadata: {name: q4}\nspec: {}\n"),
    ("q2.yaml", "apiVersion: ktk/v1\nkind: Queue\nmetadata: {name: q2}\nspec: {}\n"),
    (
        "p.yaml",
        "apiVersion: ktk/v1\nkind: Pipeline\nmetadata: {name: p}\nspec: {steps: [{name: a, run: {command: [\"true\"]}}]}\n",
    ),
    (
        "type.yaml",
        "apiVersion: ktk/v1\nkind: TaskType\nmetadata: {name: t}\nspec: {run: {command: [\"true\"]}}\n",
    ),
];

const READS: Cell = Never("it reads");

/// All of them, in an order in which each line succeeds.
pub const ROWS: &[Row] = &[
    row("get", "get tasks", Line("get task nosuch"), READS),
    row("describe", "describe task done", Line("describe task nosuch"), READS),
    row("tree", "tree done", Line("tree nosuch"), READS),
    row("diff", "diff done@1 done@1", Line("diff done@1 done@9"), READS),
    row("events", "events", Line("events --for task/nosuch"), READS),
    row("logs", "logs done", Line("logs nosuch"), READS),
    row("why", "why held", Line("why nosuch"), READS),
    row("wait", "wait done", Line("wait nosuch"), READS),
    row("auth whoami", "auth whoami", Never("whoever asks is there"), READS),
    row("auth can-i", "auth can-i create tasks", Never("a verb and a type are no objects"), READS),
    row("top", "top tasks", Never("it lists what runs"), READS),
    row("version", "version", Never("it names nothing"), READS),
    row(
        "run",
        "run -f p.yaml",
        Never("it makes what it names"),
        Never("where a name is taken it takes another"),
    ),
    row("create", "create -f q2.yaml", Never("it makes what it names"), Line("create -f q.yaml")),
    row(
        "create task",
        "create task x -- true",
        Never("it makes what it names"),
        Line("create task done -- true"),
    ),
    row("create queue", "create queue q3", Never("it makes what it names"), Line("create queue q")),
    row(
        "create semaphore",
        "create semaphore s2 --permits 1",
        Never("it makes what it names"),
        Line("create semaphore s --permits 1"),
    ),
    row(
        "create token",
        "create token t2 --role viewer",
        Never("it makes what it names"),
        Line("create token here --role viewer"),
    ),
    row(
        "apply view-last-applied",
        "apply view-last-applied queue q4",
        Line("apply view-last-applied queue nosuch"),
        READS,
    ),
    row("replace", "replace -f q2.yaml", Line("replace -f absent.yaml"), Line("replace -f stale.yaml")),
    row(
        "apply",
        "apply -f type.yaml",
        Never("it makes what is not there"),
        Never("it changes what is there"),
    ),
    row("restart", "restart done", Line("restart nosuch"), Line("restart sleeper")),
    row("adopt", "adopt again@1", Line("adopt nosuch@1"), Line("adopt sleeper@1")),
    row("cancel", "cancel to-cancel", Line("cancel nosuch"), Line("cancel done@1")),
    row("complete", "complete ext-complete", Line("complete nosuch"), Line("complete done@1")),
    row("fail", "fail ext-fail", Line("fail nosuch"), Line("fail done@1")),
    row("keepalive", "keepalive ext", Line("keepalive nosuch"), Line("keepalive done@1")),
    row(
        "progress",
        "progress 40 half --task ext",
        Line("progress 40 --task nosuch"),
        Line("progress 40 --task done@1"),
    ),
    row("pause", "pause held", Line("pause nosuch"), Line("pause done@1")),
    row("resume", "resume held", Line("resume nosuch"), Line("resume done@1")),
    row(
        "scale",
        "scale queue q --max-running 3",
        Line("scale queue nosuch --max-running 3"),
        Never("any number will do"),
    ),
    row(
        "patch",
        "patch task held -p {\"spec\":{\"priority\":4}}",
        Line("patch task nosuch -p {}"),
        Line("patch task held --resource-version 1 -p {\"spec\":{\"priority\":5}}"),
    ),
    row(
        "label",
        "label task held a=b",
        Line("label task nosuch a=b"),
        Line("label task held a=c --overwrite --resource-version 1"),
    ),
    row(
        "annotate",
        "annotate task held a=b",
        Line("annotate task nosuch a=b"),
        Line("annotate task held a=c --overwrite --resource-version 1"),
    ),
    row(
        "edit",
        "edit task/held",
        Line("edit task/nosuch"),
        Never("it is opened again with what stands in the way"),
    ),
    row("delete", "delete task to-delete", Line("delete task nosuch"), Line("delete task p.a")),
    row("gc", "gc", Never("it names nothing"), Never("it takes what nobody needs")),
];

/// Commands that speak to no server as others do, and where they are tested.
pub const LOCAL: &[(&str, &str)] = &[
    ("", "help alone"),
    ("auth", "a group"),
    ("api-resources", "local: explain.rs"),
    ("completion", "local: completion.rs"),
    ("config", "a group"),
    ("config current-context", "local: config.rs"),
    ("config delete-context", "local: config.rs"),
    ("config get-contexts", "local: config.rs"),
    ("config rename-context", "local: config.rs"),
    ("config set", "local: config.rs"),
    ("config set-context", "local: config.rs"),
    ("config unset", "local: config.rs"),
    ("config use-context", "local: config.rs"),
    ("config view", "local: config.rs"),
    ("explain", "local: explain.rs"),
    ("help", "local: exit_codes.rs"),
    ("login", "asks for a token first: token.rs"),
    ("plugin", "a group"),
    ("plugin list", "local: plugin.rs"),
    ("server", "a group"),
    ("server run", "is the server: server.rs"),
    ("server start", "starts what does not answer: server.rs"),
    ("server status", "says what does not answer: server.rs"),
    ("server stop", "nobody to stop is done: server.rs"),
];
