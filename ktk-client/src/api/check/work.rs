//! What a task and a step have in common: the work, its inputs and its policies.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::{
    Causes, MAX_GRACE_PERIOD, MAX_INPUTS, MAX_NEEDS, MAX_PRIORITY, MAX_RETRIES, MAX_SEMAPHORES, http,
    params::json_size, process,
};
use crate::api::{
    Duration, field,
    hook::{HookSpec, HooksSpec, Moment},
    http::HttpSpec,
    jq::{self, ForEach, Jq, MAX_EXPRESSION},
    names::{self, Reference, quoted},
    pipeline::{PipelineSpec, Step, StepDefaults},
    selector::LabelSelector,
    task::{RetrySpec, RunIf, RunSpec, SemaphoreUse, TaskSpec},
    template,
    unique::{OnConflict, UniqueSpec},
};

/// The fields that tasks and steps share, borrowed from either.
#[derive(Clone, Copy, Default)]
pub(super) struct Work<'a> {
    run: Option<&'a RunSpec>,
    http: Option<&'a HttpSpec>,
    type_name: Option<&'a str>,
    is_external: bool,
    inputs: Option<&'a BTreeMap<String, Value>>,
    needs: &'a [String],
    run_if: RunIf,
    when: Option<&'a Jq>,
    for_each: Option<&'a ForEach>,
    queue: Option<&'a str>,
    priority: Option<i32>,
    timeout: Option<Duration>,
    grace_period: Option<Duration>,
    keepalive: Option<Duration>,
    retry: Option<&'a RetrySpec>,
    deadline: Option<Duration>,
    hooks: Option<&'a HooksSpec>,
    semaphores: &'a [SemaphoreUse],
    unique: Option<&'a UniqueSpec>,
    node_selector: Option<&'a str>,
}

macro_rules! from {
    ($from:ty) => {
        impl<'a> From<&'a $from> for Work<'a> {
            fn from(from: &'a $from) -> Self {
                Self {
                    run: from.run.as_ref(),
                    http: from.http.as_ref(),
                    type_name: from.type_name.as_deref(),
                    is_external: from.external.is_some(),
                    inputs: Some(&from.inputs),
                    needs: &from.needs,
                    run_if: from.run_if,
                    when: from.when.as_ref(),
                    for_each: from.for_each.as_ref(),
                    queue: from.queue.as_deref(),
                    priority: from.priority,
                    timeout: from.timeout,
                    grace_period: from.grace_period,
                    keepalive: from.keepalive,
                    retry: from.retry.as_ref(),
                    deadline: from.deadline,
                    hooks: from.hooks.as_ref(),
                    semaphores: &from.semaphores,
                    unique: from.unique.as_ref(),
                    node_selector: from.node_selector.as_deref(),
                }
            }
        }
    };
}
from!(TaskSpec);
from!(Step);

impl<'a> From<&'a StepDefaults> for Work<'a> {
    fn from(defaults: &'a StepDefaults) -> Self {
        Self {
            queue: defaults.queue.as_deref(),
            priority: defaults.priority,
            timeout: defaults.timeout,
            grace_period: defaults.grace_period,
            keepalive: defaults.keepalive,
            retry: defaults.retry.as_ref(),
            deadline: defaults.deadline,
            semaphores: &defaults.semaphores,
            node_selector: defaults.node_selector.as_deref(),
            ..Self::default()
        }
    }
}

/// Of a pipeline as a whole.
impl<'a> From<&'a PipelineSpec> for Work<'a> {
    fn from(spec: &'a PipelineSpec) -> Self {
        Self {
            queue: spec.queue.as_deref(),
            priority: spec.priority,
            timeout: spec.timeout,
            deadline: spec.deadline,
            semaphores: &spec.semaphores,
            ..Self::default()
        }
    }
}

/// The key and the hooks of a pipeline.
pub(super) fn check_whole(causes: &mut Causes, spec: &PipelineSpec, params: &BTreeMap<String, Value>) {
    if let Some(unique) = &spec.unique
        && let Err(more) = unique.filled("spec.unique", params, &BTreeMap::new())
    {
        causes.extend(more);
    }
    if let Some(hooks) = &spec.hooks {
        check_hooks(causes, "spec.hooks", hooks);
        if hooks.on_keepalive.is_some() {
            causes.push("spec.hooks.onKeepalive", "is for tasks: a pipeline does not say that it is alive");
        }
    }
}

impl Work<'_> {
    /// Everything but needs as references.
    pub(super) fn check(&self, causes: &mut Causes, prefix: &str) {
        self.check_kind(causes, prefix);
        if let Some(run) = self.run {
            process::check(causes, &field::member(prefix, "run"), run);
        }
        if let Some(spec) = self.http {
            http::check(causes, &field::member(prefix, "http"), spec);
        }
        if let Some(Err(why)) = self.type_name.map(names::type_reference) {
            causes.push(field::member(prefix, "type"), why.to_string());
        }
        if let Some(hooks) = self.hooks {
            check_hooks(causes, &field::member(prefix, "hooks"), hooks);
        }
        if let Some(inputs) = self.inputs {
            check_inputs(causes, &field::member(prefix, "inputs"), inputs);
        }
        if self.run_if == RunIf::Failure && self.needs.is_empty() {
            let message = "failure without needs would never run: name in `needs` what may fail";
            causes.push(field::member(prefix, "runIf"), message);
        }
        for (path, text) in self.of_step(prefix) {
            check_expression(causes, &path, Some(text));
        }
        self.check_policies(causes, prefix);
    }

    /// `{{ params.x }}` and `{{ inputs.x }}` where they may stand.
    pub(super) fn check_references(
        &self,
        causes: &mut Causes,
        prefix: &str,
        params: &BTreeMap<String, Value>,
    ) {
        let none = BTreeMap::new();
        let inputs = self.inputs.unwrap_or(&none);
        if let Some(run) = self.run {
            causes.extend(template::check(run, &field::member(prefix, "run"), params, inputs));
        }
        if let Some(http) = self.http {
            causes.extend(template::check_http(http, &field::member(prefix, "http"), params, inputs));
        }
    }

    /// That there is one kind of work, and no second.
    fn check_kind(&self, causes: &mut Causes, prefix: &str) {
        let kinds = [
            ("run", self.run.is_some()),
            ("http", self.http.is_some()),
            ("external", self.is_external),
            ("type", self.type_name.is_some()),
        ];
        let mut given = kinds.iter().filter(|(_, is_given)| *is_given).map(|(name, _)| *name);
        let Some(first) = given.next() else {
            let words = "does nothing: give it `run` (a process), `http` (a request), `type` (a handler) or `external`";
            return causes.push(prefix, words);
        };
        for other in given {
            let words = format!("either `{first}` or `{other}`: remove one of them");
            causes.push(field::member(prefix, other), words);
        }
    }

    /// The condition, and what makes items and their names, with their fields.
    fn of_step(&self, prefix: &str) -> impl Iterator<Item = (String, &str)> {
        let jq = |path: &str, text| (field::member(path, "jq"), text);
        let when = self.when.map(|when| jq(&field::member(prefix, "when"), &*when.jq));
        let each = field::member(prefix, "forEach");
        let stream = self.for_each.map(|stream| jq(&each, &*stream.jq));
        let key = self.for_each.and_then(|stream| stream.key.as_ref());
        let key = key.map(|key| jq(&field::member(&each, "key"), &*key.jq));
        when.into_iter().chain(stream).chain(key)
    }

    /// What only steps have.
    pub(super) fn check_of_task(&self, causes: &mut Causes) {
        for (field, is_given) in
            [("spec.when", self.when.is_some()), ("spec.forEach", self.for_each.is_some())]
        {
            if is_given {
                causes.push(field, "is for the steps of a pipeline: remove it, or make a pipeline");
            }
        }
    }

    /// What steps cannot have.
    pub(super) fn check_of_step(&self, causes: &mut Causes, prefix: &str) {
        if self.unique.is_some_and(|unique| unique.on_conflict == OnConflict::Return) {
            let place = field::member(&field::member(prefix, "unique"), "onConflict");
            causes.push(place, "return is for tasks and pipelines: another's task cannot be a step");
        }
    }

    /// The key, with parameters and inputs filled in as far as they are known. A type may bring more inputs: then
    /// the server alone can tell.
    pub(super) fn check_key(&self, causes: &mut Causes, prefix: &str, params: &BTreeMap<String, Value>) {
        if let (Some(unique), Some(_)) = (self.unique, self.for_each) {
            if !unique.key.contains("inputs.") {
                let place = field::member(&field::member(prefix, "unique"), "key");
                causes.push(place, "would be the same for all items: name an input in it, as {{ inputs.x }}");
            }
            return;
        }
        let Some(unique) = self.unique.filter(|_| self.type_name.is_none()) else { return };
        let none = BTreeMap::new();
        let inputs = self.inputs.unwrap_or(&none);
        if let Err(more) = unique.filled(&field::member(prefix, "unique"), params, inputs) {
            causes.extend(more);
        }
    }

    /// Every expression, with its field.
    pub(super) fn expressions(&self, prefix: &str) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> =
            self.of_step(prefix).map(|(path, text)| (path, text.to_owned())).collect();
        let inputs = self.inputs.map(|inputs| jq::expressions(&field::member(prefix, "inputs"), inputs));
        let texts = inputs.into_iter().flatten();
        all.extend(texts.filter_map(|(path, text)| Some((path, text.as_str()?.to_owned()))));
        all
    }

    /// Queue, priority, times and retries.
    pub(super) fn check_policies(&self, causes: &mut Causes, prefix: &str) {
        if let Some(Err(why)) = self.queue.map(names::queue) {
            causes.push(field::member(prefix, "queue"), why.to_string());
        }
        if self.priority.is_some_and(|priority| priority.unsigned_abs() > MAX_PRIORITY.unsigned_abs()) {
            let message = format!("must be from -{MAX_PRIORITY} to {MAX_PRIORITY}");
            causes.push(field::member(prefix, "priority"), message);
        }
        for (name, limit) in
            [("timeout", self.timeout), ("keepalive", self.keepalive), ("deadline", self.deadline)]
        {
            if limit.is_some_and(|limit| limit.get().is_zero()) {
                causes.push(field::member(prefix, name), "must be longer than 0: leave it out for no limit");
            }
        }
        if self.grace_period.is_some_and(|grace| grace.get() > MAX_GRACE_PERIOD) {
            let longest = Duration::new(MAX_GRACE_PERIOD);
            causes.push(field::member(prefix, "gracePeriod"), format!("must be {longest} at most"));
        }
        check_semaphores(causes, &field::member(prefix, "semaphores"), self.semaphores);
        if let Some(Err(why)) = self.node_selector.map(str::parse::<LabelSelector>) {
            causes.push(field::member(prefix, "nodeSelector"), why.to_string());
        }
        if let Some(retry) = self.retry {
            check_retry(causes, &field::member(prefix, "retry"), retry);
        }
    }

    /// Needs outside a pipeline: references to tasks of the namespace.
    pub(super) fn check_needs_of_task(&self, causes: &mut Causes, own_name: Option<&str>) {
        if self.needs.len() > MAX_NEEDS {
            causes.push("spec.needs", format!("{} needs: {MAX_NEEDS} are allowed", self.needs.len()));
            return;
        }
        let mut seen = HashSet::with_capacity(self.needs.len());
        for (index, need) in self.needs.iter().enumerate() {
            let shown = quoted(need);
            let why = match need.parse::<Reference>() {
                Err(why) => why.to_string(),
                Ok(reference) if reference.incarnation().is_some() => {
                    format!(
                        "{shown}: a need is a task, not one of its incarnations: write {:?}",
                        reference.name()
                    )
                }
                Ok(_) if own_name == Some(need) => "a task cannot need itself: remove the need".to_owned(),
                Ok(_) if !seen.insert(need.as_str()) => format!("{shown} stands twice: remove one"),
                Ok(_) => continue,
            };
            causes.push(field::item("spec.needs", index), why);
        }
    }
}

pub(super) fn check_inputs(causes: &mut Causes, prefix: &str, inputs: &BTreeMap<String, Value>) {
    if inputs.is_empty() {
        return;
    }
    let size = json_size(inputs);
    if size > MAX_INPUTS {
        causes
            .push(prefix, format!("have {size} bytes as JSON: {MAX_INPUTS} are allowed; put them in a file"));
        return;
    }
    for (path, text) in jq::expressions(prefix, inputs) {
        check_expression(causes, &path, text.as_str());
    }
}

/// What can be said of an expression without jq.
fn check_expression(causes: &mut Causes, path: &str, text: Option<&str>) {
    match text {
        None => causes.push(path, "must be a string: a jq expression"),
        Some(text) if text.trim().is_empty() => causes.push(path, "must not be empty: write a jq expression"),
        Some(text) if text.len() > MAX_EXPRESSION => {
            causes.push(path, format!("has {} bytes: {MAX_EXPRESSION} are allowed", text.len()));
        }
        Some(_) => {}
    }
}

fn check_hooks(causes: &mut Causes, prefix: &str, hooks: &HooksSpec) {
    for moment in Moment::ALL {
        if let Some(hook) = hooks.at(moment) {
            check_hook(causes, &field::member(prefix, moment.as_str()), hook);
        }
    }
}

fn check_hook(causes: &mut Causes, prefix: &str, hook: &HookSpec) {
    let Some(url) = &hook.url else {
        if !hook.headers.is_empty() {
            causes.push(field::member(prefix, "headers"), "are for hooks that are a `url`: remove them");
        }
        return process::check_command(causes, prefix, &hook.command);
    };
    if !hook.command.is_empty() {
        causes.push(field::member(prefix, "url"), "either `command` or `url`: remove one of them");
    }
    if let Err(why) = http::url_of_hook(url) {
        causes.push(field::member(prefix, "url"), why);
    }
    http::check_headers(causes, &field::member(prefix, "headers"), &hook.headers);
}

fn check_semaphores(causes: &mut Causes, prefix: &str, semaphores: &[SemaphoreUse]) {
    if semaphores.len() > MAX_SEMAPHORES {
        causes.push(prefix, format!("{} semaphores: {MAX_SEMAPHORES} are allowed", semaphores.len()));
        return;
    }
    for (index, used) in semaphores.iter().enumerate() {
        let place = field::item(prefix, index);
        if let Err(why) = names::semaphore(used.name()) {
            causes.push(&*place, why.to_string());
        }
        if used.permits() == 0 {
            causes.push(field::member(&place, "permits"), "must be at least 1: leave the semaphore out");
        }
        if semaphores[..index].iter().any(|other| other.name() == used.name()) {
            causes.push(place, format!("{} stands twice: say it once, with `permits`", quoted(used.name())));
        }
    }
}

fn check_retry(causes: &mut Causes, prefix: &str, retry: &RetrySpec) {
    let mut wrong = |key: &str, is_wrong: bool, message: String| {
        if is_wrong {
            causes.push(field::member(prefix, key), message);
        }
    };
    let limit = retry.limit.is_some_and(|limit| limit > MAX_RETRIES);
    wrong("limit", limit, format!("must be {MAX_RETRIES} at most"));
    let factor = retry.factor.is_some_and(|factor| !(1.0..=1_000.0).contains(&factor));
    wrong("factor", factor, "must be a number from 1 to 1000".to_owned());
    let jitter = retry.jitter.is_some_and(|jitter| !(0.0..=1.0).contains(&jitter));
    wrong("jitter", jitter, "must be a number from 0 to 1".to_owned());
    if let (Some(backoff), Some(longest)) = (retry.backoff, retry.max_backoff) {
        wrong("backoff", backoff > longest, format!("must not be longer than maxBackoff ({longest})"));
    }
    let Some(codes) = &retry.on_exit_codes else { return };
    wrong("onExitCodes", codes.is_empty(), "must not be empty: leave it out to retry every code".to_owned());
    for (index, code) in codes.iter().enumerate().filter(|(_, code)| !(1..=255).contains(*code)) {
        let message = format!("must be from 1 to 255, not {code}");
        causes.push(field::item(&field::member(prefix, "onExitCodes"), index), message);
    }
}
