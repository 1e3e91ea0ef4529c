//! `ktk get` as tables.

use ktk_client::api::table::{TableParams, TaskLine};
use serde_json::Value;

use super::{GetArgs, Timestamps};
use crate::{
    clock,
    commands::fetch::{self, Query},
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::{Columns, OutputFormat, table::Table},
    target::Target,
    view::{
        Moment, age,
        listing::{Listing, ListingOptions},
        object::Object,
    },
};

/// Rows that are kept to make columns as wide as they must be; what comes behind them is printed as it comes.
const ROWS_GATHERED: usize = 10_000;

impl GetArgs {
    /// Which columns the tables of this command have.
    pub(super) fn listing_options(&self, kinds_shown: usize, format: OutputFormat) -> ListingOptions {
        ListingOptions {
            is_wide: format == OutputFormat::Wide,
            has_namespace: self.all_namespaces,
            shows_kind: self.show_kind || kinds_shown > 1,
            // A failure may be of an older incarnation.
            tells_incarnations: self.all_incarnations || self.unresolved,
            shows_labels: self.show_labels,
            label_columns: self.label_columns.clone(),
            is_absolute: self.timestamps == Timestamps::Absolute,
        }
    }

    /// An empty table, its titles where they are wanted.
    pub(super) fn table(&self, listing: &Listing<'_>, cx: &Context) -> Table {
        Table::new((!self.no_headers).then(|| listing.titles()), cx.ui.stdout_has_color())
    }

    /// A table for each type, an empty line between them.
    pub(super) fn print_tables(
        &self,
        groups: &[(Kind, Vec<Object>)],
        format: OutputFormat,
        cx: &Context,
    ) -> Result<(), CliError> {
        let shown: Vec<_> = groups.iter().filter(|(_, objects)| !objects.is_empty()).collect();
        let options = self.listing_options(shown.len(), format);
        let moment = Moment::for_ages(clock::now());
        for (index, (kind, objects)) in shown.into_iter().enumerate() {
            if index > 0 && !self.no_headers {
                cx.ui.println("")?;
            }
            let listing = Listing::new(*kind, &options);
            let rows = objects.iter().map(|object| listing.row(object, &moment));
            cx.ui.print(&self.table(&listing, cx).write(rows))?;
        }
        Ok(())
    }

    /// One table of columns that were typed.
    pub(super) fn print_columns(
        &self,
        columns: &Columns,
        objects: &[Value],
        cx: &Context,
    ) -> Result<(), CliError> {
        let mut table = self.table_of_columns(columns);
        let now = clock::now();
        let rows: Result<Vec<_>, _> =
            objects.iter().map(|object| columns.row(object, |time| age::age(Some(time), now))).collect();
        cx.ui.print(&table.write(rows?))
    }

    /// An empty table of columns that were typed.
    pub(super) fn table_of_columns(&self, columns: &Columns) -> Table {
        Table::new((!self.no_headers).then(|| columns.titles()), false)
    }

    /// The table of one type, whose rows are made while the list still comes.
    pub(super) async fn print_long_table(
        &self,
        kind: Kind,
        query: &Query,
        format: OutputFormat,
        cx: &Context,
    ) -> Result<Exit, CliError> {
        let options = self.listing_options(1, format);
        let moment = Moment::for_ages(clock::now());
        let listing = Listing::new(kind, &options);
        let mut table = self.table(&listing, cx);
        let client = cx.client().await?;
        let mut printed: Result<bool, CliError> = Ok(false);
        let mut print_early = |table: &mut Table| {
            let text = table.write_early(ROWS_GATHERED);
            if !text.is_empty() && printed.is_ok() {
                printed = cx.ui.print(&text).map(|()| true);
            }
        };
        let pages = match kind {
            Kind::Task => {
                let has_labels = options.shows_labels || !options.label_columns.is_empty();
                let columns =
                    TableParams { wide: options.is_wide, labels: has_labels, ..TableParams::default() };
                let take = |page: Vec<TaskLine>| {
                    table.gather(page.into_iter().map(|line| listing.line(line, &moment)));
                    print_early(&mut table);
                };
                fetch::each_page_of_lines(client, query, &columns, take).await
            }
            _ => {
                let take = |page: Vec<Object>| {
                    table.gather(page.iter().map(|object| listing.row(object, &moment)));
                    print_early(&mut table);
                };
                fetch::each_page(client, kind, query, take).await
            }
        };
        pages.map_err(fetch::refused_list)?;
        let has_printed = printed?;
        match table.write_gathered() {
            text if text.is_empty() && has_printed => Ok(Exit::Done),
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
