//! Tokens: cells and the describe page. A token itself is never here: nobody has it to show.

use jiff::Timestamp;
use ktk_client::api::{Event, Token};

use super::{Column, Moment, age, column, describe::Page, event, wide};
use crate::ui::{Cell, Tone};

/// The columns of tokens.
pub(crate) const COLUMNS: &[Column] = &[
    column("NAME"),
    column("ROLE"),
    column("NAMESPACES"),
    column("EXPIRES"),
    column("AGE"),
    wide("CREATED-BY"),
    wide("ID"),
];

/// The cells of a token.
pub(crate) fn cells(token: &Token, now: Timestamp, is_wide: bool) -> Vec<Cell> {
    let metadata = &token.metadata;
    let mut cells = vec![
        Cell::new(metadata.name().to_owned()),
        Cell::new(token.spec.role.to_string()),
        Cell::new(namespaces(token)),
        expiry(token, now),
        Cell::new(age::age(metadata.created_at, now)),
    ];
    if is_wide {
        cells.push(metadata.created_by.clone().map_or_else(Cell::none, Cell::new));
        cells.push(metadata.id.map_or_else(Cell::none, |id| Cell::new(id.to_string())));
    }
    cells
}

fn namespaces(token: &Token) -> String {
    if token.spec.namespaces.is_empty() { "<all>".to_owned() } else { token.spec.namespaces.join(",") }
}

fn expiry(token: &Token, now: Timestamp) -> Cell {
    match token.spec.expires_at {
        None => Cell::new("<never>".to_owned()),
        Some(end) if end <= now => Cell::toned("Expired", Tone::Bad),
        // How long until then is an age the other way round.
        Some(end) => Cell::new(age::age(Some(now), end)),
    }
}

/// The describe page of a token.
pub(crate) fn describe(token: &Token, events: Option<&[Event]>, moment: &Moment) -> Page {
    let mut page = Page::default();
    page.field("Name", token.metadata.name().to_owned());
    page.optional("ID", token.metadata.id.map(|id| id.to_string()));
    page.map("Labels", &token.metadata.labels);
    page.map("Annotations", &token.metadata.annotations);
    page.time("Created", token.metadata.created_at, moment);
    page.optional("Created By", token.metadata.created_by.clone());
    page.field("Role", token.spec.role.to_string());
    page.field("Namespaces", namespaces(token));
    match token.spec.expires_at {
        None => page.field("Expires", "<never>".to_owned()),
        Some(end) if end <= moment.now => page.toned("Expires", "over", Tone::Bad),
        Some(end) => page.field("Expires", end.to_string()),
    }
    if let Some(events) = events {
        event::section(&mut page, events, moment);
    }
    page
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::view::tests::moment;

    fn token(spec: serde_json::Value) -> Token {
        serde_json::from_value(json!({
            "apiVersion": "ktk/v1", "kind": "Token",
            "metadata": {"name": "ci", "createdAt": "2026-11-22T11:00:00Z"}, "spec": spec
        }))
        .expect("a token")
    }

    #[test]
    fn a_token_is_a_row() {
        for (spec, role, namespaces, expires) in [
            (json!({"role": "admin"}), "admin", "<all>", "<never>"),
            (
                json!({"role": "operator", "namespaces": ["a", "b"], "expiresAt": "2026-11-24T12:00:00Z"}),
                "operator",
                "a,b",
                "2d",
            ),
            (json!({"role": "viewer", "expiresAt": "2026-11-22T11:30:00Z"}), "viewer", "<all>", "Expired"),
        ] {
            let cells = cells(&token(spec), moment().now, false);
            let texts: Vec<_> = cells.iter().map(|cell| cell.text().to_owned()).collect();
            assert_eq!(texts, ["ci", role, namespaces, expires, "60m"]);
        }
    }
}
