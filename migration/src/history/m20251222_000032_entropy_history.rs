//! 032: how ordered the tool graph was over time. There is no 031. Data: none. Down: drops the table and its measurements.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{btree_desc, defaulted, drop_table, serial_key};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            Table::create()
                .table("entropy_history")
                .col(serial_key("id"))
                .col(defaulted(
                    timestamp_with_time_zone("recorded_at"),
                    "CURRENT_TIMESTAMP"
                ))
                .col(float("von_neumann_entropy"))
                .col(float("structural_entropy"))
                .col(float("normalized_entropy"))
                .col(float_null("semantic_entropy"))
                .col(float_null("semantic_diversity"))
                .col(float_null("avg_cosine_similarity"))
                .col(float_null("dual_entropy"))
                .col(text("health_status"))
                .col(float("threshold_low"))
                .col(float("threshold_high"))
                .col(integer("node_count"))
                .col(integer("edge_count"))
                .col(defaulted(integer("hyperedge_count"), "0"))
                .col(json_binary_null("entropy_by_order"))
                .col(text_null("user_id"))
                .col(float_null("compute_time_ms"))
                .check((
                    "entropy_history_health_status_check",
                    Expr::col("health_status").is_in(["rigid", "healthy", "chaotic"]),
                )),
            btree_desc(
                "idx_entropy_history_recorded_at",
                "entropy_history",
                [],
                "recorded_at"
            ),
            btree_desc(
                "idx_entropy_history_user_time",
                "entropy_history",
                ["user_id"],
                "recorded_at"
            )
            .and_where(Expr::col("user_id").is_not_null()),
            btree_desc(
                "idx_entropy_history_health",
                "entropy_history",
                ["health_status"],
                "recorded_at"
            ),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("entropy_history")]
    }
}
