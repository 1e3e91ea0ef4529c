//! `ktk get` as tables.

use super::GetArgs;
use crate::{
    clock,
    commands::fetch::{self, Query},
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::{
        OutputFormat,
        table::{Table, TableOptions},
    },
    target::Target,
    view::{Moment, object::Object},
};

impl GetArgs {
    /// How the tables of this command look.
    pub(super) fn table_options(
        &self,
        kinds_shown: usize,
        format: OutputFormat,
        cx: &Context,
    ) -> TableOptions {
        TableOptions {
            is_wide: format == OutputFormat::Wide,
            has_no_headers: self.no_headers,
            has_namespace: self.all_namespaces,
            shows_kind: self.show_kind || kinds_shown > 1,
            tells_incarnations: self.all_incarnations,
            shows_labels: self.show_labels,
            label_columns: self.label_columns.clone(),
            has_color: cx.ui.stdout_has_color(),
        }
    }

    /// A table for each type, an empty line between them.
    pub(super) fn print_tables(
        &self,
        groups: &[(Kind, Vec<Object>)],
        format: OutputFormat,
        cx: &Context,
    ) -> Result<(), CliError> {
        let shown: Vec<_> = groups.iter().filter(|(_, objects)| !objects.is_empty()).collect();
        let options = self.table_options(shown.len(), format, cx);
        let moment = Moment::for_ages(clock::now());
        for (index, (kind, objects)) in shown.into_iter().enumerate() {
            if index > 0 && !self.no_headers {
                cx.ui.println("")?;
            }
            cx.ui.print(&Table::new(*kind, &options).write(objects, &moment))?;
        }
        Ok(())
    }

    /// The table of one type, whose rows are made while the list still comes.
    pub(super) async fn print_long_table(
        &self,
        kind: Kind,
        query: &Query,
        format: OutputFormat,
        cx: &Context,
    ) -> Result<Exit, CliError> {
        let options = self.table_options(1, format, cx);
        let moment = Moment::for_ages(clock::now());
        let mut table = Table::new(kind, &options);
        let pages = fetch::each_page(cx.client().await?, kind, query, |page| table.gather(&page, &moment));
        pages.await.map_err(fetch::refused_list)?;
        match table.write_gathered() {
            text if text.is_empty() => Ok(self.say_nothing_found(&[Target { kind, name: None }], false, cx)),
            text => cx.ui.print(&text).map(|()| Exit::Done),
        }
    }

    /// Says on stderr that there is nothing, and names the code.
    pub(super) fn say_nothing_found(&self, targets: &[Target], is_machine: bool, cx: &Context) -> Exit {
        let is_named = targets.iter().any(|target| target.name.is_some());
        if !is_machine && !is_named {
            let is_namespaced = targets.iter().any(|target| target.kind.is_namespaced());
            match self.all_namespaces || !is_namespaced {
                true => cx.ui.message("No resources found"),
                false => cx.ui.message(&format!("No resources found in {} namespace.", cx.namespace())),
            }
        }
        if self.error_if_empty { Exit::NotFound } else { Exit::Done }
    }
}
