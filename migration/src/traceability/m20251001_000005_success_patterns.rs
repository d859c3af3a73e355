//! 005: what worked, ready to be found again and replayed. Data: none. Down: drops the table and its rows.
//!
//! `source_correlation_id` refers to nothing by constraint: a pattern outlives the trace it was taken from.

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
            .table("success_patterns")
            .col(random_uuid_key("id"))
            .col(defaulted(uuid("pattern_id"), "gen_random_uuid()"))
            .col(text("pattern_hash"))
            .col(uuid("source_correlation_id"))
            .col(text("prompt_text"))
            .col(ColumnDef::new("prompt_embedding").vector(Some(1536)).null())
            .col(text_null("intent_classification"))
            .col(defaulted(array("keywords", ColumnType::Text), "'{}'"))
            .col(defaulted(array("agent_sequence", ColumnType::Text), "'{}'"))
            .col(text_null("routing_strategy"))
            .col(defaulted(json_binary("hook_sequence"), "'[]'"))
            .col(defaulted(json_binary("endpoint_pattern"), "'[]'"))
            .col(integer("avg_duration_ms"))
            .col(integer("min_duration_ms"))
            .col(integer("max_duration_ms"))
            .col(defaulted(integer("avg_hook_count"), "0"))
            .col(defaulted(integer("avg_endpoint_count"), "0"))
            .col(defaulted(integer("avg_rag_query_count"), "0"))
            .col(score("success_score"))
            .col(defaulted(integer("total_usage_count"), "0"))
            .col(defaulted(integer("success_count"), "0"))
            .col(defaulted(integer("failure_count"), "0"))
            .col(ColumnDef::new("success_rate").decimal_len(5, 4).generated(
                Expr::cust(
                    "CASE WHEN total_usage_count = 0 THEN 1.0 ELSE round(success_count::numeric / total_usage_count, 4) END",
                ),
                true,
            ))
            .col(defaulted(score("confidence_score"), "0.5"))
            .col(json_binary_null("context"))
            .col(array_null("tags", ColumnType::Text))
            .col(timestamp_with_time_zone_null("last_used_at"))
            .check(check(
                "success_patterns_durations_check",
                "avg_duration_ms >= 0 AND min_duration_ms >= 0 AND max_duration_ms >= min_duration_ms",
            ))
            .check(check(
                "success_patterns_scores_check",
                "success_score BETWEEN 0 AND 1 AND confidence_score BETWEEN 0 AND 1",
            ))
            .check(check(
                "success_patterns_counts_check",
                "success_count >= 0 AND failure_count >= 0 AND success_count + failure_count <= total_usage_count",
            ))
            .take();
        statements![
            "CREATE EXTENSION IF NOT EXISTS vector",
            stamped(&mut table),
            "ALTER TABLE success_patterns ADD CONSTRAINT success_patterns_pattern_id_key UNIQUE (pattern_id)",
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("success_patterns")]
    }
}
