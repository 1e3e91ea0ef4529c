//! Text that is shown to nobody.
//!
//! ```
//! use ktk_client::api::Secret;
//! let token = Secret::new("ktk_123");
//! assert!(!format!("{token:?}").contains("123"));
//! ```

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A secret. It prints as `***`, and crosses the wire as it is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    ///
    /// ```
    /// # use ktk_client::api::Secret;
    /// assert!(!format!("{:?}", Secret::new("ktk_123")).contains("123"));
    /// ```
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever has to send it.
    ///
    /// ```
    /// # use ktk_client::api::Secret;
    /// assert_eq!(Secret::new("ktk_123").expose(), "ktk_123");
    /// ```
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_not_printed() {
        let secret = Secret::new("hush");
        assert_eq!((format!("{secret:?}").as_str(), secret.expose()), ("***", "hush"));
    }
}
