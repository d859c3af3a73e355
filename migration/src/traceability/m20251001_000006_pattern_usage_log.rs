//! 006: each time a pattern matched a request. It lives longer than the trace, hence both `trace_id`, which goes null when the
//! trace is archived, and `correlation_id`, which stays. Data: none. Down: drops the table and its rows.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{check, score, stamped};
use crate::history::shapes::{defaulted, drop_table, random_uuid_key, reference};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        let mut table = Table::create()
            .table("pattern_usage_log")
            .col(random_uuid_key("id"))
            .col(uuid("pattern_id"))
            .col(uuid_null("trace_id"))
            .col(uuid("correlation_id"))
            .col(text("user_request"))
            .col(score("match_score"))
            .col(boolean("used"))
            .col(text_null("outcome"))
            .col(boolean_null("success"))
            .col(json_binary_null("deviations"))
            .col(integer_null("expected_duration_ms"))
            .col(integer_null("actual_duration_ms"))
            .col(double_null("performance_variance"))
            .col(text_null("user_feedback"))
            .col(defaulted(timestamp_with_time_zone("used_at"), "now()"))
            .check(check(
                "pattern_usage_log_outcome_check",
                "outcome IN ('success', 'failure', 'partial_success')",
            ))
            .check(check(
                "pattern_usage_log_match_score_check",
                "match_score BETWEEN 0 AND 1",
            ))
            .foreign_key(&mut reference(
                "pattern_usage_log_pattern_id_fkey",
                ("pattern_usage_log", "pattern_id"),
                ("success_patterns", "pattern_id"),
                ForeignKeyAction::Cascade,
            ))
            .foreign_key(&mut reference(
                "pattern_usage_log_trace_id_fkey",
                ("pattern_usage_log", "trace_id"),
                ("execution_traces", "id"),
                ForeignKeyAction::SetNull,
            ))
            .take();
        statements![stamped(&mut table)]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("pattern_usage_log")]
    }
}
