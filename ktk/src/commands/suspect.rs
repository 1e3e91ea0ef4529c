//! What else is wrong with manifests in which something is: what the server alone knows of them.

use ktk_client::{
    Client, Error,
    api::Cause,
    manifest::{Document, Manifest, Problem, Problems},
};

use crate::context::Context;

/// Adds to the problems of each text what the server would refuse besides, in the order of the text. Without a server
/// there is nothing to add.
pub(super) async fn ask(wrong: &mut [Problems], others: &[Document], cx: &Context) {
    let documents = wrong.iter().flat_map(|problems| problems.doubtful.iter().chain(&problems.documents));
    // What stands beside it would be made first.
    let made: Vec<String> =
        documents.chain(others).map(|one| format!("{:?}", one.value.metadata().name())).collect();
    for problems in wrong {
        let mut more = Vec::new();
        for document in problems.doubtful.iter().chain(&problems.documents) {
            if !matches!(document.value, Manifest::Task(_) | Manifest::Pipeline(_)) {
                continue;
            }
            let Ok(client) = cx.client().await else { return };
            let Ok(causes) = causes(document, client).await else { return };
            more.extend(causes.iter().map(|cause| document.problem(cause)));
        }
        let is_known = |problem: &Problem| {
            let of_place = |known: &Problem| (known.line, &known.field) == (problem.line, &problem.field);
            problems.list.iter().any(of_place)
        };
        more.retain(|problem| !is_known(problem) && !made.iter().any(|name| problem.message.contains(name)));
        problems.list.extend(more);
        problems.list.sort_by_key(|problem| (problem.line, problem.column));
    }
}

async fn causes(document: &Document, client: &Client) -> Result<Vec<Cause>, Error> {
    match &document.value {
        Manifest::Task(task) => client.tasks().check(task).await,
        Manifest::Pipeline(pipeline) => client.pipelines().check(pipeline).await,
        Manifest::Queue(_) | Manifest::Semaphore(_) | Manifest::TaskType(_) => Ok(Vec::new()),
    }
}
