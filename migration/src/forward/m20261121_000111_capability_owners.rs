//! 111: a pattern belongs to one owner, so the same code saved by two of them is two patterns; its tools are readable as a set of
//! short ids; and a vector knows the model that made it.
//! Data: the hash of an owned pattern takes in the owner, so that it stays unique when somebody else saves that code; a
//! `tools_used` that is no list becomes one; vectors of the recorded system are of its model, `bge-m3`.
//! Down: fails while two owners have the same code, because the recorded schema has no room for both.

use super::m20261121_000102_workflow_pattern_target::INTENT_INDEX;
use super::shapes::drop_index;
use crate::step::Step;

const CODE_INDEX: &str = "idx_workflow_pattern_code_hash";

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            drop_index("idx_pattern_intent_embedding"),
            drop_index(CODE_INDEX),
            "ALTER TABLE workflow_pattern ADD COLUMN embedding_model text, ADD COLUMN embedding_stale boolean NOT NULL DEFAULT false",
            "UPDATE workflow_pattern SET embedding_model = 'bge-m3'",
            "UPDATE workflow_pattern SET pattern_hash = encode(sha256(convert_to(code_hash || ':' || user_id::text, 'UTF8')), 'hex') \
             WHERE user_id IS NOT NULL AND pattern_hash = code_hash",
            "CREATE UNIQUE INDEX idx_workflow_pattern_code_hash ON workflow_pattern (code_hash, user_id) NULLS NOT DISTINCT WHERE code_hash IS NOT NULL",
            "CREATE INDEX workflow_pattern_embedding_model_idx ON workflow_pattern (embedding_model) WHERE embedding_model IS NOT NULL",
            include_str!("m20261121_000111_capability_owners.tools.sql"),
            INTENT_INDEX,
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![
            drop_index("idx_pattern_intent_embedding"),
            drop_index(CODE_INDEX),
            "ALTER TABLE workflow_pattern DROP COLUMN tool_ids, DROP CONSTRAINT workflow_pattern_tools_used_check, \
             DROP COLUMN embedding_model, DROP COLUMN embedding_stale",
            "DROP FUNCTION workflow_pattern_tool_ids(jsonb)",
            "UPDATE workflow_pattern SET pattern_hash = code_hash \
             WHERE user_id IS NOT NULL AND pattern_hash = encode(sha256(convert_to(code_hash || ':' || user_id::text, 'UTF8')), 'hex')",
            "CREATE UNIQUE INDEX idx_workflow_pattern_code_hash ON workflow_pattern (code_hash) WHERE code_hash IS NOT NULL",
            INTENT_INDEX,
        ]
    }
}
