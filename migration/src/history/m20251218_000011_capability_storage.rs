//! 011: a pattern becomes a stored capability (code, hash, schema, statistics), and a run records its code.
//! Data: existing patterns take the defaults (rate 1.0, source `emergent`, cache for an hour).
//! Down: drops the columns; code, names, descriptions and statistics are lost.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{btree_present, defaulted, drop_columns};
use crate::step::Step;

const CACHE_AN_HOUR: &str = r#"'{"ttl_ms": 3600000, "cacheable": true}'"#;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            Table::alter()
                .table("workflow_pattern")
                .add_column(text_null("code_snippet"))
                .add_column(text_null("code_hash"))
                .add_column(json_binary_null("parameters_schema"))
                .add_column(defaulted(json_binary_null("cache_config"), CACHE_AN_HOUR))
                .add_column(text_null("name"))
                .add_column(text_null("description"))
                .add_column(defaulted(float_null("success_rate"), "1.0"))
                .add_column(defaulted(integer_null("avg_duration_ms"), "0"))
                .add_column(defaulted(
                    timestamp_with_time_zone_null("created_at"),
                    "now()"
                ))
                .add_column(defaulted(text_null("source"), "'emergent'")),
            btree_present(
                "idx_workflow_pattern_code_hash",
                "workflow_pattern",
                "code_hash"
            )
            .unique(),
            Table::alter()
                .table("workflow_execution")
                .add_column(text_null("code_snippet"))
                .add_column(text_null("code_hash")),
            btree_present(
                "idx_workflow_execution_code_hash",
                "workflow_execution",
                "code_hash"
            ),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![
            drop_columns("workflow_execution", ["code_snippet", "code_hash"]),
            drop_columns(
                "workflow_pattern",
                [
                    "code_snippet",
                    "code_hash",
                    "parameters_schema",
                    "cache_config",
                    "name",
                    "description",
                    "success_rate",
                    "avg_duration_ms",
                    "created_at",
                    "source",
                ],
            ),
        ]
    }
}
