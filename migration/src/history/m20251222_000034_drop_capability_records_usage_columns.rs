//! 034: usage counters the registry never kept up to date go; the ones of the pattern count.
//! Data: none, the dropped counters held nothing true. Down: brings the columns back as zeros.

use sea_orm_migration::{prelude::*, schema::*};

use super::m20251222_000028_capability_uuid_pk as capability_uuid_pk;
use super::shapes::{defaulted, drop_columns};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            drop_columns(
                "capability_records",
                ["usage_count", "success_count", "total_latency_ms"],
            ),
            "COMMENT ON TABLE capability_records IS
             'The names of capabilities: a stable id and the parts of the full name; usage is counted in workflow_pattern'",
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![
            Table::alter()
                .table("capability_records")
                .add_column(defaulted(integer("usage_count"), "0"))
                .add_column(defaulted(integer("success_count"), "0"))
                .add_column(defaulted(big_integer("total_latency_ms"), "0")),
            capability_uuid_pk::TABLE_COMMENT,
        ]
    }
}
