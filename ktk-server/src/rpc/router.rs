//! Methods by name: what is registered, and how one call reaches its handler.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::{FutureExt, future::BoxFuture};
use ktk_client::api::{
    ApiError, Cause, ErrorReason, Method,
    rpc::{ErrorData, ErrorObject, METHOD_NOT_FOUND},
    suggest,
};

use super::{
    Caller,
    discover::{self, Descriptions},
    doubled, rights,
};
use crate::model::decode::decode;
use crate::{clock::Clock, entropy::Entropy, task_group::panic_message};

type Handler = Box<dyn for<'a> Fn(Caller, &'a str) -> BoxFuture<'a, Result<Vec<u8>, Failure>> + Send + Sync>;

/// Why a handler gave no result.
enum Failure {
    Refused(ApiError),
    /// Nothing that the caller could mend; for the log.
    Broken(String),
}

/// All methods of a server.
pub struct Router {
    methods: BTreeMap<&'static str, Handler>,
    entropy: Entropy,
    clock: Clock,
}

/// A router that is being filled.
#[derive(Default)]
pub struct RouterBuilder {
    methods: BTreeMap<&'static str, Handler>,
    descriptions: Descriptions,
}

impl RouterBuilder {
    /// Registers a method.
    ///
    /// # Panics
    /// When the method has a handler already: a mistake of the program.
    #[must_use]
    pub fn method<M, F, A>(mut self, handler: F) -> Self
    where
        M: Method,
        F: Fn(Caller, M::Params) -> A + Send + Sync + 'static,
        A: Future<Output = Result<M::Output, ApiError>> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let boxed: Handler = Box::new(move |caller, params| {
            let handler = Arc::clone(&handler);
            async move {
                let params = read_params::<M>(params).map_err(Failure::Refused)?;
                let output = handler(caller, params).await.map_err(Failure::Refused)?;
                serde_json::to_vec(&output).map_err(|error| Failure::Broken(error.to_string()))
            }
            .boxed()
        });
        self.descriptions.insert(M::NAME, discover::parts_of::<M>);
        assert!(self.methods.insert(M::NAME, boxed).is_none(), "{} is registered twice", M::NAME);
        self
    }

    /// How each method that was registered so far is described.
    pub(super) fn descriptions(&self) -> &Descriptions {
        &self.descriptions
    }

    /// The router.
    pub fn build(self) -> Router {
        Router { methods: self.methods, entropy: Entropy::system(), clock: Clock::System }
    }
}

impl Router {
    /// An empty router, to be filled.
    pub fn builder() -> RouterBuilder {
        RouterBuilder::default()
    }

    /// The names of all methods, in order.
    pub fn methods(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.methods.keys().copied()
    }

    /// Carries out one call that came as something else than a frame: its result as JSON.
    ///
    /// # Errors
    /// Whatever the method refuses.
    pub async fn read(&self, caller: Caller, method: &str, params: &str) -> Result<Vec<u8>, ApiError> {
        Ok(self.call(caller, method, params).await?)
    }

    /// Carries out one call: its result as JSON.
    pub(super) async fn call(
        &self,
        caller: Caller,
        method: &str,
        params: &str,
    ) -> Result<Vec<u8>, ErrorObject> {
        let Some(handler) = self.methods.get(method) else {
            return Err(self.unknown_method(method));
        };
        rights::check(&caller.by, method)?;
        // Whatever a handler left half done is its own: the router shares no state with it.
        let outcome = AssertUnwindSafe(handler(caller, params)).catch_unwind().await;
        let broken = match outcome {
            Ok(Ok(result)) => return Ok(result),
            Ok(Err(Failure::Refused(error))) => return Err(error.into()),
            Ok(Err(Failure::Broken(text))) => format!("the answer is no JSON: {text}"),
            Err(panic) => format!("panicked: {}", panic_message(&*panic)),
        };
        let request = self.entropy.id(self.clock.now());
        tracing::error!(%request, method, error = %broken, "a call failed inside");
        let message = format!("an internal error; the server's log says more about request {request}");
        Err(ApiError::new(ErrorReason::Internal, message).with_request_id(request.to_string()).into())
    }

    fn unknown_method(&self, method: &str) -> ErrorObject {
        let hint = suggest::nearest(method, self.methods()).map(|near| format!("did you mean {near:?}?"));
        ErrorObject {
            code: METHOD_NOT_FOUND,
            message: format!("there is no method {method:?}"),
            data: Some(ErrorData {
                reason: ErrorReason::Invalid,
                causes: Vec::new(),
                hint,
                request_id: None,
            }),
        }
    }
}

fn read_params<M: Method>(params: &str) -> Result<M::Params, ApiError> {
    let what = || format!("Request {}", M::NAME);
    // Who has no parameters may say so by an empty list.
    let params = if is_empty_list(params) { "{}" } else { params };
    if !params.starts_with('{') {
        let cause = Cause::new("params", "must be an object: parameters are named");
        return Err(ApiError::invalid(&what(), vec![cause]));
    }
    if let Some(cause) = doubled::first(params) {
        return Err(ApiError::invalid(&what(), vec![cause]));
    }
    decode(&what(), &mut serde_json::Deserializer::from_str(params))
}

fn is_empty_list(params: &str) -> bool {
    params
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|rest| rest.trim_ascii().is_empty())
}
