//! The command line that is being completed, and the server that it means. Whatever fails answers nothing; no server is
//! started for it.

use std::{cell::RefCell, ffi::OsString, rc::Rc, time::Duration};

use ktk_client::{
    Client,
    client::{Autostart, ServerAddress},
};

use super::{
    super::fetch::{self, Query},
    PREFERENCES,
};
use crate::{env, kinds::Kind, view::object::Object};

/// The longest that the server is waited for.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(80);

/// Objects of one request: what has come when the time is over is offered.
const PAGE: u32 = 500;

/// What stands on the command line that is being completed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) namespace: Option<String>,
    pub(super) config: Option<String>,
    server: Option<String>,
    data_dir: Option<String>,
    context: Option<String>,
    /// All that is no global flag, the verb first.
    pub(super) words: Vec<String>,
}

impl Line {
    /// The line that the shell passes on, with the command that an alias stands for.
    pub(super) fn typed() -> Self {
        let mut line = Self::read(&env::args());
        if let Some(preferences) = PREFERENCES.get() {
            line.words = preferences.spelled_out(line.words);
        }
        line
    }

    /// Reads what the shell passes on behind `--`.
    pub(super) fn read(args: &[OsString]) -> Self {
        let typed = args.iter().skip_while(|arg| *arg != "--").skip(1);
        let mut typed = typed.filter_map(|arg| arg.to_str()).map(str::to_owned);
        typed.next();
        let mut line = Self::default();
        while let Some(word) = typed.next() {
            let (flag, value) = match word.split_once('=') {
                Some((flag, value)) if flag.starts_with("--") => (flag.to_owned(), Some(value.to_owned())),
                _ => (word.clone(), None),
            };
            let place = match flag.as_str() {
                "-n" | "--namespace" => &mut line.namespace,
                "--server" => &mut line.server,
                "--data-dir" => &mut line.data_dir,
                "--config" => &mut line.config,
                "--context" => &mut line.context,
                _ => {
                    line.words.push(word);
                    continue;
                }
            };
            *place = value.or_else(|| typed.next());
        }
        line
    }

    /// The words that stand behind the verb and before the one that is being completed, flags left out.
    fn behind(&self, verb: &str) -> impl Iterator<Item = &str> {
        let before = self.words.split_last().map(|(_, before)| before).unwrap_or_default();
        let behind = before.iter().skip_while(move |word| *word != verb).skip(1);
        behind.map(String::as_str).filter(|word| !word.starts_with('-'))
    }

    /// The type that stands before the word that is being completed.
    pub(super) fn kind(&self, verb: &str) -> Option<Kind> {
        self.behind(verb).find_map(|word| Kind::named(word.split([',', '/']).next()?))
    }

    /// The type of which fields are asked for, whatever the verb.
    pub(super) fn any_kind(&self) -> Option<Kind> {
        let mut words = self.words.iter().filter(|word| !word.starts_with('-'));
        words.find_map(|word| Kind::named(word.split([',', '/']).next()?))
    }

    /// The pipeline that is named: `pipeline/p` or `pipeline p`.
    pub(super) fn pipeline(&self) -> Option<String> {
        let named = |word: &str| Kind::named(word) == Some(Kind::Pipeline);
        let slash = self.words.iter().find_map(|word| word.split_once('/').filter(|(kind, _)| named(kind)));
        if let Some((_, name)) = slash {
            return Some(name.to_owned());
        }
        let at = self.words.iter().position(|word| named(word))?;
        self.words.get(at + 1).filter(|name| !name.is_empty()).cloned()
    }

    /// The names of a kind's objects.
    pub(super) fn names(&self, kind: Kind) -> Vec<String> {
        distinct(self.collect(kind, false, true, |object| vec![object.name(false)]))
    }

    /// The namespaces in which there is something.
    pub(super) fn namespaces(&self) -> Vec<String> {
        let namespace = |object: &Object| vec![object.metadata().namespace().to_owned()];
        distinct(self.collect(Kind::Task, true, true, namespace))
    }

    /// The labels of a kind's objects.
    pub(super) fn labels(&self, kind: Kind) -> Vec<(String, String)> {
        let labels = |object: &Object| {
            object.metadata().labels.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        distinct(self.collect(kind, false, true, labels))
    }

    /// The steps of the pipeline that is named.
    pub(super) fn steps(&self) -> Vec<String> {
        let Some(name) = self.pipeline() else { return Vec::new() };
        let found = self.ask(|client, found| async move {
            if let Ok(Object::Pipeline(pipeline)) = fetch::one(&client, Kind::Pipeline, &name).await {
                found.borrow_mut().extend(pipeline.spec.steps.iter().map(|step| step.name.clone()));
            }
        });
        found.unwrap_or_default()
    }

    /// What is made of each object, as far as pages come in time.
    fn collect<T: 'static>(
        &self,
        kind: Kind,
        is_everywhere: bool,
        is_summary: bool,
        make: impl Fn(&Object) -> Vec<T>,
    ) -> Vec<T> {
        let found = self.ask(|client, found: Rc<RefCell<Vec<T>>>| async move {
            let namespace = (!is_everywhere).then(|| client.namespace().to_owned());
            let query = Query { namespace, is_summary, page: Some(PAGE), ..Query::default() };
            // What came before a failure is offered.
            let _ = fetch::each_page(&client, kind, &query, |objects| {
                found.borrow_mut().extend(objects.iter().flat_map(&make));
            })
            .await;
        });
        found.unwrap_or_default()
    }

    /// Asks the server that the command line means, if it is there, and answers what was found in time.
    fn ask<T, F>(&self, question: impl FnOnce(Client, Rc<RefCell<Vec<T>>>) -> F) -> Option<Vec<T>>
    where
        F: Future<Output = ()>,
    {
        let mut builder = Client::builder().autostart(Autostart::Never).timeout(ANSWER_TIMEOUT);
        if let Some(server) = &self.server {
            builder = builder.address(server.parse().ok()?);
        } else if let Some(path) = &self.data_dir {
            builder = builder.address(ServerAddress::DataDir(std::path::absolute(path).ok()?));
        }
        if let Some(path) = &self.config {
            builder = builder.config(path);
        }
        if let Some(context) = &self.context {
            builder = builder.context(context);
        }
        if let Some(namespace) = &self.namespace {
            builder = builder.namespace(namespace);
        }
        let client = builder.build().ok()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        let found = Rc::new(RefCell::new(Vec::new()));
        let asked = question(client, Rc::clone(&found));
        // Whatever came in time counts, whether or not that was all.
        let _ = runtime.block_on(async { tokio::time::timeout(ANSWER_TIMEOUT, asked).await });
        runtime.shutdown_background();
        Some(found.take())
    }
}

fn distinct<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items.dedup();
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> Line {
        let args = ["ktk", "--"].iter().chain(words).map(OsString::from).collect::<Vec<_>>();
        Line::read(&args)
    }

    #[test]
    fn the_line_tells_namespace_server_and_type() {
        let line = line(&["ktk", "get", "-n", "ci", "--server=unix:///s", "tasks,pl", "bu"]);
        assert_eq!(line.namespace.as_deref(), Some("ci"));
        assert_eq!(line.server.as_deref(), Some("unix:///s"));
        assert_eq!(line.kind("get"), Some(Kind::Task));
        assert_eq!(line.any_kind(), Some(Kind::Task));
    }

    #[test]
    fn the_word_that_is_being_typed_is_no_type_yet() {
        assert_eq!(line(&["ktk", "get", "task"]).kind("get"), None);
        assert_eq!(line(&["ktk", "get", "task", ""]).kind("get"), Some(Kind::Task));
    }

    #[test]
    fn a_pipeline_is_named_in_two_ways() {
        assert_eq!(line(&["ktk", "logs", "pl/p", "--step", ""]).pipeline().as_deref(), Some("p"));
        assert_eq!(
            line(&["ktk", "restart", "pipeline", "p", "--from", "x"]).pipeline().as_deref(),
            Some("p")
        );
        assert_eq!(line(&["ktk", "logs", "x", "--step", ""]).pipeline(), None);
    }
}
