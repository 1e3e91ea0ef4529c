//! Objects of any kind, from the server: what `get`, `describe` and completion ask alike.

use std::{pin::pin, task::Poll};

use futures_util::poll;
use ktk_client::{
    Client, Error,
    api::{
        List, ListParams, Metadata, Pipeline, Task, event, selector,
        table::{TableParams, TaskLine},
    },
};

use crate::{
    error::{CliError, Exit},
    kinds::Kind,
    view::object::Object,
};

/// Objects of one page, where pages are used one by one.
const PAGE: u32 = 1_000;

/// Which objects to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    /// One namespace, or all.
    pub(crate) namespace: Option<String>,
    /// A label selector.
    pub(crate) labels: Option<String>,
    /// A field selector.
    pub(crate) fields: Option<String>,
    /// Older incarnations too.
    pub(crate) all_incarnations: bool,
    /// Only failures that nothing has mended.
    pub(crate) unresolved: bool,
    /// Only what tables show.
    pub(crate) is_summary: bool,
    /// Objects of one request; 0 leaves it to the server.
    pub(crate) page: Option<u32>,
}

impl Query {
    fn params(&self) -> ListParams {
        ListParams {
            namespace: self.namespace.clone(),
            label_selector: self.labels.clone(),
            field_selector: self.fields.clone(),
            all_incarnations: self.all_incarnations,
            unresolved: self.unresolved,
            summary: self.is_summary,
            limit: self.page.filter(|limit| *limit > 0),
            ..ListParams::default()
        }
    }

    /// The same, for pages that are used one by one.
    fn paged(&self) -> ListParams {
        ListParams { limit: Some(self.page.unwrap_or(PAGE)).filter(|limit| *limit > 0), ..self.params() }
    }
}

/// What a list answered.
pub(crate) struct Listed {
    /// By namespace, name and incarnation; events oldest first.
    pub(crate) objects: Vec<Object>,
    /// From where a watch goes on.
    pub(crate) version: u64,
}

/// All objects of a kind that a query asks for.
///
/// # Errors
/// Where the server refuses the query or cannot be asked.
pub(crate) async fn list(client: &Client, kind: Kind, query: &Query) -> Result<Listed, Error> {
    let mut listed = Listed { objects: Vec::new(), version: 0 };
    let mut params = query.params();
    let mut is_first = true;
    loop {
        let page = page(client, kind, params.clone()).await?;
        if std::mem::take(&mut is_first) {
            // A watch from the first page's version misses nothing.
            listed.version = page.version;
        }
        listed.objects.extend(page.items);
        match page.continue_from {
            None => return Ok(listed),
            next => params.continue_from = next,
        }
    }
}

/// Hands all objects that a query asks for over, page by page.
///
/// # Errors
/// Where the server refuses the query or cannot be asked.
pub(crate) async fn each_page(
    client: &Client,
    kind: Kind,
    query: &Query,
    take: impl FnMut(Vec<Object>),
) -> Result<(), Error> {
    pages(query.paged(), |params| page(client, kind, params), take).await
}

/// Hands the tasks that a query asks for over as lines of a table, page by page.
///
/// # Errors
/// Where the server refuses the query or cannot be asked.
pub(crate) async fn each_page_of_lines(
    client: &Client,
    query: &Query,
    columns: &TableParams,
    take: impl FnMut(Vec<TaskLine>),
) -> Result<(), Error> {
    let tasks = match query.namespace {
        None => client.tasks().all_namespaces(),
        Some(_) => client.tasks(),
    };
    let page = |list| {
        let tasks = tasks.clone();
        let params = TableParams { list, ..columns.clone() };
        async move { tasks.table(params).await }
    };
    pages(query.paged(), page, take).await
}

/// Asks for page after page. The server works on the next one while this one is used.
async fn pages<T, F>(
    params: ListParams,
    page: impl Fn(ListParams) -> F,
    mut take: impl FnMut(Vec<T>),
) -> Result<(), Error>
where
    F: Future<Output = Result<List<T>, Error>>,
{
    let mut params = params;
    let mut current = page(params.clone()).await?;
    while current.continue_from.is_some() {
        params.continue_from = current.continue_from.take();
        let mut next = pin!(page(params.clone()));
        let early = poll!(&mut next);
        // The connection is another task's: it sends the request when it has its turn.
        tokio::task::yield_now().await;
        take(std::mem::take(&mut current.items));
        current = match early {
            Poll::Ready(answer) => answer?,
            Poll::Pending => next.await?,
        };
    }
    take(current.items);
    Ok(())
}

/// One page of objects.
async fn page(client: &Client, kind: Kind, params: ListParams) -> Result<List<Object>, Error> {
    fn objects<T>(list: List<T>, object: impl Fn(Box<T>) -> Object) -> List<Object> {
        let List { api_version, kind, version, continue_from, items } = list;
        let items = items.into_iter().map(|item| object(Box::new(item))).collect();
        List { api_version, kind, version, continue_from, items }
    }
    let is_everywhere = params.namespace.is_none();
    Ok(match kind {
        Kind::Task => {
            let tasks = if is_everywhere { client.tasks().all_namespaces() } else { client.tasks() };
            objects(tasks.list(params).await?, Object::Task)
        }
        Kind::Pipeline => {
            let pipelines = client.pipelines();
            let pipelines = if is_everywhere { pipelines.all_namespaces() } else { pipelines };
            objects(pipelines.list(params).await?, Object::Pipeline)
        }
        Kind::Queue => {
            let params = ListParams { namespace: None, ..params };
            objects(client.queues().list(params).await?, Object::Queue)
        }
        Kind::Semaphore => {
            let params = ListParams { namespace: None, ..params };
            objects(client.semaphores().list(params).await?, Object::Semaphore)
        }
        Kind::TaskType => {
            let params = ListParams { namespace: None, ..params };
            objects(client.task_types().list(params).await?, Object::TaskType)
        }
        Kind::Token => {
            let params = ListParams { namespace: None, ..params };
            objects(client.tokens().list(params).await?, Object::Token)
        }
        Kind::Node => {
            let params = ListParams { namespace: None, ..params };
            objects(client.nodes().list(params).await?, Object::Node)
        }
        Kind::Event => {
            let params = event::ListParams { namespace: params.namespace, ..event::ListParams::default() };
            let Listed { objects, version } = events(client, params).await?;
            List::new(objects, version)
        }
    })
}

/// The version that the server is at: a watch from there misses nothing that comes after.
///
/// # Errors
/// Where the server cannot be asked.
pub(crate) async fn version(client: &Client) -> Result<u64, Error> {
    let params = ListParams { limit: Some(1), summary: true, ..ListParams::default() };
    Ok(client.tasks().list(params).await?.version)
}

/// Events, oldest first. Without a namespace, those of all.
///
/// # Errors
/// Where the server cannot be asked.
pub(crate) async fn events(client: &Client, params: event::ListParams) -> Result<Listed, Error> {
    let events = client.events();
    let events = if params.namespace.is_none() { events.all_namespaces() } else { events };
    let list = events.list(params).await?;
    let objects = list.items.into_iter().map(|event| Object::Event(Box::new(event))).collect();
    Ok(Listed { objects, version: list.version })
}

/// One object, by any reference.
///
/// # Errors
/// `NotFound`, `Ambiguous`, and where the server cannot be asked.
pub(crate) async fn one(client: &Client, kind: Kind, name: &str) -> Result<Object, Error> {
    Ok(match kind {
        Kind::Task => Object::Task(Box::new(client.tasks().get(name).await?)),
        Kind::Pipeline => Object::Pipeline(Box::new(client.pipelines().get(name).await?)),
        Kind::Queue => Object::Queue(Box::new(client.queues().get(name).await?)),
        Kind::Semaphore => Object::Semaphore(Box::new(client.semaphores().get(name).await?)),
        Kind::TaskType => Object::TaskType(Box::new(client.task_types().get(name).await?)),
        Kind::Token => Object::Token(Box::new(client.tokens().get(name).await?)),
        Kind::Node => Object::Node(Box::new(client.nodes().get(without_generation(name)).await?)),
        Kind::Event => {
            let params =
                event::ListParams { namespace: Some(client.namespace().to_owned()), ..Default::default() };
            let found =
                events(client, params).await?.objects.into_iter().find(|event| is_called(event, name));
            found.ok_or_else(|| ktk_client::api::ApiError::not_found("Event", name))?
        }
    })
}

fn is_called(object: &Object, name: &str) -> bool {
    let Metadata { name: own, id, .. } = object.metadata();
    own.as_deref() == Some(name) || id.is_some_and(|id| id.to_string() == name)
}

/// `local` of `local.g3`: tables show a node with its generation, the server knows it without.
fn without_generation(name: &str) -> &str {
    match name.rsplit_once(".g") {
        Some((node, generation))
            if !generation.is_empty() && generation.bytes().all(|b| b.is_ascii_digit()) =>
        {
            node
        }
        _ => name,
    }
}

/// The tasks of a pipeline's steps, by the query's other conditions.
///
/// # Errors
/// Where the server cannot be asked.
pub(crate) async fn tasks_of(client: &Client, pipeline: &Pipeline, query: Query) -> Result<Vec<Task>, Error> {
    let Some(id) = pipeline.metadata.id else { return Ok(Vec::new()) };
    let only_newest = !query.all_incarnations;
    // Of an older pipeline no task is its context's newest.
    let fields = Some(format!("metadata.pipeline.id={id}"));
    let query = Query { fields, all_incarnations: true, ..query };
    let mut tasks = client.tasks().list_whole(query.params()).await?.items;
    if only_newest {
        // Incarnations of a name come one after the other.
        tasks.reverse();
        tasks.dedup_by(|older, newer| older.metadata.name == newer.metadata.name);
        tasks.reverse();
    }
    Ok(tasks)
}

/// Several selectors as one: all must hold.
pub(crate) fn joined(selectors: &[String]) -> Option<String> {
    let given: Vec<&str> = selectors.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
    (!given.is_empty()).then(|| given.join(","))
}

/// Reads label selectors before anything is sent: a wrong one is wrong usage. (Which fields there
/// are is the server's to say.)
///
/// # Errors
/// Code 2, with what was found and what was expected.
pub(crate) fn check_labels(labels: &[String]) -> Result<(), CliError> {
    for text in labels {
        text.parse::<selector::LabelSelector>().map_err(CliError::usage)?;
    }
    Ok(())
}

/// The error of a list: what can be invalid there are its selectors, and these were typed.
pub(crate) fn refused_list(error: Error) -> CliError {
    match error.is_invalid() {
        true => CliError::from(error).with_exit(Exit::Usage),
        false => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_selectors_must_all_hold() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(joined(&texts(&["a=1", "b in (c,d)"])).as_deref(), Some("a=1,b in (c,d)"));
        assert_eq!(joined(&texts(&["", " "])), None);
    }

    #[test]
    fn a_node_is_known_without_its_generation() {
        for (shown, known) in [("local.g3", "local"), ("local", "local"), ("a.gx", "a.gx"), ("a.g", "a.g")] {
            assert_eq!(without_generation(shown), known);
        }
    }
}
