//! What is fuzzed: functions that are given any bytes and have to come back, with laws that hold whatever they were
//! given. `fuzz_targets/` has them for cargo-fuzz; `tests/fuzz` plays the corpus, and mutations of it, with any compiler.

use std::sync::OnceLock;

use futures_util::FutureExt as _;
use ktk::jsonpath::{Missing, Path, Template};
use ktk_client::{
    api::{
        self, ApiError, Task,
        change::{self, Changes},
        list::Created,
        patch::Patch,
        selector::{FieldSelector, LabelSelector},
        task::{self, TaskSpec},
        template,
    },
    manifest,
};
use ktk_server::{
    model,
    rpc::{Caller, Router},
};
use serde::de::IgnoredAny;
use serde_json::Value;

/// A manifest, in YAML or JSON: it is read, or every problem has a place; what was read can be written and read again.
pub fn manifest(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let Ok(documents) = manifest::read(&manifest::Source { name: "fuzz", text }) else { return };
    for document in documents {
        let _ = document.locate("spec");
        let _ = document.value.metadata().name();
    }
}

/// A body of `POST /rpc`: whatever it is, it gets JSON or nothing.
pub fn rpc_frame(data: &[u8]) {
    static ROUTER: OnceLock<Router> = OnceLock::new();
    let router = ROUTER.get_or_init(|| {
        Router::builder()
            .method::<task::Create, _, _>(|_, params| async {
                Ok::<_, ApiError>(Created { object: params.object, created: true })
            })
            .method::<task::Get, _, _>(|_, reference| async move {
                Ok(Task::new(reference.name, TaskSpec::external()))
            })
            .build()
    });
    let answer = router.handle(Caller::user(1), data).now_or_never().expect("no handler waits");
    if let Some(answer) = answer {
        serde_json::from_slice::<IgnoredAny>(&answer).expect("an answer is JSON");
    }
}

/// Selectors of labels and of fields: what is read means the same once it has been written.
pub fn selector(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(selector) = text.parse::<LabelSelector>() {
        let written = selector.to_string();
        assert_eq!(written.parse::<LabelSelector>().as_ref(), Ok(&selector), "{written:?}");
    }
    let _ = FieldSelector::parse(text, &["metadata.name", "status.phase", "status.reason"]);
}

/// A duration: what is read is the same once it has been written.
pub fn duration(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(duration) = text.parse::<api::Duration>() {
        let written = duration.to_string();
        assert_eq!(written.parse::<api::Duration>().as_ref(), Ok(&duration), "{text:?} {written:?}");
    }
}

/// A text with references: they are filled in or named as wrong; what has none stays as it is.
pub fn template(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let values = [("a".to_owned(), Value::from("x")), ("b".to_owned(), serde_json::json!({"c": [1]}))].into();
    if let Ok(filled) = template::render_text(text, &values, &values)
        && !text.contains("{{")
    {
        assert_eq!(filled, text);
    }
}

/// A JSONPath template, and a path without braces: they are refused, or end with a text or an error.
pub fn jsonpath(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let object = serde_json::json!({
        "kind": "List",
        "items": [
            {"name": "a", "n": 2, "ok": true, "labels": {"x.io/y": "1"}, "list": [{"c": 0}, {"c": [[[]]]}]},
            {"name": "b", "n": 1.5, "ok": false, "text": "one\ntwo", "list": []},
            {"name": "c", "none": null, "n": 10, "a": {"a": {"a": {"a": {"a": "aaaaaaaaaaaaaaaaaaaaa"}}}}}
        ]
    });
    if let Ok(template) = Template::parse(text) {
        let printed = template.text(&object, Missing::Allowed);
        if !template.has_expression() {
            assert_eq!(printed.as_deref(), Ok(text));
        }
        let _ = template.array(&object, Missing::Refused);
    }
    if let Ok(path) = Path::parse(text) {
        let _ = path.find_all(&object);
    }
}

/// Changes of a restart, merged into a spec: what they make can be told as changes again, which make the same.
pub fn change(data: &[u8]) {
    let Ok(changes) = serde_json::from_slice::<Changes>(data) else { return };
    let mut spec = TaskSpec::command(["true"]);
    spec.inputs.insert("width".to_owned(), serde_json::json!({"min": 1}));
    let Ok(changed) = change::apply(&spec, &changes) else { return };
    let between = change::between(&spec, &changed);
    assert_eq!(change::apply(&spec, &between).as_ref(), Ok(&changed), "{between:?}");
}

/// A document and a patch of it: it is made, or the operation that cannot be is named; a merge patch that is made twice
/// is made once.
pub fn patch(data: &[u8]) {
    let Ok((document, patch)) = serde_json::from_slice::<(Value, Patch)>(data) else { return };
    let Ok(patched) = model::patch::apply(&document, &patch) else { return };
    if matches!(patch, Patch::Merge(_)) {
        assert_eq!(model::patch::apply(&patched, &patch).as_ref(), Ok(&patched));
    }
}
