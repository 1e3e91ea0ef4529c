//! Nodes: cells and the describe page.

use jiff::Timestamp;
use ktk_client::api::{Event, Node, node::NodePhase};

use super::{Column, Moment, age, column, describe::Page, event, wide};
use crate::ui::{Cell, Tone};

/// The columns of nodes.
pub(crate) const COLUMNS: &[Column] = &[
    column("NAME"),
    column("STATUS"),
    column("ROLE"),
    column("SLOTS"),
    column("RUNNING"),
    column("AGE"),
    wide("HEARTBEAT"),
    wide("ID"),
];

/// The cells of a node.
pub(crate) fn cells(node: &Node, now: Timestamp, is_wide: bool) -> Vec<Cell> {
    let (word, tone) = phase(node.status.phase);
    let mut cells = vec![
        Cell::new(generation_name(node)),
        Cell::toned(word, tone),
        Cell::new(node.spec.role.clone()),
        Cell::new(node.spec.slots.to_string()),
        Cell::new(node.status.running.to_string()),
        Cell::new(age::age(node.metadata.created_at, now)),
    ];
    if is_wide {
        cells.push(Cell::new(age::age(Some(node.status.last_heartbeat_at), now)));
        cells.push(node.metadata.id.map_or_else(Cell::none, |id| Cell::new(id.to_string())));
    }
    cells
}

/// `worker-amber.g3`: who is who over restarts of a node.
fn generation_name(node: &Node) -> String {
    let suffix = format!(".g{}", node.status.generation);
    match node.metadata.name() {
        name if name.ends_with(&suffix) => name.to_owned(),
        name => format!("{name}{suffix}"),
    }
}

fn phase(phase: NodePhase) -> (&'static str, Tone) {
    match phase {
        NodePhase::Ready => ("Ready", Tone::Good),
        NodePhase::Stopping => ("Stopping", Tone::Waiting),
        NodePhase::Stopped => ("Stopped", Tone::Dim),
        NodePhase::Lost => ("Lost", Tone::Bad),
    }
}

/// The describe page of a node.
pub(crate) fn describe(node: &Node, events: Option<&[Event]>, moment: &Moment) -> Page {
    let (word, tone) = phase(node.status.phase);
    let mut page = Page::default();
    page.field("Name", generation_name(node));
    page.optional("ID", node.metadata.id.map(|id| id.to_string()));
    page.map("Labels", &node.spec.labels);
    page.time("Created", node.metadata.created_at, moment);
    page.field("Role", node.spec.role.clone());
    page.field("Slots", node.spec.slots.to_string());
    page.values("Types", node.spec.types.iter().cloned());
    page.toned("Status", word, tone);
    page.field("Generation", node.status.generation.to_string());
    page.field("Running", node.status.running.to_string());
    page.time("Heartbeat", Some(node.status.last_heartbeat_at), moment);
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

    fn node() -> Node {
        serde_json::from_value(json!({
            "apiVersion": "ktk/v1", "kind": "Node",
            "metadata": {"name": "local", "createdAt": "2026-11-22T11:00:00Z"},
            "spec": {"role": "server", "slots": 2, "labels": {"zone": "eu"}},
            "status": {"phase": "Ready", "generation": 3, "running": 1, "lastHeartbeatAt": "2026-11-22T11:59:58Z"}
        }))
        .expect("a node")
    }

    #[test]
    fn a_node_is_a_row_with_its_generation() {
        let texts: Vec<_> =
            cells(&node(), moment().now, true).iter().map(|cell| cell.text().to_owned()).collect();
        assert_eq!(texts, ["local.g3", "Ready", "server", "2", "1", "60m", "2s", "<none>"]);
    }

    #[test]
    fn a_node_is_described() {
        let expected = "\
Name:        local.g3
Labels:      zone=eu
Created:     Sun, 22 Nov 2026 11:00:00 +0000 (60m ago)
Role:        server
Slots:       2
Types:       <none>
Status:      Ready
Generation:  3
Running:     1
Heartbeat:   Sun, 22 Nov 2026 11:59:58 +0000 (2s ago)
Events:      <none>
";
        assert_eq!(describe(&node(), Some(&[]), &moment()).render(false), expected);
    }
}
