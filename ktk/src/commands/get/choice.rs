//! Which objects `ktk get` shows.

use ktk_client::Client;

use super::{Found, GetArgs};
use crate::{
    commands::{
        bulk::Chosen,
        fetch::{self, Query},
        filed,
    },
    context::Context,
    error::CliError,
    kinds::Kind,
    output::OutputFormat,
    target::{self, Target, Targets},
    view::object::Object,
};

impl GetArgs {
    /// What was typed, or what manifests name.
    pub(super) async fn targets(&mut self, cx: &Context) -> Result<Targets, CliError> {
        if !self.manifests.is_given() {
            return target::parse("get", &self.words);
        }
        if !self.words.is_empty() {
            return Err(filed::beside_words());
        }
        let mut targets = Vec::new();
        for Chosen { named, namespace } in self.manifests.objects(cx).await? {
            self.places.insert((named.kind, named.name.clone()), namespace);
            targets.push(Target { kind: named.kind, name: Some(named.name) });
        }
        Ok(Targets { targets, is_all: false })
    }

    pub(super) fn check(&self, targets: &Targets, format: OutputFormat) -> Result<(), CliError> {
        let is_named = targets.targets.iter().any(|target| target.name.is_some());
        let is_of_tasks = targets.targets.iter().all(|target| target.kind == Kind::Task);
        if self.execution.is_some() && (is_named || !is_of_tasks) {
            return Err(CliError::usage("--execution chooses tasks: ktk get tasks --execution REF"));
        }
        if is_named && (!self.labels.is_empty() || !self.fields.is_empty()) {
            return Err(CliError::usage("name cannot be provided when a selector is specified"));
        }
        let has_events = targets.targets.iter().any(|target| target.kind == Kind::Event);
        if has_events && (!self.labels.is_empty() || !self.fields.is_empty()) {
            let error = CliError::usage("events are not chosen by selectors");
            return Err(error.with_hint("ktk events --for TYPE/NAME"));
        }
        let is_of_tasks = targets.targets.iter().all(|target| target.kind == Kind::Task);
        if self.unresolved && (is_named || !is_of_tasks) {
            let error = CliError::usage("--unresolved chooses among tasks");
            return Err(error.with_hint("ktk get tasks --unresolved"));
        }
        let is_namespaced = targets.targets.iter().any(|target| target.kind.is_namespaced());
        if is_named && self.all_namespaces && is_namespaced {
            return Err(CliError::usage("a resource cannot be retrieved by name across all namespaces"));
        }
        let is_graph = matches!(format, OutputFormat::Tree | OutputFormat::Dot | OutputFormat::Mermaid);
        if is_graph && (self.watch || self.watch_only || self.live) {
            return Err(CliError::usage("tree, dot and mermaid cannot be watched"));
        }
        if self.output_watch_events && !(self.watch || self.watch_only) {
            return Err(CliError::usage("--output-watch-events goes with --watch"));
        }
        fetch::check_labels(&self.labels)
    }

    pub(super) fn query(&self, cx: &Context, is_summary: bool) -> Query {
        Query {
            namespace: (!self.all_namespaces).then(|| cx.namespace().to_owned()),
            labels: fetch::joined(&self.labels),
            fields: fetch::joined(&self.fields),
            all_incarnations: self.all_incarnations,
            unresolved: self.unresolved,
            is_summary,
            page: self.chunk_size,
        }
    }

    /// One object, where it is.
    async fn one(&self, client: &Client, kind: Kind, name: &str) -> Result<Object, ktk_client::Error> {
        match self.places.get(&(kind, name.to_owned())) {
            Some(namespace) => fetch::one(&client.in_namespace(namespace), kind, name).await,
            None => fetch::one(client, kind, name).await,
        }
    }

    pub(super) async fn find(
        &self,
        targets: &[Target],
        query: &Query,
        cx: &Context,
    ) -> Result<Found, CliError> {
        let client = cx.client().await?;
        let mut found = Found::default();
        for Target { kind, name } in targets {
            let objects = match name {
                None => fetch::list(client, *kind, query).await.map_err(fetch::refused_list)?.objects,
                Some(name) => match self.one(client, *kind, name).await {
                    Ok(object) if self.all_incarnations && !name.contains('@') => {
                        with_older(client, *kind, object, query).await?
                    }
                    Ok(object) => vec![object],
                    Err(error) if self.ignore_not_found && error.is_not_found() => Vec::new(),
                    // The next name would meet the same.
                    Err(error) if error.is_unreachable() => return Err(error.into()),
                    Err(error) => {
                        found.errors.push(error.into());
                        Vec::new()
                    }
                },
            };
            match found.groups.iter_mut().find(|(known, _)| known == kind) {
                Some((_, known)) => known.extend(objects),
                None => found.groups.push((*kind, objects)),
            }
        }
        Ok(found)
    }
}

/// All incarnations of what was named, where there can be several.
async fn with_older(
    client: &Client,
    kind: Kind,
    object: Object,
    query: &Query,
) -> Result<Vec<Object>, CliError> {
    if !matches!(kind, Kind::Task | Kind::Pipeline) {
        return Ok(vec![object]);
    }
    let metadata = object.metadata();
    let query = Query {
        namespace: Some(metadata.namespace().to_owned()),
        fields: Some(format!("metadata.name={}", metadata.name())),
        labels: None,
        ..query.clone()
    };
    Ok(fetch::list(client, kind, &query).await.map_err(fetch::refused_list)?.objects)
}
