//! 004: the services that were called during an execution. Data: none. Down: drops the table and its rows.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{check, score_null, stamped};
use crate::history::shapes::{defaulted, drop_table, random_uuid_key, reference};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        let mut table = Table::create()
            .table("endpoint_calls")
            .col(random_uuid_key("id"))
            .col(uuid("trace_id"))
            .col(uuid_null("hook_execution_id"))
            .col(text("service_name"))
            .col(text("endpoint_path"))
            .col(text("http_method"))
            .col(json_binary_null("request_body"))
            .col(json_binary_null("response_body"))
            .col(integer_null("response_status"))
            .col(text_null("rag_query"))
            .col(score_null("quality_score"))
            .col(defaulted(timestamp_with_time_zone("started_at"), "now()"))
            .col(timestamp_with_time_zone_null("completed_at"))
            .col(integer_null("duration_ms"))
            .col(boolean("success"))
            .col(text_null("error_message"))
            .col(text_null("error_type"))
            .col(defaulted(integer("retry_count"), "0"))
            .col(json_binary_null("headers"))
            .col(json_binary_null("context"))
            .check(check(
                "endpoint_calls_quality_score_check",
                "quality_score BETWEEN 0 AND 1",
            ))
            .check(check(
                "endpoint_calls_duration_ms_check",
                "duration_ms >= 0",
            ))
            .check(check(
                "endpoint_calls_retry_count_check",
                "retry_count >= 0",
            ))
            .foreign_key(&mut reference(
                "endpoint_calls_trace_id_fkey",
                ("endpoint_calls", "trace_id"),
                ("execution_traces", "id"),
                ForeignKeyAction::Cascade,
            ))
            .foreign_key(&mut reference(
                "endpoint_calls_hook_execution_id_fkey",
                ("endpoint_calls", "hook_execution_id"),
                ("hook_executions", "id"),
                ForeignKeyAction::SetNull,
            ))
            .take();
        statements![stamped(&mut table)]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("endpoint_calls")]
    }
}
