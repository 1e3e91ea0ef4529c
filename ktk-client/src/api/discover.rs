//! `rpc.discover`: the API, described in a form that programs read.
//!
//! ```no_run
//! # async fn example(client: ktk_client::Client) -> ktk_client::client::Result<()> {
//! use ktk_client::api::discover::{Discover, DiscoverParams};
//! let document = client.call::<Discover>(&DiscoverParams {}).await?;
//! println!("OpenRPC {}", document["openrpc"]);
//! # Ok(())
//! # }
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Method;

/// `rpc.discover`: this description: an OpenRPC document, made of the server's own types.
#[derive(Clone, Debug, JsonSchema)]
pub struct Discover;

/// Parameters of `rpc.discover`: none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DiscoverParams {}

impl Method for Discover {
    const NAME: &'static str = "rpc.discover";
    type Params = DiscoverParams;
    type Output = Value;
}
