//! 107: a vector and an edge refer to a tool that exists. `tool_schema` holds operations (`code:filter`) and tools nobody has
//! seen a definition of yet as rows of their own kind; it learns to tell a changed definition by its hash, and to keep a tool
//! that its server no longer offers. Vectors name their model.
//! Data: tools that a vector or an edge names and nobody defined are created; vectors of the older system are of `bge-m3`.
//! Down: tools that stand only because a vector or an edge names them go, their vectors and edges stay; models, hashes and
//! removal times are lost.

use super::shapes::{btree, drop_check, drop_index, one_of};
use crate::step::Step;

const KINDS: &[&str] = &["mcp", "operation", "unresolved"];

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            "ALTER TABLE tool_schema ADD COLUMN kind text NOT NULL DEFAULT 'mcp', ADD COLUMN content_hash text, \
             ADD COLUMN removed_at timestamptz, \
             ADD CONSTRAINT tool_schema_content_hash_check CHECK (content_hash ~ '^[0-9a-f]{64}$')",
            include_str!("m20261121_000107_tool_keys.tools.sql"),
            one_of("tool_schema", "kind", KINDS),
            drop_index("idx_tool_schema_server_id"),
            btree(
                "idx_tool_schema_server_id",
                "tool_schema",
                ["server_id", "tool_id"]
            ),
            tool_key("tool_embedding", "tool_id"),
            tool_key("tool_dependency", "from_tool_id"),
            tool_key("tool_dependency", "to_tool_id"),
            // A constant default fills existing rows without rewriting them; new rows must name their model.
            "ALTER TABLE tool_embedding ADD COLUMN model text NOT NULL DEFAULT 'bge-m3', \
             ADD COLUMN content_hash text NOT NULL DEFAULT ''",
            "ALTER TABLE tool_embedding ALTER COLUMN model DROP DEFAULT",
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![
            "ALTER TABLE tool_embedding DROP CONSTRAINT tool_embedding_tool_id_fkey, DROP COLUMN model, \
             DROP COLUMN content_hash",
            "ALTER TABLE tool_dependency DROP CONSTRAINT tool_dependency_from_tool_id_fkey, \
             DROP CONSTRAINT tool_dependency_to_tool_id_fkey",
            include_str!("m20261121_000107_tool_keys.down.sql"),
            drop_index("idx_tool_schema_server_id"),
            btree("idx_tool_schema_server_id", "tool_schema", ["server_id"]),
            drop_check("tool_schema", "kind"),
            "ALTER TABLE tool_schema DROP COLUMN kind, DROP COLUMN content_hash, DROP COLUMN removed_at",
        ]
    }
}

fn tool_key(table: &'static str, column: &'static str) -> String {
    format!(
        "ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_fkey FOREIGN KEY ({column}) \
         REFERENCES tool_schema (tool_id) ON DELETE CASCADE"
    )
}
