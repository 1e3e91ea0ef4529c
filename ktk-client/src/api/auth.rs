//! Who somebody is for the server, and what they may do.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
//! use ktk_client::api::auth::{Whoami, WhoamiParams};
//! let own = client.call::<Whoami>(&WhoamiParams {}).await?;
//! println!("{} as {}", own.name, own.role);
//! # Ok(())
//! # }
//! ```

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Method, token::Role};

/// `auth.whoami`: who the caller is.
#[derive(Clone, Debug, JsonSchema)]
pub struct Whoami;

/// Parameters of `auth.whoami`: none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WhoamiParams {}

/// Who the caller is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Whois {
    /// As objects show who made them: `token/ci`, `uid:1000`, `task/build`.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The namespaces in which that holds; empty for all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// Until when; no end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Method for Whoami {
    const NAME: &'static str = "auth.whoami";
    type Params = WhoamiParams;
    type Output = Whois;
}

/// `auth.can`: whether the caller may call a method, in a namespace where one is named.
#[derive(Clone, Debug, JsonSchema)]
pub struct Can;

/// Parameters of `auth.can`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CanParams {
    /// A method, `task.restart`, or a stream, `/watch` or `/logs`.
    pub method: String,
    /// Where; anywhere when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// The answer of `auth.can`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Whether the caller may.
    pub allowed: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Method for Can {
    const NAME: &'static str = "auth.can";
    type Params = CanParams;
    type Output = Verdict;
}
