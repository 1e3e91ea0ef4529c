//! Rows of a list: which columns a table of a kind has, and the cells of each object.

use jiff::Timestamp;
use ktk_client::api::{DEFAULT_NAMESPACE, meta::StringMap, table::TaskLine};

use super::{
    Moment,
    object::{Object, columns},
    task,
};
use crate::{
    kinds::Kind,
    ui::{Cell, Tone},
};

/// Which columns the tables of one command have.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListingOptions {
    /// `-o wide`.
    pub(crate) is_wide: bool,
    /// A first column NAMESPACE.
    pub(crate) has_namespace: bool,
    /// Names as `task/x`.
    pub(crate) shows_kind: bool,
    /// Names as `x@2`.
    pub(crate) tells_incarnations: bool,
    /// A last column LABELS.
    pub(crate) shows_labels: bool,
    /// A column for each of these labels.
    pub(crate) label_columns: Vec<String>,
    /// CREATED, a time, in place of AGE.
    pub(crate) is_absolute: bool,
}

/// The column that says how old something is.
const AGE: &str = "AGE";

/// The columns of a table of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Listing<'a> {
    kind: Kind,
    options: &'a ListingOptions,
}

impl<'a> Listing<'a> {
    /// Objects of a kind, with the columns that were asked for.
    pub(crate) fn new(kind: Kind, options: &'a ListingOptions) -> Self {
        Self { kind, options }
    }

    /// The titles.
    pub(crate) fn titles(&self) -> Vec<Cell> {
        let mut titles = Vec::new();
        if self.shows_namespace() {
            titles.push(Cell::new("NAMESPACE"));
        }
        let shown = columns(self.kind).iter().filter(|column| self.options.is_wide || !column.is_wide);
        titles.extend(shown.map(|column| match column.title {
            AGE if self.options.is_absolute => Cell::new("CREATED"),
            title => Cell::new(title),
        }));
        let last_part = |key: &String| key.rsplit('/').next().unwrap_or(key).to_uppercase();
        titles.extend(self.options.label_columns.iter().map(|key| Cell::new(last_part(key))));
        if self.options.shows_labels {
            titles.push(Cell::new("LABELS"));
        }
        titles
    }

    /// An object's cells.
    pub(crate) fn row(&self, object: &Object, moment: &Moment) -> Vec<Cell> {
        let metadata = object.metadata();
        let mut cells = object.cells(moment, self.options.is_wide);
        self.date(&mut cells, metadata.created_at);
        let tells = matches!(object.kind(), Kind::Task | Kind::Pipeline);
        let has_other_name = self.options.tells_incarnations && tells;
        let other_name = has_other_name.then(|| object.name(true));
        self.completed(cells, other_name, metadata.namespace(), &metadata.labels)
    }

    /// The cells of a task that came as a line of a table.
    pub(crate) fn line(&self, mut line: TaskLine, moment: &Moment) -> Vec<Cell> {
        let namespace = line.namespace.take();
        let labels = line.labels.take().unwrap_or_default();
        let is_told = self.options.tells_incarnations;
        let other_name = is_told.then(|| format!("{}@{}", line.name, line.incarnation));
        let created = line.created_at;
        let mut cells = task::line_cells(line, moment.now);
        self.date(&mut cells, Some(created));
        self.completed(cells, other_name, namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE), &labels)
    }

    /// Puts the time in the place of the age, where that was asked for.
    fn date(&self, cells: &mut [Cell], created: Option<Timestamp>) {
        let place = columns(self.kind).iter().position(|column| column.title == AGE);
        if let (true, Some(cell)) = (self.options.is_absolute, place.and_then(|place| cells.get_mut(place))) {
            *cell = created.map_or_else(|| Cell::new("<unknown>"), |time| Cell::new(format!("{time:.0}")));
        }
    }

    /// A kind's cells with those of the other columns.
    fn completed(
        &self,
        mut cells: Vec<Cell>,
        other_name: Option<String>,
        namespace: &str,
        labels: &StringMap,
    ) -> Vec<Cell> {
        // An event's first column is no name.
        if self.kind != Kind::Event && (other_name.is_some() || self.options.shows_kind) {
            let name = other_name.unwrap_or_else(|| cells[0].text().to_owned());
            let prefix = if self.options.shows_kind { format!("{}/", self.kind) } else { String::new() };
            cells[0] = Cell::new(format!("{prefix}{name}"));
        }
        if self.shows_namespace() {
            cells.insert(0, Cell::new(namespace.to_owned()));
        }
        let label = |key: &String| Cell::new(labels.get(key).cloned().unwrap_or_default());
        cells.extend(self.options.label_columns.iter().map(label));
        if self.options.shows_labels {
            cells.push(labels_cell(labels));
        }
        cells
    }

    /// The cells of an object that is gone: its STATUS says so.
    pub(crate) fn deleted_row(&self, object: &Object, moment: &Moment) -> Vec<Cell> {
        let mut row = self.row(object, moment);
        let status = usize::from(self.shows_namespace()) + 1;
        if let Some(cell) = row.get_mut(status) {
            *cell = Cell::toned("Deleted", Tone::Dim);
        }
        row
    }

    /// Whether the first column is the namespace.
    pub(crate) fn shows_namespace(&self) -> bool {
        self.options.has_namespace && self.kind.is_namespaced()
    }
}

fn labels_cell(labels: &StringMap) -> Cell {
    match labels.is_empty() {
        true => Cell::none(),
        false => Cell::new(
            labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(","),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        ui::{Widths, lay_out},
        view::tests::moment,
    };

    fn task(name: &str, labels: serde_json::Value, status: serde_json::Value) -> Object {
        let value = json!({
            "apiVersion": "ktk/v1", "kind": "Task",
            "metadata": {"name": name, "namespace": "ci", "labels": labels, "createdAt": "2026-11-22T11:56:50Z",
                "digest": "0123456789abcdef0123456789abcdef",
                "restart": {"contextId": "01936f2e-8c00-7000-8000-000000000001", "incarnation": 2}},
            "spec": {"run": {"command": ["sh", "-c", "exit 1"]}},
            "status": status
        });
        Object::from_value(Kind::Task, value).expect("a task")
    }

    fn tasks() -> Vec<Object> {
        vec![
            task(
                "build-web",
                json!({}),
                json!({"phase": "Running", "attempt": 1, "node": "local.g1",
                "readyAt": "2026-11-22T11:58:00Z", "startedAt": "2026-11-22T11:58:05Z"}),
            ),
            task(
                "publish",
                json!({"x.io/team": "media", "a": "b"}),
                json!({"phase": "Pending", "reason": "UpstreamFailed"}),
            ),
        ]
    }

    fn written(options: &ListingOptions) -> String {
        let listing = Listing::new(Kind::Task, options);
        let mut rows = vec![listing.titles()];
        rows.extend(tasks().iter().map(|task| listing.row(task, &moment())));
        let mut widths = Widths::default();
        widths.measure(&rows);
        lay_out(&rows, &widths, false)
    }

    #[test]
    fn a_table_of_tasks() {
        let expected = "\
NAME        STATUS    REASON           ATTEMPTS   RESTARTS   AGE
build-web   Running   <none>           1          1          3m10s
publish     Pending   UpstreamFailed   0          1          3m10s
";
        assert_eq!(written(&ListingOptions::default()), expected);
    }

    #[test]
    fn a_wide_table_of_tasks() {
        let options = ListingOptions { is_wide: true, ..ListingOptions::default() };
        let expected = "\
NAME        STATUS    REASON           ATTEMPTS   RESTARTS   AGE     QUEUE     NODE       PIPELINE   WAITED   \
DURATION   EXIT     PROGRESS   ID             COMMAND
build-web   Running   <none>           1          1          3m10s   default   local.g1   <none>     5s       \
115s       <none>   <none>     0123456789ab   sh -c 'exit 1'
publish     Pending   UpstreamFailed   0          1          3m10s   default   <none>     <none>     <none>   \
<none>     <none>   <none>     0123456789ab   sh -c 'exit 1'
";
        assert_eq!(written(&options), expected);
    }

    #[test]
    fn namespaces_labels_kinds_and_incarnations() {
        let options = ListingOptions {
            has_namespace: true,
            shows_kind: true,
            tells_incarnations: true,
            shows_labels: true,
            label_columns: vec!["x.io/team".into()],
            ..ListingOptions::default()
        };
        let expected = "\
NAMESPACE   NAME               STATUS    REASON           ATTEMPTS   RESTARTS   AGE     TEAM    LABELS
ci          task/build-web@2   Running   <none>           1          1          3m10s           <none>
ci          task/publish@2     Pending   UpstreamFailed   0          1          3m10s   media   a=b,x.io/team=media
";
        assert_eq!(written(&options), expected);
    }

    /// The tasks of [`tasks`], as the server writes them for a table.
    fn lines(is_wide: bool) -> Vec<TaskLine> {
        let wide = |times: serde_json::Value| {
            let mut wide =
                json!({"queue": "default", "digest": "0123456789abcdef", "command": "sh -c 'exit 1'"});
            wide.as_object_mut().expect("an object").append(&mut times.as_object().expect("times").clone());
            if is_wide { wide } else { serde_json::Value::Null }
        };
        let running = json!({"node": "local.g1", "readyAt": "2026-11-22T11:58:00Z",
            "startedAt": "2026-11-22T11:58:05Z"});
        let lines = json!([
            ["ci", "build-web", 2, "Running", null, 1, 1_795_348_610_000_000_u64, wide(running), {}],
            ["ci", "publish", 2, "Pending", "UpstreamFailed", 0, 1_795_348_610_000_000_u64, wide(json!({})),
                {"x.io/team": "media", "a": "b"}],
        ]);
        serde_json::from_value(lines).expect("lines")
    }

    #[test]
    fn a_line_is_shown_as_its_task() {
        for is_wide in [false, true] {
            for others in [false, true] {
                let options = ListingOptions {
                    is_wide,
                    has_namespace: others,
                    shows_kind: others,
                    tells_incarnations: others,
                    shows_labels: others,
                    label_columns: if others { vec!["x.io/team".into()] } else { Vec::new() },
                    is_absolute: others,
                };
                let listing = Listing::new(Kind::Task, &options);
                for (line, task) in lines(is_wide).into_iter().zip(tasks()) {
                    assert_eq!(listing.line(line, &moment()), listing.row(&task, &moment()));
                }
            }
        }
    }

    #[test]
    fn what_is_gone_says_so_in_its_status() {
        let options = ListingOptions { has_namespace: true, ..ListingOptions::default() };
        let row = Listing::new(Kind::Task, &options).deleted_row(&tasks()[1], &moment());
        let texts: Vec<_> = row.iter().map(Cell::text).collect();
        assert_eq!(texts, ["ci", "publish", "Deleted", "UpstreamFailed", "0", "1", "3m10s"]);
    }
}
