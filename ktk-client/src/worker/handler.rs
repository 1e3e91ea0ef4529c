//! Handlers: functions of the program that carry out tasks of one `type`.

use std::{collections::BTreeMap, future::Future, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{BoxFuture, Executor, Stop, StopSignal};
use crate::{
    api::{
        ObjectRef, Reason,
        attempt::{KeepaliveParams, ProgressParams},
        worker::{Grant, Outcome},
    },
    client::{Client, clock},
};

/// What a handler gets: the attempt, and word when it is to stop.
///
/// ```
/// use ktk_client::worker::{HandlerContext, HandlerError, Outputs};
/// async fn resize(context: HandlerContext) -> Result<Outputs, HandlerError> {
///     println!("attempt {} of {}", context.grant.attempt, context.grant.name);
///     Ok(Outputs::from_iter([("width", 100)]))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct HandlerContext {
    /// The task, its inputs and what it took from its needs.
    pub grant: Grant,
    /// Set off when the attempt is to stop: its task was cancelled, or the worker ends. A
    /// handler that goes on is dropped at its next `await` when the grace period is over.
    pub stop: StopSignal,
    /// Speaks for this attempt: it can make sub-tasks, read them, and say how far this one is.
    pub client: Client,
}

impl HandlerContext {
    /// The inputs as a type of the program's.
    ///
    /// ```
    /// use ktk_client::worker::{HandlerContext, HandlerError, Outputs};
    /// #[derive(serde::Deserialize)]
    /// struct Inputs {
    ///     width: u32,
    /// }
    /// async fn resize(context: HandlerContext) -> Result<Outputs, HandlerError> {
    ///     let inputs: Inputs = context.inputs()?;
    ///     Ok(Outputs::from_iter([("width", inputs.width / 2)]))
    /// }
    /// ```
    ///
    /// # Errors
    /// `InvalidInput`, which is never retried, where they do not fit.
    pub fn inputs<T: DeserializeOwned>(&self) -> Result<T, HandlerError> {
        let inputs = self.grant.inputs.clone().into_iter().collect();
        serde_json::from_value(Value::Object(inputs))
            .map_err(|error| HandlerError::invalid_input(error.to_string()))
    }

    /// Says that this attempt is alive: what `ktk keepalive` does.
    ///
    /// ```
    /// use ktk_client::worker::{HandlerContext, HandlerError};
    /// async fn long(context: HandlerContext, pages: Vec<String>) -> Result<(), HandlerError> {
    ///     for page in pages {
    ///         context.keepalive().await?;
    ///         println!("{page}");
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// `Conflict` where it is to stop.
    pub async fn keepalive(&self) -> crate::client::Result<()> {
        let (reference, attempt) = self.own();
        let params = KeepaliveParams { reference, attempt, request_id: None };
        self.client.tasks().keepalive_with(params).await.map(drop)
    }

    /// Says how far this attempt is, from 0 to 100: what `ktk progress` does.
    ///
    /// ```
    /// use ktk_client::worker::{HandlerContext, HandlerError};
    /// async fn long(context: HandlerContext) -> Result<(), HandlerError> {
    ///     context.progress(40.0, Some("half way".into())).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// `Conflict` where it is to stop, `Invalid` for another number.
    pub async fn progress(&self, percent: f64, message: Option<String>) -> crate::client::Result<()> {
        let (reference, attempt) = self.own();
        let params = ProgressParams { reference, attempt, percent, message, request_id: None };
        self.client.tasks().progress_with(params).await.map(drop)
    }

    fn own(&self) -> (Option<ObjectRef>, Option<u32>) {
        let reference = ObjectRef::new(&*self.grant.namespace, self.grant.task.to_string());
        (Some(reference), Some(self.grant.attempt))
    }

    /// The outputs that were taken from a need; `null` where it has none or there is no such
    /// need.
    ///
    /// ```
    /// use ktk_client::worker::{HandlerContext, HandlerError, Outputs};
    /// async fn publish(context: HandlerContext) -> Result<Outputs, HandlerError> {
    ///     let paths = context.need("resize")["paths"].as_array().ok_or("resize gave no paths")?;
    ///     Ok(Outputs::from_iter([("published", paths.len())]))
    /// }
    /// ```
    pub fn need(&self, name: &str) -> &Value {
        self.grant.needs.get(name).unwrap_or(&Value::Null)
    }
}

/// What a handler gives on to those that need its task: a JSON object, or nothing.
///
/// ```
/// use ktk_client::worker::Outputs;
/// let some = Outputs::from_iter([("width", 100), ("height", 50)]);
/// assert_ne!(some, Outputs::from(()), "nothing is not the same as no fields");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outputs(Option<BTreeMap<String, Value>>);

impl Outputs {
    /// The fields of a struct or map as outputs.
    ///
    /// ```
    /// use ktk_client::worker::Outputs;
    /// #[derive(serde::Serialize)]
    /// struct Size {
    ///     width: u32,
    /// }
    /// assert_eq!(Outputs::of(&Size { width: 100 }).unwrap(), Outputs::from_iter([("width", 100)]));
    /// assert!(Outputs::of(&"no object").is_err());
    /// ```
    ///
    /// # Errors
    /// `InvalidOutput`, which is never retried, where it is no JSON object.
    pub fn of(value: &impl Serialize) -> Result<Self, HandlerError> {
        let error = |text: String| HandlerError { reason: Reason::InvalidOutput, message: text };
        match serde_json::to_value(value) {
            Ok(Value::Object(fields)) => Ok(fields.into_iter().collect()),
            Ok(_) => Err(error("outputs must be a JSON object".to_owned())),
            Err(source) => Err(error(format!("outputs cannot be written: {source}"))),
        }
    }
}

impl From<()> for Outputs {
    fn from((): ()) -> Self {
        Self(None)
    }
}

impl From<BTreeMap<String, Value>> for Outputs {
    fn from(fields: BTreeMap<String, Value>) -> Self {
        Self(Some(fields))
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Outputs {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(fields: I) -> Self {
        Self(Some(fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect()))
    }
}

/// Why a handler failed. Any error becomes one with `?` and may be retried, as the task's
/// `retry` says.
///
/// ```
/// use ktk_client::worker::HandlerError;
/// fn read(path: &str) -> Result<String, HandlerError> {
///     Ok(std::fs::read_to_string(path)?)
/// }
/// assert!(read("/does/not/exist").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandlerError {
    reason: Reason,
    message: String,
}

impl HandlerError {
    /// A failure that may be retried.
    ///
    /// ```
    /// use ktk_client::worker::HandlerError;
    /// assert_ne!(HandlerError::new("try again"), HandlerError::invalid_input("try again"));
    /// ```
    pub fn new(message: impl Into<String>) -> Self {
        Self { reason: Reason::HandlerError, message: message.into() }
    }

    /// A failure because of the inputs: never retried.
    ///
    /// ```
    /// # use ktk_client::worker::HandlerError;
    /// fn width(text: &str) -> Result<u32, HandlerError> {
    ///     text.parse().map_err(|_| HandlerError::invalid_input(format!("{text:?} is no width")))
    /// }
    /// assert!(width("wide").is_err());
    /// ```
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self { reason: Reason::InvalidInput, message: message.into() }
    }
}

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for HandlerError {
    fn from(error: E) -> Self {
        let error = error.into();
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            message.push_str(": ");
            message.push_str(&error.to_string());
            source = error.source();
        }
        Self::new(message)
    }
}

/// A handler as an executor.
pub(super) struct Handler<F> {
    pub(super) function: Arc<F>,
    pub(super) client: Client,
}

impl<F, Running, O> Executor for Handler<F>
where
    F: Fn(HandlerContext) -> Running + Send + Sync + 'static,
    Running: Future<Output = Result<O, HandlerError>> + Send + 'static,
    O: Into<Outputs>,
{
    fn run(&self, grant: Grant, stop: StopSignal) -> BoxFuture<'static, Outcome> {
        let handler = self.function.clone();
        let client = match &grant.token {
            Some(token) => self.client.with_token(token),
            None => self.client.clone(),
        };
        let client = client.in_namespace(&*grant.namespace);
        Box::pin(async move {
            let timeout = grant.timeout.map(crate::api::Duration::get);
            let giving_up = give_up(stop.clone(), timeout);
            tokio::select! {
                biased;
                result = handler(HandlerContext { grant, stop, client }) => match result {
                    Ok(outputs) => Outcome { outputs: outputs.into().0, ..Outcome::default() },
                    Err(error) => Outcome {
                        reason: Some(error.reason),
                        message: Some(error.message),
                        ..Outcome::default()
                    },
                },
                outcome = giving_up => outcome,
            }
        })
    }
}

/// Resolves when a handler is not waited for any longer, with the outcome that gives.
async fn give_up(mut stop: StopSignal, timeout: Option<std::time::Duration>) -> Outcome {
    let timed_out = || Outcome {
        reason: Some(Reason::Timeout),
        message: timeout.map(|limit| format!("took longer than {}", crate::api::Duration::new(limit))),
        ..Outcome::default()
    };
    let stopped = || Outcome {
        reason: Some(Reason::Interrupted),
        message: Some("the handler was stopped".to_owned()),
        ..Outcome::default()
    };
    let mut end = timeout.map(|limit| clock::now() + limit);
    let mut is_stopping = false;
    loop {
        tokio::select! {
            () = clock::sleep_until(end) => return if is_stopping { stopped() } else { timed_out() },
            how = stop.changed() => match how {
                Stop::Now => return stopped(),
                Stop::Graceful(grace) => {
                    let grace_end = clock::now() + grace;
                    if end.is_none_or(|end| grace_end < end) {
                        (end, is_stopping) = (Some(grace_end), true);
                    }
                }
            },
        }
    }
}
