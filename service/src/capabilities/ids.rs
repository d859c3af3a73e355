//! From graph nodes to registry entries to patterns, and back: the one place where the two ids of a capability meet.
//!
//! Source: spec of capabilities, section 2. A graph node names the registry entry (K7); vectors, code and statistics belong to the pattern.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use pml_entity::values::{CapabilityId, PatternId};
use sea_orm::prelude::Uuid;
use sea_orm::{ConnectionTrait, Value};

use super::{CapabilityError, access};
use crate::{Error, Principal, sql};

/// Most ids of one call.
pub const MAX_IDS: usize = 10_000;
/// What the name of a capability's node starts with.
const PREFIX: &str = "capability:";
/// Length of a UUID as it is usually written.
const UUID_CHARS: usize = 36;

/// A capability's node in the graph: `capability:` and the id of its registry entry, never of its pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GraphNode(CapabilityId);

impl GraphNode {
    /// The registry entry.
    pub fn id(self) -> CapabilityId {
        self.0
    }
}

impl From<CapabilityId> for GraphNode {
    fn from(id: CapabilityId) -> Self {
        Self(id)
    }
}

impl From<GraphNode> for CapabilityId {
    fn from(node: GraphNode) -> Self {
        node.0
    }
}

impl fmt::Display for GraphNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

impl FromStr for GraphNode {
    type Err = CapabilityError;

    /// Reads `capability:` and a UUID in its hyphenated form, of any case.
    fn from_str(text: &str) -> Result<Self, CapabilityError> {
        text.strip_prefix(PREFIX)
            .filter(|id| id.len() == UUID_CHARS)
            .and_then(|id| id.parse().ok())
            .map(Self)
            .ok_or_else(|| CapabilityError::InvalidReference(text.chars().take(520).collect()))
    }
}

/// The pattern of each registry entry. Entries that are unknown, hidden or without a pattern are left out. One statement.
///
/// # Errors
/// [`CapabilityError::InvalidFilter`] for more than 10,000 ids.
pub async fn patterns_of<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    ids: &[CapabilityId],
) -> Result<BTreeMap<CapabilityId, PatternId>, Error> {
    check_number(ids.len())?;
    let visible = access::visible(who, "r", 2);
    let sql = format!(
        "SELECT r.id, r.workflow_pattern_id FROM capability_records r \
         WHERE r.id = ANY($1) AND r.workflow_pattern_id IS NOT NULL AND {}",
        visible.sql
    );
    let asked: Vec<Uuid> = ids.iter().map(CapabilityId::as_uuid).collect();
    let rows = query(db, &sql, asked, visible.values).await?;
    rows.iter()
        .map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)))
        .collect()
}

/// The registry entries of each pattern that the principal sees, in the order of their ids. Patterns without one are left out. One statement.
///
/// # Errors
/// [`CapabilityError::InvalidFilter`] for more than 10,000 ids.
pub async fn records_of<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    patterns: &[PatternId],
) -> Result<BTreeMap<PatternId, Vec<CapabilityId>>, Error> {
    check_number(patterns.len())?;
    let visible = access::visible(who, "r", 2);
    let sql = format!(
        "SELECT r.workflow_pattern_id, r.id FROM capability_records r WHERE r.workflow_pattern_id = ANY($1) AND {} ORDER BY r.id",
        visible.sql
    );
    let asked: Vec<Uuid> = patterns.iter().map(PatternId::as_uuid).collect();
    let mut records: BTreeMap<PatternId, Vec<CapabilityId>> = BTreeMap::new();
    for row in query(db, &sql, asked, visible.values).await? {
        records
            .entry(row.try_get_by_index(0)?)
            .or_default()
            .push(row.try_get_by_index(1)?);
    }
    Ok(records)
}

pub(super) fn check_number(ids: usize) -> Result<(), CapabilityError> {
    if ids <= MAX_IDS {
        return Ok(());
    }
    Err(CapabilityError::InvalidFilter {
        field: "ids",
        rule: "may hold at most 10000 ids",
    })
}

/// Runs a statement about a list of ids, its first parameter, for a principal.
pub(super) async fn query<C: ConnectionTrait>(
    db: &C,
    sql: &str,
    ids: Vec<Uuid>,
    scope: Vec<Value>,
) -> Result<Vec<sea_orm::QueryResult>, Error> {
    let mut values: Vec<Value> = vec![ids.into()];
    values.extend(scope);
    let statement = sql::statement(sql, values);
    Ok(db.query_all_raw(statement).await?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_node_is_named_by_the_registry_id_and_read_back_in_any_case() {
        let id: CapabilityId = "6f1c1f0e-4a2f-4c57-9d0a-0a1b2c3d4e5f".parse().unwrap();
        let node = GraphNode::from(id);
        assert_eq!(node.to_string(), id.graph_node());
        assert_eq!(node.to_string().parse::<GraphNode>().unwrap().id(), id);
        assert_eq!(
            "capability:6F1C1F0E-4A2F-4C57-9D0A-0A1B2C3D4E5F"
                .parse::<GraphNode>()
                .unwrap(),
            node
        );
    }

    #[test]
    fn other_nodes_and_bare_ids_are_refused() {
        for bad in [
            "",
            "capability:",
            "capability:x",
            "tool:6f1c1f0e-4a2f-4c57-9d0a-0a1b2c3d4e5f",
            "6f1c1f0e-4a2f-4c57-9d0a-0a1b2c3d4e5f",
            "capability:6f1c1f0e4a2f4c579d0a0a1b2c3d4e5f",
            "capability:{6f1c1f0e-4a2f-4c57-9d0a-0a1b2c3d4e5f}",
        ] {
            assert_eq!(
                bad.parse::<GraphNode>().unwrap_err().code(),
                "invalid_reference",
                "{bad}"
            );
        }
    }
}
