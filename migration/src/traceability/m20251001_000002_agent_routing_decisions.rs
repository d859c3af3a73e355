//! 002: which agent a prompt was given to, and why. Data: none. Down: drops the table and its rows.
//!
//! `pattern_id` refers to nothing by constraint: the pattern may be gone, and its table comes later.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{check, score, score_null, stamped};
use crate::history::shapes::{defaulted, drop_table, random_uuid_key, reference};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        let mut table = Table::create()
            .table("agent_routing_decisions")
            .col(random_uuid_key("id"))
            .col(uuid("trace_id"))
            .col(text_null("query_text"))
            .col(ColumnDef::new("query_embedding").vector(Some(1536)).null())
            .col(text("agent_selected"))
            .col(text_null("selection_reason"))
            .col(score("confidence_score"))
            .col(score_null("confidence_trigger"))
            .col(score_null("confidence_context"))
            .col(score_null("confidence_capability"))
            .col(score_null("confidence_historical"))
            .col(json_binary_null("alternatives"))
            .col(text("routing_strategy"))
            .col(uuid_null("pattern_id"))
            .col(defaulted(boolean("cache_hit"), "false"))
            .col(integer_null("decision_duration_ms"))
            .col(timestamp_with_time_zone_null("execution_started_at"))
            .col(timestamp_with_time_zone_null("execution_completed_at"))
            .check(check(
                "agent_routing_decisions_confidence_check",
                "confidence_score BETWEEN 0 AND 1 AND confidence_trigger BETWEEN 0 AND 1 AND confidence_context BETWEEN 0 AND 1 \
                 AND confidence_capability BETWEEN 0 AND 1 AND confidence_historical BETWEEN 0 AND 1",
            ))
            .check(check(
                "agent_routing_decisions_decision_duration_ms_check",
                "decision_duration_ms >= 0",
            ))
            .foreign_key(&mut reference(
                "agent_routing_decisions_trace_id_fkey",
                ("agent_routing_decisions", "trace_id"),
                ("execution_traces", "id"),
                ForeignKeyAction::Cascade,
            ))
            .take();
        statements!["CREATE EXTENSION IF NOT EXISTS vector", stamped(&mut table)]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("agent_routing_decisions")]
    }
}
