//! 008: which errors keep coming back, and what helps. Data: none. Down: drops the table and its rows.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{check, score_null, stamped};
use crate::history::shapes::{defaulted, drop_table, random_uuid_key};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        let mut table = Table::create()
            .table("error_patterns")
            .col(random_uuid_key("id"))
            .col(text("error_type"))
            .col(text_null("error_category"))
            .col(text("error_message_pattern"))
            .col(text_null("agent"))
            .col(text_null("hook_type"))
            .col(text_null("endpoint_path"))
            .col(defaulted(
                array("affected_agents", ColumnType::Text),
                "'{}'",
            ))
            .col(defaulted(integer("occurrence_count"), "1"))
            .col(defaulted(
                timestamp_with_time_zone("first_seen_at"),
                "now()",
            ))
            .col(defaulted(
                timestamp_with_time_zone("last_occurrence_at"),
                "now()",
            ))
            .col(array("sample_correlation_ids", ColumnType::Uuid))
            .col(json_binary_null("resolution_pattern"))
            .col(score_null("resolution_success_rate"))
            .col(json_binary_null("prevention_strategies"))
            .col(text_null("severity"))
            .col(array_null("tags", ColumnType::Text))
            .check(check(
                "error_patterns_error_category_check",
                "error_category IN ('network', 'validation', 'system', 'integration')",
            ))
            .check(check(
                "error_patterns_severity_check",
                "severity IN ('critical', 'high', 'medium', 'low')",
            ))
            .check(check(
                "error_patterns_occurrence_count_check",
                "occurrence_count >= 0",
            ))
            .check(check(
                "error_patterns_resolution_success_rate_check",
                "resolution_success_rate BETWEEN 0 AND 1",
            ))
            .take();
        statements![stamped(&mut table)]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("error_patterns")]
    }
}
