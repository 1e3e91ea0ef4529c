//! `ktk api-resources`: the types there are. They are those that this binary knows: no server is asked.

use clap::{Args, ValueEnum};
use ktk_client::api::API_VERSION;
use serde_json::{Value, json};

use super::completion;
use crate::{
    context::Context,
    error::{CliError, Exit},
    kinds::{KINDS, KindRow},
    output::{Document, OutputFormat, Word, table::Table},
    ui::Cell,
};

const EXAMPLES: &str = "\
Examples:
  # The types and their short names
  ktk api-resources

  # With what can be done with them
  ktk api-resources -o wide

  # The names of those that live in a namespace and can be listed, for a script
  ktk api-resources --namespaced --verbs=list -o name";

/// List the types that get, describe and the like take
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ApiResourcesArgs {
    /// Only types that live in a namespace; =false: only those that do not
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    namespaced: Option<bool>,

    /// Only types that take all these verbs
    #[arg(long, value_name = "VERBS", value_delimiter = ',')]
    verbs: Vec<String>,

    /// Only types of all these categories
    #[arg(long, value_name = "CATEGORIES", value_delimiter = ',')]
    categories: Vec<String>,

    /// Sort by this
    #[arg(long, value_name = "FIELD", value_enum)]
    sort_by: Option<SortBy>,

    /// Without the line of titles
    #[arg(long)]
    no_headers: bool,

    /// Format: wide, name, json, yaml
    #[arg(short, long, value_name = "FORMAT", add = completion::formats(FORMATS))]
    output: Option<String>,
}

const FORMATS: &[Word] = &[Word::Json, Word::Name, Word::Wide, Word::Yaml];

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SortBy {
    /// By the name
    Name,
    /// By the kind
    Kind,
}

pub(crate) fn run(args: ApiResourcesArgs, cx: &Context) -> Result<Exit, CliError> {
    let format = OutputFormat::parse(args.output.as_deref(), FORMATS)?;
    let mut rows: Vec<&KindRow> = KINDS.iter().filter(|row| args.wants(row)).collect();
    match args.sort_by {
        Some(SortBy::Name) => rows.sort_by_key(|row| row.plural),
        Some(SortBy::Kind) => rows.sort_by_key(|row| row.manifest),
        None => {}
    }
    match format {
        OutputFormat::Name => rows.iter().try_for_each(|row| cx.ui.println(row.plural))?,
        OutputFormat::Human | OutputFormat::Wide if rows.is_empty() => cx.ui.message("No resources found"),
        OutputFormat::Human | OutputFormat::Wide => {
            let is_wide = format == OutputFormat::Wide;
            let titles = (!args.no_headers).then(|| titles(is_wide));
            let mut table = Table::new(titles, cx.ui.stdout_has_color());
            cx.ui.print(&table.write(rows.into_iter().map(|row| cells(row, is_wide))))?;
        }
        other => {
            let machine = other.machine().ok_or_else(|| CliError::usage("no such format"))?;
            let values = rows.into_iter().map(value).collect();
            cx.ui.print_document(&machine.write(Document::Many(values))?)?;
        }
    }
    Ok(Exit::Done)
}

impl ApiResourcesArgs {
    fn wants(&self, row: &KindRow) -> bool {
        let verbs = row.all_verbs();
        self.namespaced.is_none_or(|namespaced| namespaced == row.is_namespaced)
            && self.verbs.iter().all(|verb| verbs.contains(&verb.as_str()))
            && self.categories.iter().all(|category| row.categories().contains(&category.as_str()))
    }
}

fn titles(is_wide: bool) -> Vec<Cell> {
    let mut titles = vec!["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"];
    titles.extend(is_wide.then_some(["VERBS", "CATEGORIES"]).into_iter().flatten());
    titles.into_iter().map(Cell::new).collect()
}

fn cells(row: &KindRow, is_wide: bool) -> Vec<Cell> {
    let mut cells = vec![
        Cell::new(row.plural),
        Cell::new(row.short_names().join(",")),
        Cell::new(API_VERSION),
        Cell::new(row.is_namespaced.to_string()),
        Cell::new(row.manifest),
    ];
    if is_wide {
        cells.extend([Cell::new(row.all_verbs().join(",")), Cell::new(row.categories().join(","))]);
    }
    cells
}

fn value(row: &KindRow) -> Value {
    json!({
        "name": row.plural, "singularName": row.singular, "shortNames": row.short_names(),
        "apiVersion": API_VERSION, "namespaced": row.is_namespaced, "kind": row.manifest,
        "verbs": row.all_verbs(), "categories": row.categories(),
    })
}
