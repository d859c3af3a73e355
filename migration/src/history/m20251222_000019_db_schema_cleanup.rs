//! 019: three unused tables and a redundant column go; audit rows are tied to the capability they speak of.
//! Data: removes the audit rows that name no existing capability, and only those. Safe to run again at its own version.
//! The foreign key is the recorded one (SET NULL on a NOT NULL column), so a capability with audit rows cannot be deleted.
//! Down: brings the tables and the column back empty; their rows and the unlinked audit rows are gone.

use sea_orm_migration::prelude::*;

use super::{
    m20251218_000004_mcp_tool_tables as mcp_tool_tables,
    m20251218_000008_workflow_dags as workflow_dags,
    m20251218_000009_tool_dependency_source as tool_dependency_source,
};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            "DROP TABLE IF EXISTS workflow_dags CASCADE",
            "DROP TABLE IF EXISTS mcp_tool CASCADE",
            "DROP TABLE IF EXISTS mcp_server CASCADE",
            Table::alter()
                .table("tool_dependency")
                .drop_column_if_exists("source"),
            include_str!("m20251222_000019_db_schema_cleanup.sql"),
        ]
    }

    fn down(&self) -> Vec<String> {
        let mut statements = statements![
            Table::alter()
                .table("permission_audit_log")
                .drop_foreign_key("fk_permission_audit_capability"),
            "ALTER TABLE permission_audit_log ALTER COLUMN capability_id TYPE text",
        ];
        statements.extend(tool_dependency_source::Migration.up());
        statements.extend(mcp_tool_tables::Migration.up());
        statements.extend(workflow_dags::Migration.up());
        statements
    }
}
