//! 007: which agents hand work on to which. Data: none. Down: drops the table and its rows.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{check, score, stamped};
use crate::history::shapes::{defaulted, drop_table, random_uuid_key};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        let mut table = Table::create()
            .table("agent_chaining_patterns")
            .col(random_uuid_key("id"))
            .col(text("primary_agent"))
            .col(array("delegated_agents", ColumnType::Text))
            .col(integer("delegation_depth"))
            .col(text("trigger_context"))
            .col(defaulted(score("success_rate"), "1.0"))
            .col(defaulted(integer("usage_count"), "0"))
            .col(integer("avg_total_duration_ms"))
            .col(integer("avg_coordination_overhead_ms"))
            .col(array("source_traces", ColumnType::Uuid))
            .col(array_null("tags", ColumnType::Text))
            .col(timestamp_with_time_zone_null("last_used_at"))
            .check(check(
                "agent_chaining_patterns_success_rate_check",
                "success_rate BETWEEN 0 AND 1",
            ))
            .check(check(
                "agent_chaining_patterns_counts_check",
                "delegation_depth >= 0 AND usage_count >= 0 AND avg_total_duration_ms >= 0 AND avg_coordination_overhead_ms >= 0",
            ))
            .take();
        statements![stamped(&mut table)]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("agent_chaining_patterns")]
    }
}
