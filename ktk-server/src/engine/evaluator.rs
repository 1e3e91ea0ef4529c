//! The loop that evaluates expressions, outside of every transaction. What fails is the task; what cannot be tried
//! is tried again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use ktk_client::api::{
    jq::{self, ForEach},
    names,
};
use serde_json::{Value, value::RawValue};
use uuid::Uuid;

use super::{
    Engine,
    error::EngineResult,
    evaluate::{ItemScope, Job, LoadJobs, TakeVerdict, Verdict},
    expand::Item,
};
use crate::{
    jq::{Fault, Jq, Session},
    limits,
    store::Store,
};

/// How many tasks are looked at together: as many as there are workers, and some that wait for them.
const AT_ONCE: usize = 8;

/// How long all is left alone after something that is no fault of an expression.
const AGAIN: jiff::SignedDuration = jiff::SignedDuration::from_secs(1);

/// Runs until it is dropped. Without anything to evaluate it sleeps.
pub async fn run<S: Store>(engine: Arc<Engine<S>>) {
    let mut wanted = engine.hub.evaluations();
    let mut busy: BTreeSet<Uuid> = BTreeSet::new();
    let mut working = FuturesUnordered::new();
    loop {
        wanted.borrow_and_update();
        match load(&engine, &busy).await {
            Ok(jobs) => {
                for (task, job) in jobs {
                    busy.insert(task);
                    working.push(work(&engine, task, job));
                }
            }
            Err(error) => {
                tracing::error!(%error, "what is to be evaluated could not be read");
                engine.clock.until(Some(engine.clock.now() + AGAIN)).await;
                continue;
            }
        }
        tokio::select! {
            Some(task) = working.next(), if !working.is_empty() => { busy.remove(&task); }
            changed = wanted.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

async fn load<S: Store>(
    engine: &Engine<S>,
    busy: &BTreeSet<Uuid>,
) -> EngineResult<Vec<(Uuid, Result<Job, String>)>> {
    if busy.len() >= AT_ONCE {
        return Ok(Vec::new());
    }
    let limit = AT_ONCE - busy.len();
    engine.read(LoadJobs { ask: engine.ask("ktk"), limit, but: busy.clone() }).await
}

/// Evaluates a task's expressions and lets follow what follows.
async fn work<S: Store>(engine: &Engine<S>, task: Uuid, job: Result<Job, String>) -> Uuid {
    let done = settle(engine, task, job).await;
    if let Err(why) = done {
        tracing::error!(%task, why, "expressions could not be evaluated: they are tried again");
        engine.clock.until(Some(engine.clock.now() + AGAIN)).await;
    }
    task
}

/// One task from its expressions to what follows from them.
///
/// # Errors
/// What is no fault of the expressions.
async fn settle<S: Store>(engine: &Engine<S>, task: Uuid, job: Result<Job, String>) -> Result<(), String> {
    let take = judge(engine, task, job).await.map_err(|fault| fault.to_string())?;
    engine.write(take).await.map_err(|error| error.to_string())
}

/// What is to be stored of a task's expressions.
///
/// # Errors
/// What is no fault of the expressions.
pub async fn judge<S: Store>(
    engine: &Engine<S>,
    task: Uuid,
    job: Result<Job, String>,
) -> Result<TakeVerdict, Fault> {
    let (taken, verdict) = match job {
        Ok(job) => {
            let verdict = evaluate(&engine.jq, &job).await?;
            (Some(job.taken), verdict)
        }
        Err(why) => (None, Verdict::Fail(why)),
    };
    Ok(TakeVerdict { ask: engine.ask("ktk"), task, taken, verdict })
}

/// What the expressions of a task come to.
///
/// # Errors
/// A fault that is none of theirs.
async fn evaluate(jq: &Jq, job: &Job) -> Result<Verdict, Fault> {
    let mut session = jq.session(job.scope.clone()).await;
    let mut ask = Asking { session: &mut session, job };
    match ask.all().await {
        Ok(verdict) => Ok(verdict),
        Err(Refused::Fault(fault)) => Err(fault),
        Err(Refused::Words(words)) => Ok(Verdict::Fail(words)),
    }
}

/// Why there is no value.
enum Refused {
    /// It is no fault of the expression.
    Fault(Fault),
    /// The expression, its field and what is wrong.
    Words(String),
}

struct Asking<'s, 'j> {
    session: &'s mut Session<'j>,
    job: &'s Job,
}

impl Asking<'_, '_> {
    async fn all(&mut self) -> Result<Verdict, Refused> {
        if let Some(when) = &self.job.when {
            match self.one("when", when).await? {
                Value::Bool(true) => {}
                Value::Bool(false) => return Ok(Verdict::Skip),
                other => {
                    let other = shown(&other.to_string());
                    let why = format!("yields {other}, which is neither true nor false");
                    return Err(Refused::Words(said("when", when, &why)));
                }
            }
        }
        match &self.job.for_each {
            Some(each) => self.items(each).await.map(Verdict::Expand),
            None => self.inputs(self.job.item.as_ref()).await.map(Verdict::Go),
        }
    }

    /// The inputs, where expressions make them.
    async fn inputs(&mut self, item: Option<&ItemScope>) -> Result<Option<BTreeMap<String, Value>>, Refused> {
        let expressions = jq::expressions("inputs", &self.job.inputs);
        if expressions.is_empty() {
            return Ok(None);
        }
        let mut values = Vec::with_capacity(expressions.len());
        for (field, text) in expressions {
            let field = field.strip_suffix(".jq").unwrap_or(&field);
            values.push(self.value(field, text.as_str().unwrap_or_default(), item).await?);
        }
        Ok(Some(jq::filled(&self.job.inputs, values)))
    }

    /// Each item with its key and its inputs.
    async fn items(&mut self, each: &ForEach) -> Result<Vec<Item>, Refused> {
        let called = self.session.call(&each.jq, None, limits::ITEMS, limits::ITEMS_BYTES).await;
        let values = called.map_err(|fault| refused("forEach", &each.jq, fault))?;
        let mut items = Vec::with_capacity(values.len());
        let mut taken: BTreeMap<String, usize> = BTreeMap::new();
        let mut bytes = 0;
        for (index, value) in values.into_iter().enumerate() {
            let scope = ItemScope { item: value, index: index as u32 };
            let key = match &each.key {
                Some(key) => {
                    let text = self.key(&key.jq, &scope).await?;
                    if let Some(first) = taken.insert(text.clone(), index) {
                        let why = format!("yields {text:?} for items {first} and {index}: keys must differ");
                        return Err(Refused::Words(said("forEach.key", &key.jq, &why)));
                    }
                    Some(text)
                }
                None => None,
            };
            let inputs = self.inputs(Some(&scope)).await.map_err(|refused| refused.of_item(index))?;
            let length = inputs.as_ref().map_or(0, |inputs| serde_json::json!(inputs).to_string().len());
            if length > limits::VALUES_BYTES {
                let limit = limits::VALUES_BYTES;
                let why = format!("item {index}: its inputs have {length} bytes, the limit is {limit}");
                return Err(Refused::Words(why));
            }
            bytes += length;
            if bytes > limits::ITEMS_BYTES {
                let why = format!("the items' inputs have more than {} bytes together", limits::ITEMS_BYTES);
                return Err(Refused::Words(said("forEach", &each.jq, &why)));
            }
            items.push(Item { value: scope.item, key, inputs });
        }
        Ok(items)
    }

    /// What an item is called behind its step.
    async fn key(&mut self, text: &str, scope: &ItemScope) -> Result<String, Refused> {
        let value = self.value("forEach.key", text, Some(scope)).await;
        let of_item = |refused: Refused| refused.of_item(scope.index as usize);
        let key = match value.map_err(of_item)? {
            Value::String(key) => key,
            Value::Number(number) if number.is_u64() => number.to_string(),
            other => {
                let why = format!("yields {}, which is no string", shown(&other.to_string()));
                return Err(of_item(Refused::Words(said("forEach.key", text, &why))));
            }
        };
        match names::item_key(&key) {
            Ok(()) => Ok(key),
            Err(why) => Err(of_item(Refused::Words(said("forEach.key", text, &why.to_string())))),
        }
    }

    /// The one value of an expression.
    async fn one(&mut self, field: &str, text: &str) -> Result<Value, Refused> {
        self.value(field, text, None).await
    }

    async fn value(&mut self, field: &str, text: &str, item: Option<&ItemScope>) -> Result<Value, Refused> {
        let called = self.session.call(text, item, 1, limits::VALUES_BYTES).await;
        let values = called.map_err(|fault| refused(field, text, fault))?;
        match values.first() {
            Some(value) => read(value).map_err(|why| Refused::Words(said(field, text, &why))),
            None => Err(Refused::Words(said(field, text, "yields no value"))),
        }
    }
}

impl Refused {
    /// Says of which item it is.
    fn of_item(self, index: usize) -> Self {
        match self {
            Self::Words(words) => Self::Words(format!("item {index}: {words}")),
            fault => fault,
        }
    }
}

fn read(value: &RawValue) -> Result<Value, String> {
    serde_json::from_str(value.get()).map_err(|error| format!("yields what is no JSON: {error}"))
}

fn refused(field: &str, text: &str, fault: Fault) -> Refused {
    match fault {
        fault if fault.is_passing() => Refused::Fault(fault),
        Fault::TooMany(1) => Refused::Words(said(field, text, "yields more than one value")),
        fault => Refused::Words(said(field, text, &fault.to_string())),
    }
}

/// An expression, where it stands, and what is wrong with it.
fn said(field: &str, text: &str, why: &str) -> String {
    format!("{field}: {{jq: {}}}: {why}", shown(text))
}

fn shown(text: &str) -> String {
    /// So much of an expression is shown.
    const SHOWN: usize = 200;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
