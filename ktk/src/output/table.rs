//! Tables of objects: which columns, in which order, with which widths.

use ktk_client::api::meta::StringMap;

use crate::{
    kinds::Kind,
    ui::{Cell, Tone, Widths, lay_out},
    view::{
        Moment,
        object::{Object, columns},
    },
};

/// How tables of one command look.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableOptions {
    /// `-o wide`.
    pub(crate) is_wide: bool,
    /// Without the line of titles.
    pub(crate) has_no_headers: bool,
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
    /// Whether words with a meaning are coloured.
    pub(crate) has_color: bool,
}

/// A table of one kind that rows are added to: later ones keep the widths of the first.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    kind: Kind,
    options: &'a TableOptions,
    widths: Widths,
    gathered: Vec<Vec<Cell>>,
    has_begun: bool,
}

impl<'a> Table<'a> {
    /// A table that nothing was written of.
    pub(crate) fn new(kind: Kind, options: &'a TableOptions) -> Self {
        Self { kind, options, widths: Widths::default(), gathered: Vec::new(), has_begun: false }
    }

    /// Some rows, the titles before the first.
    pub(crate) fn write<'b>(
        &mut self,
        objects: impl IntoIterator<Item = &'b Object>,
        moment: &Moment,
    ) -> String {
        let rows = objects.into_iter().map(|object| self.row(object, moment)).collect();
        self.append(rows)
    }

    /// Keeps the rows of some objects, for [`Table::write_gathered`]: the objects of a long list
    /// need not stay.
    pub(crate) fn gather<'b>(&mut self, objects: impl IntoIterator<Item = &'b Object>, moment: &Moment) {
        let rows = objects.into_iter().map(|object| self.row(object, moment));
        let rows: Vec<_> = rows.collect();
        self.gathered.extend(rows);
    }

    /// Every row that was gathered, the titles first; nothing where there is none.
    pub(crate) fn write_gathered(&mut self) -> String {
        match std::mem::take(&mut self.gathered) {
            rows if rows.is_empty() => String::new(),
            rows => self.append(rows),
        }
    }

    /// The last row of an object that is gone: its STATUS says so.
    pub(crate) fn write_deleted(&mut self, object: &Object, moment: &Moment) -> String {
        let mut row = self.row(object, moment);
        let status = usize::from(self.shows_namespace()) + 1;
        if let Some(cell) = row.get_mut(status) {
            *cell = Cell::toned("Deleted", Tone::Dim);
        }
        self.append(vec![row])
    }

    fn append(&mut self, mut rows: Vec<Vec<Cell>>) -> String {
        if !self.has_begun {
            if !self.options.has_no_headers {
                rows.insert(0, self.titles());
            }
            self.widths.measure(&rows);
            self.has_begun = true;
        }
        lay_out(&rows, &self.widths, self.options.has_color)
    }

    fn shows_namespace(&self) -> bool {
        self.options.has_namespace && self.kind.is_namespaced()
    }

    fn titles(&self) -> Vec<Cell> {
        let mut titles = Vec::new();
        if self.shows_namespace() {
            titles.push(Cell::new("NAMESPACE"));
        }
        let shown = columns(self.kind).iter().filter(|column| self.options.is_wide || !column.is_wide);
        titles.extend(shown.map(|column| Cell::new(column.title)));
        let last_part = |key: &String| key.rsplit('/').next().unwrap_or(key).to_uppercase();
        titles.extend(self.options.label_columns.iter().map(|key| Cell::new(last_part(key))));
        if self.options.shows_labels {
            titles.push(Cell::new("LABELS"));
        }
        titles
    }

    fn row(&self, object: &Object, moment: &Moment) -> Vec<Cell> {
        let metadata = object.metadata();
        let mut cells = object.cells(moment, self.options.is_wide);
        let has_other_name = self.options.tells_incarnations && object.kind() == Kind::Task;
        // An event's first column is no name.
        if object.kind() != Kind::Event && (has_other_name || self.options.shows_kind) {
            let name = match has_other_name {
                true => object.name(true),
                false => cells[0].text().to_owned(),
            };
            let prefix = if self.options.shows_kind { format!("{}/", self.kind) } else { String::new() };
            cells[0] = Cell::new(format!("{prefix}{name}"));
        }
        if self.shows_namespace() {
            cells.insert(0, Cell::new(metadata.namespace().to_owned()));
        }
        let label = |key: &String| Cell::new(metadata.labels.get(key).cloned().unwrap_or_default());
        cells.extend(self.options.label_columns.iter().map(label));
        if self.options.shows_labels {
            cells.push(labels_cell(&metadata.labels));
        }
        cells
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
    use crate::view::tests::moment;

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

    fn written(options: &TableOptions) -> String {
        Table::new(Kind::Task, options).write(&tasks(), &moment())
    }

    #[test]
    fn a_table_of_tasks() {
        let expected = "\
NAME        STATUS    REASON           ATTEMPTS   RESTARTS   AGE
build-web   Running   <none>           1          1          3m10s
publish     Pending   UpstreamFailed   0          1          3m10s
";
        assert_eq!(written(&TableOptions::default()), expected);
    }

    #[test]
    fn a_wide_table_of_tasks() {
        let options = TableOptions { is_wide: true, has_no_headers: true, ..TableOptions::default() };
        let expected = "\
build-web   Running   <none>           1     1     3m10s   default   local.g1   <none>   5s       115s     <none>   \
0123456789ab   sh -c 'exit 1'
publish     Pending   UpstreamFailed   0     1     3m10s   default   <none>     <none>   <none>   <none>   <none>   \
0123456789ab   sh -c 'exit 1'
";
        assert_eq!(written(&options), expected);
    }

    #[test]
    fn namespaces_labels_kinds_and_incarnations() {
        let options = TableOptions {
            has_namespace: true,
            shows_kind: true,
            tells_incarnations: true,
            shows_labels: true,
            label_columns: vec!["x.io/team".into()],
            ..TableOptions::default()
        };
        let expected = "\
NAMESPACE   NAME               STATUS    REASON           ATTEMPTS   RESTARTS   AGE     TEAM    LABELS
ci          task/build-web@2   Running   <none>           1          1          3m10s           <none>
ci          task/publish@2     Pending   UpstreamFailed   0          1          3m10s   media   a=b,x.io/team=media
";
        assert_eq!(written(&options), expected);
    }

    #[test]
    fn gathered_rows_are_one_table() {
        let options = TableOptions::default();
        let mut table = Table::new(Kind::Task, &options);
        assert_eq!(table.write_gathered(), "");
        tasks().iter().for_each(|task| table.gather([task], &moment()));
        assert_eq!(table.write_gathered(), written(&options));
    }

    #[test]
    fn appended_rows_have_no_titles_and_the_first_widths() {
        let options = TableOptions::default();
        let mut table = Table::new(Kind::Task, &options);
        let _ = table.write(&tasks(), &moment());
        let later = task("x", json!({}), json!({"phase": "Failed", "reason": "Signal", "attempt": 1}));
        assert_eq!(
            table.write([&later], &moment()),
            "x           Failed    Signal           1          1          3m10s\n"
        );
        assert_eq!(
            table.write_deleted(&later, &moment()),
            "x           Deleted   Signal           1          1          3m10s\n"
        );
    }
}
