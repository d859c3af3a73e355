//! 003: the hooks that ran during an execution. Data: none. Down: drops the table and its rows.
//!
//! `hook_type` is no closed set: the tracer takes it from the hook's name. `execution_order` is not unique within a trace: old
//! tracers count per process and start again at 1.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{check, stamped};
use crate::history::shapes::{defaulted, drop_table, random_uuid_key, reference};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        let mut table = Table::create()
            .table("hook_executions")
            .col(random_uuid_key("id"))
            .col(uuid("trace_id"))
            .col(defaulted(uuid("execution_id"), "gen_random_uuid()"))
            .col(uuid_null("parent_id"))
            .col(text("hook_type"))
            .col(text("hook_name"))
            .col(integer("execution_order"))
            .col(text_null("tool_name"))
            .col(text_null("file_path"))
            .col(defaulted(timestamp_with_time_zone("started_at"), "now()"))
            .col(timestamp_with_time_zone_null("completed_at"))
            .col(integer_null("duration_ms"))
            .col(defaulted(text("status"), "'in_progress'"))
            .col(json_binary_null("input_data"))
            .col(json_binary_null("output_data"))
            .col(json_binary_null("modifications_made"))
            .col(defaulted(boolean("rag_query_performed"), "false"))
            .col(json_binary_null("rag_results"))
            .col(defaulted(boolean("quality_check_performed"), "false"))
            .col(json_binary_null("quality_results"))
            .col(array_null(
                "intelligence_functions_executed",
                ColumnType::Text,
            ))
            .col(array_null("quality_gates_validated", ColumnType::Text))
            .col(text_null("error_message"))
            .col(text_null("error_type"))
            .col(text_null("error_stack"))
            .col(json_binary_null("metadata"))
            .check(check(
                "hook_executions_status_check",
                "status IN ('in_progress', 'completed', 'failed')",
            ))
            .check(check(
                "hook_executions_execution_order_check",
                "execution_order >= 1",
            ))
            .check(check(
                "hook_executions_duration_ms_check",
                "duration_ms >= 0",
            ))
            .foreign_key(&mut reference(
                "hook_executions_trace_id_fkey",
                ("hook_executions", "trace_id"),
                ("execution_traces", "id"),
                ForeignKeyAction::Cascade,
            ))
            .take();
        statements![stamped(&mut table)]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("hook_executions")]
    }
}
