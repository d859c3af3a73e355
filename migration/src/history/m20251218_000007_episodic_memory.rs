//! 007: the events of workflow episodes, and the thresholds learned per context.
//! Data: none. Down: drops both tables and their rows.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{btree, btree_desc, defaulted, drop_table, gin, text_key};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            episodic_events(),
            btree("idx_episodic_workflow", "episodic_events", ["workflow_id"]),
            btree("idx_episodic_type", "episodic_events", ["event_type"]),
            btree_desc("idx_episodic_timestamp", "episodic_events", [], "timestamp"),
            btree(
                "idx_episodic_context_hash",
                "episodic_events",
                ["context_hash"]
            ),
            gin("idx_episodic_data", "episodic_events", "data"),
            adaptive_thresholds(),
            gin(
                "idx_adaptive_context_keys",
                "adaptive_thresholds",
                "context_keys"
            ),
            btree_desc(
                "idx_adaptive_updated",
                "adaptive_thresholds",
                [],
                "updated_at"
            ),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![
            drop_table("adaptive_thresholds"),
            drop_table("episodic_events")
        ]
    }
}

fn episodic_events() -> TableCreateStatement {
    let event_types = Expr::col("event_type").is_in([
        "speculation_start",
        "task_complete",
        "ail_decision",
        "hil_decision",
        "workflow_start",
        "workflow_complete",
    ]);
    Table::create()
        .table("episodic_events")
        .col(text_key("id"))
        .col(text("workflow_id"))
        .col(text("event_type"))
        .col(text_null("task_id"))
        .col(defaulted(
            timestamp_with_time_zone_null("timestamp"),
            "now()",
        ))
        .col(text_null("context_hash"))
        .col(json_binary("data"))
        .check(("chk_event_type", event_types))
        .take()
}

fn adaptive_thresholds() -> TableCreateStatement {
    Table::create()
        .table("adaptive_thresholds")
        .col(text_key("context_hash"))
        .col(json_binary("context_keys"))
        .col(defaulted(float("suggestion_threshold"), "0.70"))
        .col(defaulted(float("explicit_threshold"), "0.50"))
        .col(float_null("success_rate"))
        .col(defaulted(integer_null("sample_count"), "0"))
        .col(defaulted(
            timestamp_with_time_zone_null("created_at"),
            "now()",
        ))
        .col(defaulted(
            timestamp_with_time_zone_null("updated_at"),
            "now()",
        ))
        .check((
            "chk_suggestion_threshold",
            Expr::cust("suggestion_threshold >= 0.40 AND suggestion_threshold <= 0.90"),
        ))
        .check((
            "chk_explicit_threshold",
            Expr::cust("explicit_threshold >= 0.30 AND explicit_threshold <= 0.80"),
        ))
        .check((
            "chk_success_rate",
            Expr::cust("success_rate IS NULL OR (success_rate >= 0.0 AND success_rate <= 1.0)"),
        ))
        .take()
}
