//! Puts nodes together: collections, keys, anchors, aliases, merges.

use std::collections::{HashMap, HashSet};

use super::{
    Fatal, Place,
    budget::{Budget, Size},
};
use crate::{
    api::names::quoted,
    manifest::node::{Content, Entry, Node, ScalarValue},
};

/// A collection that is still open.
struct Frame {
    place: Place,
    anchor: usize,
    content: OpenContent,
}

enum OpenContent {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<Entry>, keys: HashSet<String>, pending: Option<Key>, merges: Vec<(Place, Node)> },
}

struct Key {
    text: String,
    place: Place,
    is_merge: bool,
}

pub(super) struct Builder {
    pub(super) budget: Budget,
    stack: Vec<Frame>,
    root: Option<Node>,
    anchors: HashMap<usize, (Node, Size)>,
}

type Report<'a> = &'a mut dyn FnMut(Place, String);

impl Builder {
    pub(super) fn new() -> Self {
        Self { budget: Budget::default(), stack: Vec::new(), root: None, anchors: HashMap::new() }
    }

    /// The document's tree; anchors end with it.
    pub(super) fn finish(&mut self) -> Option<Node> {
        self.anchors.clear();
        self.root.take()
    }

    pub(super) fn scalar(
        &mut self,
        place: Place,
        text: String,
        value: ScalarValue,
        is_merge: bool,
        anchor: usize,
        report: Report<'_>,
    ) -> Result<(), Fatal> {
        self.budget.node(place)?;
        if let Some(Frame { content: OpenContent::Mapping { keys, pending: pending @ None, .. }, .. }) =
            self.stack.last_mut()
        {
            if !keys.insert(text.clone()) {
                report(place, format!("key {} stands twice: remove one", quoted(&text)));
            }
            *pending = Some(Key { text, place, is_merge });
            return Ok(());
        }
        let (line, column) = place;
        self.attach(Node { line, column, content: Content::Scalar { text, value } }, anchor, report)
    }

    pub(super) fn open(&mut self, place: Place, is_mapping: bool, anchor: usize) -> Result<(), Fatal> {
        self.budget.node(place)?;
        self.refuse_as_key(place)?;
        Budget::depth(self.stack.len() + 1, place)?;
        let content = if is_mapping {
            OpenContent::Mapping {
                entries: Vec::new(),
                keys: HashSet::new(),
                pending: None,
                merges: Vec::new(),
            }
        } else {
            OpenContent::Sequence(Vec::new())
        };
        self.stack.push(Frame { place, anchor, content });
        Ok(())
    }

    pub(super) fn close(&mut self, report: Report<'_>) -> Result<(), Fatal> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let (line, column) = frame.place;
        let content = match frame.content {
            OpenContent::Sequence(items) => Content::Sequence(items),
            OpenContent::Mapping { mut entries, mut keys, merges, .. } => {
                for (place, node) in merges {
                    merge(&mut entries, &mut keys, place, node, report);
                }
                Content::Mapping(entries)
            }
        };
        self.attach(Node { line, column, content }, frame.anchor, report)
    }

    pub(super) fn alias(&mut self, place: Place, anchor: usize, report: Report<'_>) -> Result<(), Fatal> {
        self.budget.alias(place)?;
        self.refuse_as_key(place)?;
        let Some((node, size)) = self.anchors.get(&anchor) else {
            return Err(Fatal::new(place, "an alias cannot stand inside what it repeats"));
        };
        Budget::depth(self.stack.len() + size.depth, place)?;
        self.budget.copy(*size, place)?;
        let node = node.clone();
        self.attach(node, 0, report)
    }

    /// Keys are texts: nothing else may stand where a key is expected.
    fn refuse_as_key(&self, place: Place) -> Result<(), Fatal> {
        match self.stack.last() {
            Some(Frame { content: OpenContent::Mapping { pending: None, .. }, .. }) => {
                Err(Fatal::new(place, "a key must be a text: quote it"))
            }
            _ => Ok(()),
        }
    }

    fn attach(&mut self, node: Node, anchor: usize, report: Report<'_>) -> Result<(), Fatal> {
        let place = (node.line, node.column);
        if anchor > 0 {
            let size = size(&node);
            self.budget.copy(size, place)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.stack.last_mut().map(|frame| &mut frame.content) {
            None => self.root = Some(node),
            Some(OpenContent::Sequence(items)) => items.push(node),
            Some(OpenContent::Mapping { entries, pending, merges, .. }) => match pending.take() {
                Some(key) if key.is_merge => merges.push((key.place, node)),
                Some(Key { text, place: (line, column), .. }) => {
                    entries.push(Entry { key: text, line, column, value: node });
                }
                None => report(place, "a value without a key".to_owned()),
            },
        }
        Ok(())
    }
}

/// `<<: *defaults`: what the mapping does not have itself. Of several, the first has its way.
fn merge(entries: &mut Vec<Entry>, keys: &mut HashSet<String>, place: Place, node: Node, report: Report<'_>) {
    match node.content {
        Content::Mapping(merged) => {
            for entry in merged {
                if keys.insert(entry.key.clone()) {
                    entries.push(entry);
                }
            }
        }
        Content::Sequence(items) if items.iter().all(|item| matches!(item.content, Content::Mapping(_))) => {
            for item in items {
                merge(entries, keys, place, item, report);
            }
        }
        _ => report(place, "after `<<` comes a mapping or a list of mappings".to_owned()),
    }
}

fn size(node: &Node) -> Size {
    let sum = |sizes: &mut dyn Iterator<Item = Size>| {
        sizes.fold(Size { nodes: 1, bytes: 0, depth: 0 }, |sum, size| Size {
            nodes: sum.nodes + size.nodes,
            bytes: sum.bytes + size.bytes,
            depth: sum.depth.max(size.depth),
        })
    };
    let inner = match &node.content {
        Content::Scalar { text, .. } => return Size { nodes: 1, bytes: text.len(), depth: 0 },
        Content::Sequence(items) => sum(&mut items.iter().map(size)),
        Content::Mapping(entries) => sum(&mut entries.iter().map(|entry| {
            let value = size(&entry.value);
            Size { bytes: value.bytes + entry.key.len(), ..value }
        })),
    };
    Size { depth: inner.depth + 1, ..inner }
}
