//! 014: one row per scoring decision, so that a ranking can be explained. Data: none. Down: drops the table and its rows.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{btree, defaulted, drop_table, gin, random_uuid_key};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            Table::create()
                .table("algorithm_traces")
                .col(random_uuid_key("trace_id"))
                .col(defaulted(
                    timestamp_with_time_zone_null("timestamp"),
                    "now()"
                ))
                .col(text("algorithm_mode"))
                .col(text("target_type"))
                .col(text_null("intent"))
                .col(text_null("context_hash"))
                .col(defaulted(json_binary("signals"), "'{}'"))
                .col(defaulted(json_binary("params"), "'{}'"))
                .col(float("final_score"))
                .col(float("threshold_used"))
                .col(text("decision"))
                .col(json_binary_null("outcome"))
                .col(defaulted(
                    timestamp_with_time_zone_null("created_at"),
                    "now()"
                )),
            btree(
                "idx_algorithm_traces_timestamp",
                "algorithm_traces",
                ["timestamp"]
            ),
            btree(
                "idx_algorithm_traces_mode",
                "algorithm_traces",
                ["algorithm_mode"]
            ),
            btree(
                "idx_algorithm_traces_target_type",
                "algorithm_traces",
                ["target_type"]
            ),
            btree(
                "idx_algorithm_traces_decision",
                "algorithm_traces",
                ["decision"]
            ),
            gin(
                "idx_algorithm_traces_signals_gin",
                "algorithm_traces",
                "signals"
            ),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("algorithm_traces")]
    }
}
