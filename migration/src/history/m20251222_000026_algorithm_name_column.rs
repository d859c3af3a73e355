//! 026: which algorithm decided, and which decisions belong together. Data: none. Down: drops both columns.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{btree, drop_columns};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            Table::alter()
                .table("algorithm_traces")
                .add_column(text_null("algorithm_name"))
                .add_column(uuid_null("correlation_id")),
            btree(
                "idx_algorithm_traces_algorithm_name",
                "algorithm_traces",
                ["algorithm_name"]
            ),
            btree(
                "idx_algorithm_traces_correlation_id",
                "algorithm_traces",
                ["correlation_id"]
            ),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_columns(
            "algorithm_traces",
            ["algorithm_name", "correlation_id"]
        )]
    }
}
