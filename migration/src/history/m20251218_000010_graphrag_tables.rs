//! 010: runs, reusable patterns with the vector of the intent they answer, and tunable numbers.
//! Data: seeds the three default thresholds. Down: drops the three tables, tuned thresholds included.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{btree_desc, defaulted, drop_table, hnsw, random_uuid_key, text_key};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            Table::create()
                .table("workflow_execution")
                .col(random_uuid_key("execution_id"))
                .col(defaulted(timestamp_null("executed_at"), "now()"))
                .col(text_null("intent_text"))
                .col(json_binary("dag_structure"))
                .col(boolean("success"))
                .col(integer("execution_time_ms"))
                .col(text_null("error_message")),
            btree_desc(
                "idx_execution_timestamp",
                "workflow_execution",
                [],
                "executed_at"
            ),
            Table::create()
                .table("workflow_pattern")
                .col(random_uuid_key("pattern_id"))
                .col(text_uniq("pattern_hash"))
                .col(json_binary("dag_structure"))
                .col(
                    ColumnDef::new("intent_embedding")
                        .vector(Some(1024))
                        .not_null()
                )
                .col(defaulted(integer_null("usage_count"), "1"))
                .col(defaulted(integer_null("success_count"), "0"))
                .col(defaulted(timestamp_null("last_used"), "now()")),
            hnsw(
                "idx_pattern_intent_embedding",
                "workflow_pattern",
                "intent_embedding"
            ),
            Table::create()
                .table("adaptive_config")
                .col(text_key("config_key"))
                .col(float("config_value"))
                .col(defaulted(timestamp_null("last_updated"), "now()"))
                .col(defaulted(integer_null("total_samples"), "0")),
            "INSERT INTO adaptive_config (config_key, config_value, total_samples) VALUES
                ('threshold_speculative', 0.85, 0),
                ('threshold_suggestion', 0.70, 0),
                ('threshold_explicit', 0.70, 0)
             ON CONFLICT (config_key) DO NOTHING",
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![
            drop_table("adaptive_config"),
            drop_table("workflow_pattern"),
            drop_table("workflow_execution"),
        ]
    }
}
