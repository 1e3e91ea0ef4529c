//! `ktk get -o tree|dot|mermaid`: restarts and DAGs.

use ktk_client::{
    Client,
    api::{Pipeline, Task},
};

use super::GetArgs;
use crate::{
    clock,
    commands::fetch::{self, Query},
    context::Context,
    error::{CliError, Exit},
    kinds::Kind,
    output::OutputFormat,
    target::Target,
    view::{dag, object::Object, tree},
};

/// Draws pipelines, or (as trees only) the restarts of tasks.
pub(super) async fn run(
    args: &GetArgs,
    targets: &[Target],
    format: OutputFormat,
    cx: &Context,
) -> Result<Exit, CliError> {
    let is_drawable = |kind| kind == Kind::Pipeline || kind == Kind::Task && format == OutputFormat::Tree;
    if !targets.iter().all(|target| is_drawable(target.kind)) {
        let error =
            CliError::usage("tree, dot and mermaid draw pipelines; tree also draws the restarts of tasks");
        return Err(error.with_hint("ktk get pipelines -o tree"));
    }
    let client = cx.client().await?;
    let mut query = args.query(cx, format == OutputFormat::Tree);
    // A list of whole pipelines: a summary has no steps.
    query.is_summary = false;
    query.all_incarnations = format == OutputFormat::Tree;
    let found = args.find(targets, &query, cx).await?;
    let mut is_empty = true;
    for (_, objects) in &found.groups {
        is_empty &= objects.is_empty();
        let text = draw(client, objects, format, cx).await?;
        cx.ui.print(&text)?;
    }
    if is_empty && found.errors.is_empty() {
        return Ok(args.say_nothing_found(targets, false, cx));
    }
    CliError::of_all(found.errors).map(|()| Exit::Done)
}

async fn draw(
    client: &Client,
    objects: &[Object],
    format: OutputFormat,
    cx: &Context,
) -> Result<String, CliError> {
    let mut tasks: Vec<Task> = Vec::new();
    let mut pipelines: Vec<(&Pipeline, Vec<Task>)> = Vec::new();
    for object in objects {
        match object {
            Object::Task(task) => tasks.push((**task).clone()),
            Object::Pipeline(pipeline) => {
                let steps = steps(client, pipeline, format == OutputFormat::Tree).await?;
                pipelines.push((pipeline, steps));
            }
            _ => {}
        }
    }
    let (now, has_color) = (clock::now(), cx.ui.stdout_has_color());
    let drawn = |draw: fn(&Pipeline, &[Task]) -> String| -> String {
        pipelines.iter().map(|(pipeline, tasks)| draw(pipeline, tasks)).collect()
    };
    Ok(match format {
        OutputFormat::Dot => drawn(dag::dot),
        OutputFormat::Mermaid => drawn(dag::mermaid),
        _ if tasks.is_empty() => {
            let pipelines: Vec<_> =
                pipelines.iter().map(|(pipeline, tasks)| (*pipeline, tasks.as_slice())).collect();
            tree::pipelines(&pipelines, now, has_color)
        }
        _ => tree::families(&tasks, now, has_color),
    })
}

/// The tasks of a pipeline's steps.
async fn steps(client: &Client, pipeline: &Pipeline, all_incarnations: bool) -> Result<Vec<Task>, CliError> {
    let query = Query {
        namespace: Some(pipeline.metadata.namespace().to_owned()),
        all_incarnations,
        is_summary: true,
        ..Query::default()
    };
    Ok(fetch::tasks_of(client, pipeline, query).await?)
}
