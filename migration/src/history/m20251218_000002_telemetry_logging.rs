//! 002: numeric samples over time. Data: none. Down: drops the table and its samples.

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
                .table("metrics")
                .col(serial_key("id"))
                .col(text("metric_name"))
                .col(float("value"))
                .col(json_binary_null("metadata"))
                .col(defaulted(timestamp_null("timestamp"), "now()")),
            btree_desc(
                "idx_metrics_name_timestamp",
                "metrics",
                ["metric_name"],
                "timestamp"
            ),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("metrics")]
    }
}
