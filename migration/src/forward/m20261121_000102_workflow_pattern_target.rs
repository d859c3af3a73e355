//! 102: a pattern has a name of its own, an owner, and a total duration from which the mean is derived, so that two writers
//! cannot let the mean drift. Permission sets and sources are closed sets.
//! Data: total = mean × runs; the owner is the user `created_by` names; an unknown set becomes `minimal` (the least), an
//! unknown source `emergent`. Down: names and owners are lost; the mean comes back as a plain column.

use super::shapes::{btree, drop_check, drop_index, one_of, owner_key};
use crate::step::Step;

pub(super) const PERMISSION_SETS: &[&str] = &[
    "minimal",
    "readonly",
    "filesystem",
    "network-api",
    "mcp-standard",
    "trusted",
];
const SOURCES: &[&str] = &["emergent", "manual"];

// Rows that change one by one would each be inserted into the graph again; it is built once, at the end.
pub(super) const INTENT_INDEX: &str = "CREATE INDEX idx_pattern_intent_embedding ON workflow_pattern \
     USING hnsw (intent_embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64)";

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            drop_index("idx_pattern_intent_embedding"),
            include_str!("m20261121_000102_workflow_pattern_target.up.sql"),
            one_of("workflow_pattern", "permission_set", PERMISSION_SETS),
            one_of("workflow_pattern", "source", SOURCES),
            owner_key("workflow_pattern_user_id_fkey", "workflow_pattern"),
            btree("idx_workflow_pattern_user", "workflow_pattern", ["user_id"]),
            INTENT_INDEX,
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![
            drop_index("idx_pattern_intent_embedding"),
            drop_check("workflow_pattern", "permission_set"),
            drop_check("workflow_pattern", "source"),
            include_str!("m20261121_000102_workflow_pattern_target.down.sql"),
            INTENT_INDEX,
        ]
    }
}
