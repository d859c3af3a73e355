//! 016: edges between capabilities, with real foreign keys and no edge to oneself.
//! Data: none. Down: drops the table and its edges.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{btree, composite_key, defaulted, drop_table, reference};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        let end = |name, column| {
            reference(
                name,
                ("capability_dependency", column),
                ("workflow_pattern", "pattern_id"),
                ForeignKeyAction::Cascade,
            )
        };
        statements![
            Table::create()
                .table("capability_dependency")
                .col(uuid("from_capability_id"))
                .col(uuid("to_capability_id"))
                .col(defaulted(integer_null("observed_count"), "1"))
                .col(defaulted(float_null("confidence_score"), "0.5"))
                .col(defaulted(text_null("edge_type"), "'sequence'"))
                .col(defaulted(text_null("edge_source"), "'inferred'"))
                .col(defaulted(
                    timestamp_with_time_zone_null("created_at"),
                    "now()"
                ))
                .col(defaulted(
                    timestamp_with_time_zone_null("last_observed"),
                    "now()"
                ))
                .primary_key(&mut composite_key([
                    "from_capability_id",
                    "to_capability_id"
                ]))
                .foreign_key(&mut end(
                    "capability_dependency_from_capability_id_fkey",
                    "from_capability_id"
                ))
                .foreign_key(&mut end(
                    "capability_dependency_to_capability_id_fkey",
                    "to_capability_id"
                ))
                .check((
                    "capability_dependency_check",
                    Expr::col("from_capability_id").ne(Expr::col("to_capability_id")),
                )),
            btree(
                "idx_capability_dep_from",
                "capability_dependency",
                ["from_capability_id"]
            ),
            btree(
                "idx_capability_dep_to",
                "capability_dependency",
                ["to_capability_id"]
            ),
            btree(
                "idx_capability_dep_type",
                "capability_dependency",
                ["edge_type"]
            ),
            btree(
                "idx_capability_dep_type_source",
                "capability_dependency",
                ["edge_type", "edge_source"]
            ),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("capability_dependency")]
    }
}
