//! JSON-RPC 2.0: the frame of every call on `POST /rpc`.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
//! use ktk_client::api::{Method, ObjectRef, task};
//! assert_eq!(task::Get::NAME, "task.get");
//! let task = client.call::<task::Get>(&ObjectRef::new("default", "thumbnails")).await?;
//! # drop(task);
//! # Ok(())
//! # }
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use super::{ApiError, Cause, ErrorReason};

/// A method: its name, what it takes and what it answers. Written once; client and server use
/// the same type, and the description of the API is made of its schemas and its words.
///
/// ```
/// use ktk_client::{Client, api::{Method, ObjectRef}, client::Result};
/// /// Any method that reads one object by its name.
/// async fn read<M: Method<Params = ObjectRef>>(client: &Client, name: &str) -> Result<M::Output> {
///     client.call::<M>(&ObjectRef::new(client.namespace(), name)).await
/// }
/// ```
pub trait Method: JsonSchema + Send + Sync + 'static {
    /// `<kind>.<verb>`.
    const NAME: &'static str;
    /// What it takes: an object.
    type Params: Serialize + DeserializeOwned + JsonSchema + Send + Sync;
    /// What it answers.
    type Output: Serialize + DeserializeOwned + JsonSchema + Send;
}

/// Parameters of a method that changes something: with a request id the call is done once, however often it is sent.
///
/// ```
/// use ktk_client::api::{rpc::Repeatable, task::CancelParams};
/// let mut params = CancelParams::default();
/// params.identify(|| "mine".into());
/// params.identify(|| "another".into());
/// assert_eq!(params.request_id(), Some("mine"));
/// ```
pub trait Repeatable {
    /// The id that the caller gave.
    fn request_id(&self) -> Option<&str>;

    /// Gives it this id, unless it has one.
    fn identify(&mut self, id: impl FnOnce() -> String);
}

/// Says which parameters have a field `request_id`.
macro_rules! repeatable {
    (@one [$($generic:ident)?] $params:ty) => {
        impl$(<$generic>)? $crate::api::rpc::Repeatable for $params {
            fn request_id(&self) -> Option<&str> {
                self.request_id.as_deref()
            }

            fn identify(&mut self, id: impl FnOnce() -> String) {
                self.request_id.get_or_insert_with(id);
            }
        }
    };
    ($($params:ty),* $(,)?) => {
        $($crate::api::rpc::repeatable!(@one [] $params);)*
    };
}
pub(crate) use repeatable;

/// Code of what cannot be parsed or nests too deep.
pub const PARSE_ERROR: i64 = -32700;
/// Code of what is no request.
pub const INVALID_REQUEST: i64 = -32600;
/// Code of an unknown method.
pub const METHOD_NOT_FOUND: i64 = -32601;

/// A call.
///
/// ```
/// use ktk_client::api::{ObjectRef, rpc::Request};
/// let params = ObjectRef::new("default", "x");
/// let request = Request { jsonrpc: "2.0", id: 1, method: "task.get", params: &params };
/// assert_eq!(serde_json::to_value(&request).unwrap()["params"]["name"], "x");
/// ```
#[derive(Clone, Debug, Serialize)]
pub struct Request<'a, P> {
    /// `2.0`.
    pub jsonrpc: &'a str,
    /// Echoed in the answer.
    pub id: u64,
    /// The method's name.
    pub method: &'a str,
    /// Its parameters.
    pub params: &'a P,
}

/// An answer.
///
/// ```
/// use ktk_client::api::rpc::Response;
/// let response: Response = serde_json::from_str(r#"{"jsonrpc": "2.0", "id": 1, "result": 7}"#).unwrap();
/// assert!(response.error.is_none());
/// ```
#[derive(Debug, Deserialize)]
pub struct Response {
    /// The call's id.
    #[serde(default)]
    pub id: Value,
    /// The result, when it went well.
    #[serde(default)]
    pub result: Option<Box<RawValue>>,
    /// The error, when it did not.
    #[serde(default)]
    pub error: Option<ErrorObject>,
}

/// JSON-RPC's error object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorObject {
    /// A number of JSON-RPC's or -32000.
    pub code: i64,
    /// A sentence.
    pub message: String,
    /// ktk's own part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<ErrorData>,
}

/// What ktk says beyond JSON-RPC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorData {
    /// Stable, one word.
    pub reason: ErrorReason,
    /// Every cause of an `Invalid`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// By what the server's log can be searched, where the server itself failed.
    #[serde(rename = "requestId", default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Box<str>>,
}

impl From<ApiError> for ErrorObject {
    fn from(error: ApiError) -> Self {
        Self {
            code: error.reason.code(),
            message: error.message,
            data: Some(ErrorData {
                reason: error.reason,
                causes: error.causes,
                hint: error.hint,
                request_id: error.request_id,
            }),
        }
    }
}

impl From<ErrorObject> for ApiError {
    fn from(error: ErrorObject) -> Self {
        match error.data {
            Some(data) => {
                let ErrorData { reason, causes, hint, request_id } = data;
                Self { reason, message: error.message, causes, hint, request_id }
            }
            None => Self::new(ErrorReason::Invalid, error.message),
        }
    }
}
