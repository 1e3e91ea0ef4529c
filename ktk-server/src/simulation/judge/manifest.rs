//! What a stored manifest says, as far as a promise depends on it.

use std::collections::BTreeMap;

use ktk_client::api::Duration;
use serde::Deserialize;
use serde_json::Value;

/// What a manifest says of retries.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Retry {
    pub limit: Option<u32>,
    pub backoff: Option<Duration>,
    pub factor: Option<f64>,
    pub max_backoff: Option<Duration>,
    pub on_exit_codes: Option<Vec<i32>>,
}

/// What it says of a task.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    pub retry: Option<Retry>,
    semaphores: Vec<Use>,
    pub node_selector: Option<String>,
    pub external: Option<Value>,
    pub inputs: BTreeMap<String, Value>,
    pub when: Option<Expression>,
    hooks: BTreeMap<String, Value>,
    pub timeout: Option<Duration>,
    pub deadline: Option<Duration>,
    pub for_each: Option<Each>,
    pub ttl_after_finished: Option<Duration>,
    /// The value of an item.
    #[serde(skip)]
    pub item: Option<Value>,
}

/// What a manifest says of a pipeline as a whole.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Whole {
    pub queue: Option<String>,
    pub priority: Option<i32>,
    pub timeout: Option<Duration>,
    pub deadline: Option<Duration>,
    pub ttl_after_finished: Option<Duration>,
    semaphores: Vec<Use>,
    hooks: BTreeMap<String, Value>,
    pub steps: Vec<Member>,
}

/// What it says of a step.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Member {
    pub name: String,
    pub queue: Option<String>,
    pub priority: Option<i32>,
}

impl Whole {
    /// Reads a stored manifest.
    pub fn of(body: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Body {
            spec: Whole,
        }
        serde_json::from_str::<Body>(body).ok().map(|body| body.spec)
    }

    /// How many permits of which semaphores it holds while it runs.
    pub fn permits(&self) -> BTreeMap<String, u32> {
        self.semaphores.iter().map(Use::pair).collect()
    }

    /// Whether something is called then.
    pub fn has_hook(&self, moment: &str) -> bool {
        self.hooks.contains_key(moment)
    }
}

impl Use {
    fn pair(&self) -> (String, u32) {
        match self {
            Self::One(name) => (name.clone(), 1),
            Self::Several { name, permits } => (name.clone(), *permits),
        }
    }
}

/// `{jq: …, key: {jq: …}}`.
#[derive(Clone, Debug, Deserialize)]
pub struct Each {
    pub jq: String,
    pub key: Option<Expression>,
}

/// Permits: one by its name, or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Use {
    One(String),
    Several { name: String, permits: u32 },
}

/// `{jq: …}`.
#[derive(Clone, Debug, Deserialize)]
pub struct Expression {
    pub jq: String,
}

#[derive(Deserialize)]
struct Body {
    spec: Spec,
    item: Option<Value>,
}

impl Spec {
    /// Reads a stored manifest.
    pub fn of(body: &str) -> Option<Self> {
        let body = serde_json::from_str::<Body>(body).ok()?;
        Some(Self { item: body.item, ..body.spec })
    }

    /// How many permits of which semaphores it holds while it runs.
    pub fn permits(&self) -> BTreeMap<String, u32> {
        if self.for_each.is_some() { BTreeMap::new() } else { self.asked() }
    }

    /// The same of the items of a step.
    pub fn asked(&self) -> BTreeMap<String, u32> {
        self.semaphores.iter().map(Use::pair).collect()
    }

    /// Whether something is called then.
    pub fn has_hook(&self, moment: &str) -> bool {
        self.for_each.is_none() && self.hooks.contains_key(moment)
    }

    /// Of a step with `forEach`, its items are.
    pub fn is_external(&self) -> bool {
        self.external.is_some() && self.for_each.is_none()
    }

    /// Whether its inputs have expressions.
    pub fn has_expressions(&self) -> bool {
        self.for_each.is_some() || self.inputs.values().any(|value| expression(value).is_some())
    }
}

/// The text of a value that is an expression.
pub fn expression(value: &Value) -> Option<&str> {
    value.as_object().filter(|object| object.len() == 1)?.get("jq")?.as_str()
}

/// What is stored of a queue or a semaphore.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Limit {
    pub permits: u32,
    pub paused: bool,
    pub max_running: Option<u32>,
}

impl Limit {
    /// Reads what is stored.
    pub fn of(body: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Body {
            spec: Limit,
        }
        serde_json::from_str::<Body>(body).ok().map(|body| body.spec)
    }
}

/// Seconds as microseconds.
pub fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.get().as_micros()).unwrap_or(i64::MAX)
}
