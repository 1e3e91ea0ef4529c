//! Tables: what a list for people shows of each task, and no more. Ten thousand rows are read in a
//! few milliseconds where ten thousand objects take a hundred.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
//! use ktk_client::api::table::TableParams;
//! let page = client.tasks().table(TableParams { wide: true, ..TableParams::default() }).await?;
//! for line in page.items {
//!     println!("{} {} {:?}", line.name, line.phase, line.wide.and_then(|wide| wide.node));
//! }
//! # Ok(())
//! # }
//! ```

use std::borrow::Cow;

use jiff::{Timestamp, fmt::serde::timestamp::microsecond};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeTuple};

use super::{
    List, ListParams, Method, Phase, Reason,
    meta::StringMap,
    task::{TaskProgress, is_default},
};

/// `task.table`: a page of tasks as rows of a table, the same and in the same order as `task.list`.
#[derive(Clone, Debug, JsonSchema)]
pub struct TaskTable;

impl Method for TaskTable {
    const NAME: &'static str = "task.table";
    type Params = TableParams;
    type Output = List<TaskLine>;
}

/// Parameters of `task.table`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TableParams {
    /// Which tasks, and which page of them.
    pub list: ListParams,
    /// With [`TaskLine::wide`].
    #[serde(skip_serializing_if = "is_default")]
    pub wide: bool,
    /// With [`TaskLine::labels`].
    #[serde(skip_serializing_if = "is_default")]
    pub labels: bool,
}

/// A task as a row of a table. On the wire it is an array, its places the fields in their order; the last
/// two places are there only where they were asked for.
///
/// ```
/// use ktk_client::api::table::TaskLine;
/// fn shown(line: &TaskLine) -> String {
///     format!("{}@{} {}", line.name, line.incarnation, line.phase)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct TaskLine {
    /// The namespace; `null` where the list is of one namespace.
    pub namespace: Option<String>,
    /// The name, shared by all incarnations.
    pub name: String,
    /// 1 for the root, then 2, 3, …
    pub incarnation: u32,
    /// What it is doing.
    pub phase: Phase,
    /// Why.
    pub reason: Option<Reason>,
    /// The number of its newest attempt.
    pub attempt: u32,
    /// When it was made; on the wire in microseconds since 1970.
    #[serde(with = "microsecond::required")]
    pub created_at: Timestamp,
    /// What wide tables show as well.
    #[serde(default)]
    pub wide: Option<Box<WideCells>>,
    /// Its labels.
    #[serde(default)]
    pub labels: Option<StringMap>,
}

impl Serialize for TaskLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let more = match (&self.wide, &self.labels) {
            (_, Some(_)) => 2,
            (Some(_), None) => 1,
            (None, None) => 0,
        };
        let mut places = serializer.serialize_tuple(7 + more)?;
        places.serialize_element(&self.namespace)?;
        places.serialize_element(&self.name)?;
        places.serialize_element(&self.incarnation)?;
        places.serialize_element(&self.phase)?;
        places.serialize_element(&self.reason)?;
        places.serialize_element(&self.attempt)?;
        places.serialize_element(&self.created_at.as_microsecond())?;
        if more > 0 {
            places.serialize_element(&self.wide)?;
        }
        if more > 1 {
            places.serialize_element(&self.labels)?;
        }
        places.end()
    }
}

impl JsonSchema for TaskLine {
    fn schema_name() -> Cow<'static, str> {
        "TaskLine".into()
    }

    fn json_schema(schemas: &mut SchemaGenerator) -> Schema {
        let places = [
            schemas.subschema_for::<Option<String>>(),
            schemas.subschema_for::<String>(),
            schemas.subschema_for::<u32>(),
            schemas.subschema_for::<Phase>(),
            schemas.subschema_for::<Option<Reason>>(),
            schemas.subschema_for::<u32>(),
            schemas.subschema_for::<i64>(),
            schemas.subschema_for::<Option<WideCells>>(),
            schemas.subschema_for::<Option<StringMap>>(),
        ];
        json_schema!({
            "description": "A task as a row of a table: namespace, name, incarnation, phase, reason, attempt, \
                            microseconds since 1970 when it was made; then, where they were asked for, what wide \
                            tables show, and its labels.",
            "type": "array",
            "prefixItems": places,
            "minItems": 7,
            "maxItems": 9,
        })
    }
}

/// What only wide tables show of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WideCells {
    /// Its queue.
    pub queue: String,
    /// The node of its newest attempt, with its generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The name of its pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    /// When it could have started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<Timestamp>,
    /// When its newest attempt started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// The exit code of its newest attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// How far its newest attempt said that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<TaskProgress>,
    /// The first 16 digits of its digest.
    pub digest: String,
    /// The words of a process's command with spaces between them, cut where they are long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The handler's name of a task that is no process.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> TaskLine {
        TaskLine {
            namespace: None,
            name: "build".into(),
            incarnation: 2,
            phase: Phase::Failed,
            reason: Some(Reason::ExitCode),
            attempt: 3,
            created_at: "2026-11-22T11:56:50.123456Z".parse().expect("a time"),
            wide: None,
            labels: None,
        }
    }

    #[test]
    fn a_line_is_an_array_of_what_was_asked_for() {
        let cells = WideCells {
            queue: "default".into(),
            node: Some("local.g1".into()),
            pipeline: None,
            ready_at: None,
            started_at: Some("2026-11-22T11:56:51Z".parse().expect("a time")),
            finished_at: None,
            exit_code: Some(1),
            progress: None,
            digest: "0123456789abcdef".into(),
            command: Some("make".into()),
            type_name: None,
        };
        let wide = r#"{"queue":"default","node":"local.g1","startedAt":"2026-11-22T11:56:51Z","exitCode":1,"digest":"0123456789abcdef","command":"make"}"#;
        let narrow = r#"null,"build",2,"Failed","ExitCode",3,1795348610123456"#;
        let labels = Some(StringMap::from([("a".to_owned(), "b".to_owned())]));
        for (line, text) in [
            (line(), format!("[{narrow}]")),
            (TaskLine { wide: Some(Box::new(cells.clone())), ..line() }, format!("[{narrow},{wide}]")),
            (TaskLine { labels: labels.clone(), ..line() }, format!("[{narrow},null,{{\"a\":\"b\"}}]")),
            (
                TaskLine { wide: Some(Box::new(cells)), labels, ..line() },
                format!("[{narrow},{wide},{{\"a\":\"b\"}}]"),
            ),
        ] {
            assert_eq!(serde_json::to_string(&line).expect("a line is JSON"), text);
            assert_eq!(serde_json::from_str::<TaskLine>(&text).expect(&text), line);
        }
    }
}
