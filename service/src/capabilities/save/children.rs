//! Which capabilities a piece of code calls, as far as the text tells.

use std::collections::BTreeSet;

use pml_entity::values::{CapabilityId, PatternId};
use serde::Deserialize;
use serde_json::Value;

use super::checked::Checked;
use crate::capabilities::{code, tool_id};

/// What may name a capability in a run. Source: spec of capabilities, DEP-9 with D25 (by namespace and action, or by id).
#[derive(Debug, Default, PartialEq)]
pub(super) struct References {
    /// `$cap:` references of the code and the tools, and capability nodes of the structure.
    pub(super) ids: BTreeSet<CapabilityId>,
    /// `namespace:action` among the tools: a capability of the caller's project, or a tool.
    pub(super) names: BTreeSet<(String, String)>,
}

impl References {
    /// Collects them.
    pub(super) fn of(run: &Checked) -> Self {
        let mut found = Self::default();
        found.ids.extend(code::references(&run.code));
        for tool in &run.path {
            found.add(tool);
        }
        let nodes = run
            .dag
            .static_structure
            .as_ref()
            .and_then(|structure| structure.get("nodes"))
            .and_then(Value::as_array);
        for node in nodes.into_iter().flatten() {
            if node.get("type").and_then(Value::as_str) == Some("capability")
                && let Some(named) = node.get("capabilityId").and_then(Value::as_str)
            {
                found.add(named);
            }
        }
        found
    }

    /// Adds what a tool or a capability node names: an id, bare or as a graph node or a `$cap:` reference, else a name.
    fn add(&mut self, named: &str) {
        let bare = ["capability:", "$cap:"]
            .iter()
            .find_map(|prefix| named.strip_prefix(prefix))
            .unwrap_or(named);
        if let Ok(id) = bare.parse() {
            self.ids.insert(id);
        } else if let Some((namespace, action)) = tool_id::normalize(named).split_once(':')
            && !namespace.is_empty()
            && !action.is_empty()
        {
            self.names.insert((namespace.to_owned(), action.to_owned()));
        }
    }
}

/// A registry entry that a reference leads to.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Child {
    /// The id that was asked for; that of an entry which was merged into this one is another.
    id: CapabilityId,
    /// Its code, unless that was deleted.
    pattern: Option<PatternId>,
    /// `namespace:action`.
    name: String,
}

/// The capabilities that a run calls.
#[derive(Debug)]
pub(super) struct Children {
    found: Vec<Child>,
    /// Patterns to draw an edge to, distinct and sorted.
    pub(super) patterns: Vec<PatternId>,
}

impl Children {
    pub(super) fn new(found: Vec<Child>) -> Self {
        let patterns: BTreeSet<PatternId> =
            found.iter().filter_map(|child| child.pattern).collect();
        Self {
            found,
            patterns: patterns.into_iter().collect(),
        }
    }

    /// The name of a child, for people.
    fn name(&self, pattern: PatternId) -> &str {
        self.found
            .iter()
            .find(|child| child.pattern == Some(pattern))
            .map_or("a capability", |child| &child.name)
    }

    /// Says of each id in the code that nothing answers to it. Hidden and unknown ones read alike.
    pub(super) fn missing(&self, references: &References) -> Vec<String> {
        references
            .ids
            .iter()
            .filter(|id| {
                !self
                    .found
                    .iter()
                    .any(|child| child.id == **id && child.pattern.is_some())
            })
            .map(|id| format!("$cap:{id} names no capability with code: no edge leads to it"))
            .collect()
    }

    /// Says that a child was left out because it stands above its caller.
    pub(super) fn cyclic(&self, pattern: PatternId) -> String {
        format!(
            "{} contains this capability already: no `contains` edge leads back to it",
            self.name(pattern)
        )
    }

    /// Says that the code names itself.
    pub(super) fn own(&self, pattern: PatternId) -> String {
        format!(
            "it calls itself as {}: no edge leads from a capability to itself",
            self.name(pattern)
        )
    }

    /// Says that a child went away meanwhile.
    pub(super) fn gone(&self, pattern: PatternId) -> String {
        format!(
            "{} was deleted meanwhile: no edge leads to it",
            self.name(pattern)
        )
    }
}
