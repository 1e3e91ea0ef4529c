//! YAML for output.

use serde_json::Value;

/// A value as YAML: two spaces a level, keys in the order given, and every string quoted that a
/// reader of YAML 1.1 or 1.2 could take for something else.
///
/// ```
/// use ktk_client::manifest::to_yaml;
/// assert_eq!(to_yaml(&serde_json::json!({"permits": 2})).trim_end(), "permits: 2");
/// ```
pub fn to_yaml(value: &Value) -> String {
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    let mut text = serde_saphyr::to_string_with_options(value, options).unwrap_or_else(|_| value.to_string());
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
