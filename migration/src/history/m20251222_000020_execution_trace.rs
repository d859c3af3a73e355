//! 020: what happened on every run, as the material to learn from; it takes over from `workflow_execution`.
//! Data: copies every run, under its own id and with its time read as UTC. The run's graph and code stay where they are.
//! Down: drops the table; runs recorded since are lost, the copied ones still stand in `workflow_execution`.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{
    btree, btree_desc, btree_present, defaulted, drop_table, gin, random_uuid_key, reference,
};
use crate::step::Step;

pub(super) const TABLE_COMMENT: &str =
    "COMMENT ON TABLE execution_trace IS 'One row per run, linked to the capability that ran'";

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            execution_trace(),
            btree(
                "idx_exec_trace_capability",
                "execution_trace",
                ["capability_id"]
            ),
            btree_desc(
                "idx_exec_trace_timestamp",
                "execution_trace",
                [],
                "executed_at"
            ),
            btree("idx_exec_trace_user", "execution_trace", ["user_id"]),
            gin("idx_exec_trace_path", "execution_trace", "executed_path"),
            btree_desc(
                "idx_exec_trace_priority",
                "execution_trace",
                ["capability_id"],
                "priority"
            ),
            btree_present(
                "idx_exec_trace_parent",
                "execution_trace",
                "parent_trace_id"
            ),
            TABLE_COMMENT,
            "COMMENT ON COLUMN execution_trace.priority IS 'Replay weight: 0 expected, 0.5 unknown, 1 surprising'",
            "COMMENT ON COLUMN execution_trace.executed_path IS 'Node ids in the order they ran'",
            "COMMENT ON COLUMN execution_trace.decisions IS 'Branches taken: a JSON array'",
            "COMMENT ON COLUMN execution_trace.task_results IS 'Outcome of each task: a JSON array'",
            "COMMENT ON COLUMN execution_trace.initial_context IS 'Arguments the run started with: a JSON object'",
            include_str!("m20251222_000020_execution_trace.sql"),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("execution_trace")]
    }
}

fn execution_trace() -> TableCreateStatement {
    Table::create()
        .table("execution_trace")
        .col(random_uuid_key("id"))
        .col(uuid_null("capability_id"))
        .col(text_null("intent_text"))
        .col(defaulted(json_binary_null("initial_context"), "'{}'"))
        .col(defaulted(
            timestamp_with_time_zone_null("executed_at"),
            "now()",
        ))
        .col(boolean("success"))
        .col(integer("duration_ms"))
        .col(text_null("error_message"))
        .col(defaulted(text_null("user_id"), "'local'"))
        .col(defaulted(text_null("created_by"), "'local'"))
        .col(text_null("updated_by"))
        .col(array_null("executed_path", ColumnType::Text))
        .col(defaulted(json_binary_null("decisions"), "'[]'"))
        .col(defaulted(json_binary_null("task_results"), "'[]'"))
        .col(defaulted(double_null("priority"), "0.5"))
        .col(uuid_null("parent_trace_id"))
        .foreign_key(&mut reference(
            "execution_trace_capability_id_fkey",
            ("execution_trace", "capability_id"),
            ("workflow_pattern", "pattern_id"),
            ForeignKeyAction::SetNull,
        ))
        .foreign_key(&mut reference(
            "execution_trace_parent_trace_id_fkey",
            ("execution_trace", "parent_trace_id"),
            ("execution_trace", "id"),
            ForeignKeyAction::SetNull,
        ))
        .take()
}
