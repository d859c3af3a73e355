//! 001: the master table, one row per execution. Children point at `id`; the world knows it by `correlation_id`.
//! Data: none. Down: drops the table and its rows.
//!
//! No column may be generated and none may be put anywhere but at the end: the archive takes rows over as they stand.
//! A final status without `completed_at` is allowed, because the documented smoke insert has it.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{check, stamped};
use crate::history::shapes::{defaulted, drop_table, random_uuid_key};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        let mut table = Table::create()
            .table("execution_traces")
            .col(random_uuid_key("id"))
            .col(uuid("correlation_id"))
            .col(uuid("root_id"))
            .col(uuid_null("parent_id"))
            .col(uuid("session_id"))
            .col(text_null("user_id"))
            .col(text("source"))
            .col(text_null("prompt_text"))
            .col(defaulted(timestamp_with_time_zone("started_at"), "now()"))
            .col(timestamp_with_time_zone_null("completed_at"))
            .col(integer_null("duration_ms"))
            .col(defaulted(text("status"), "'in_progress'"))
            .col(boolean_null("success"))
            .col(text_null("error_message"))
            .col(text_null("error_type"))
            .col(json_binary_null("context"))
            .col(array_null("tags", ColumnType::Text))
            .check(check(
                "execution_traces_status_check",
                "status IN ('in_progress', 'completed', 'failed', 'cancelled')",
            ))
            .check(check(
                "execution_traces_duration_ms_check",
                "duration_ms >= 0",
            ))
            .take();
        statements![
            stamped(&mut table),
            "ALTER TABLE execution_traces ADD CONSTRAINT execution_traces_correlation_id_key UNIQUE (correlation_id)",
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("execution_traces")]
    }
}
