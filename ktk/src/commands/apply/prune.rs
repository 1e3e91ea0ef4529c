//! `--prune`: what is of a set, and no longer in its manifests. (Types go with those that are applied.)

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, TryStreamExt as _};
use ktk_client::{
    Client, Error,
    api::{Entity, ListParams, Metadata, ObjectRef, Phase, task::DeleteParams},
    manifest::Document,
};
use serde::Serialize;

use super::send::{Teller, label};
use crate::{commands::made, error::CliError, kinds::Kind};

/// Deletes what is gone from a set: tasks and pipelines of the command's namespace, and what has none. What cannot be
/// deleted stays, and is told with the rest.
pub(super) async fn run(
    source: &str,
    documents: impl Iterator<Item = &Document>,
    teller: &mut Teller<'_>,
    errors: &mut Vec<CliError>,
) -> Result<(), CliError> {
    let namespace = teller.cx.namespace().to_owned();
    let client = teller.cx.client().await?.clone();
    let kept: BTreeSet<String> = documents
        .filter(|one| !one.value.is_namespaced() || one.value.metadata().namespace() == namespace)
        .map(|one| label(&one.value))
        .collect();
    let set = Set { source, kept, client, namespace };
    // What uses others goes before them.
    set.pipelines(teller, errors).await?;
    set.tasks(teller, errors).await?;
    set.queues(teller, errors).await?;
    set.semaphores(teller, errors).await
}

struct Set<'a> {
    source: &'a str,
    kept: BTreeSet<String>,
    client: Client,
    namespace: String,
}

/// What may run: a task or a pipeline of the set.
struct Run<'o, K> {
    kind: Kind,
    metadata: &'o Metadata,
    phase: Option<Phase>,
    object: &'o K,
}

impl Set<'_> {
    fn params(&self) -> ListParams {
        ListParams {
            field_selector: Some(format!("metadata.source={}", self.source)),
            ..ListParams::default()
        }
    }

    fn delete(&self, metadata: &Metadata, dry_run: bool) -> DeleteParams {
        DeleteParams {
            reference: ObjectRef::new(&*self.namespace, metadata.name()),
            // One that has begun to run since is not stopped.
            version: metadata.version,
            dry_run,
            ..DeleteParams::default()
        }
    }

    async fn pipelines(&self, teller: &mut Teller<'_>, errors: &mut Vec<CliError>) -> Result<(), CliError> {
        let pipelines = self.client.in_namespace(&*self.namespace).pipelines();
        let found: Vec<_> = pipelines.list_all(self.params()).try_collect().await?;
        for object in found {
            let phase = object.status.as_ref().map(|status| status.phase);
            let run = Run { kind: Kind::Pipeline, metadata: &object.metadata, phase, object: &object };
            self.run(run, teller, errors, |params| pipelines.delete_with(params)).await?;
        }
        Ok(())
    }

    async fn tasks(&self, teller: &mut Teller<'_>, errors: &mut Vec<CliError>) -> Result<(), CliError> {
        let tasks = self.client.in_namespace(&*self.namespace).tasks();
        let found: Vec<_> = tasks.list_all(self.params()).try_collect().await?;
        for object in found {
            let phase = object.status.as_ref().map(|status| status.phase);
            let run = Run { kind: Kind::Task, metadata: &object.metadata, phase, object: &object };
            self.run(run, teller, errors, |params| tasks.delete_with(params)).await?;
        }
        Ok(())
    }

    async fn run<K: Serialize, A, F: Future<Output = Result<A, Error>>>(
        &self,
        run: Run<'_, K>,
        teller: &mut Teller<'_>,
        errors: &mut Vec<CliError>,
        delete: impl FnOnce(DeleteParams) -> F,
    ) -> Result<(), CliError> {
        let label = format!("{}/{}", run.kind, run.metadata.name());
        if self.kept.contains(&label) {
            return Ok(());
        }
        let gone = match running(run.phase, &label) {
            Some(error) => Err(error),
            None => {
                let params = self.delete(run.metadata, teller.dry_run.is_dry());
                delete(params).await.map(drop).map_err(CliError::from)
            }
        };
        tell(teller, errors, &label, gone, run.object)
    }

    async fn queues(&self, teller: &mut Teller<'_>, errors: &mut Vec<CliError>) -> Result<(), CliError> {
        let queues = self.client.queues();
        let found: Vec<_> = queues.list_all(self.params()).boxed().try_collect().await?;
        self.entities(found, teller, errors, |name| queues.delete(name)).await
    }

    async fn semaphores(&self, teller: &mut Teller<'_>, errors: &mut Vec<CliError>) -> Result<(), CliError> {
        let semaphores = self.client.semaphores();
        let found: Vec<_> = semaphores.list_all(self.params()).boxed().try_collect().await?;
        self.entities(found, teller, errors, |name| semaphores.delete(name)).await
    }

    async fn entities<K: Entity, A, F: Future<Output = Result<A, Error>>>(
        &self,
        found: Vec<K>,
        teller: &mut Teller<'_>,
        errors: &mut Vec<CliError>,
        delete: impl Fn(String) -> F,
    ) -> Result<(), CliError> {
        for object in found {
            let name = object.metadata().name().to_owned();
            let label = format!("{}/{name}", K::KIND.to_lowercase());
            if self.kept.contains(&label) {
                continue;
            }
            let gone = match teller.dry_run.is_dry() {
                true => Ok(()),
                false => delete(name).await.map(drop).map_err(CliError::from),
            };
            tell(teller, errors, &label, gone, &object)?;
        }
        Ok(())
    }
}

/// What runs is not stopped by a manifest that is missing.
fn running(phase: Option<Phase>, label: &str) -> Option<CliError> {
    if phase != Some(Phase::Running) {
        return None;
    }
    let error = CliError::new(crate::error::Exit::Conflict, format!("{label} is not pruned: it is Running"));
    Some(error.with_hint(format!("ktk cancel {label}, or ktk delete {label}")))
}

fn tell(
    teller: &mut Teller<'_>,
    errors: &mut Vec<CliError>,
    label: &str,
    gone: Result<(), CliError>,
    object: &impl Serialize,
) -> Result<(), CliError> {
    match gone {
        Ok(()) => teller.tell(label, "pruned", made::value(object)?),
        Err(error) => {
            errors.push(error);
            Ok(())
        }
    }
}
