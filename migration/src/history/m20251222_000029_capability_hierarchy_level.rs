//! 029: how deep capabilities are nested. 0 contains none; any other is one above the deepest it contains.
//! Data: computes the depth over the `contains` edges. Edges that lie on a cycle do not count: members of a cycle, and what
//! stands above them, get the depth of the rest. Down: drops the column; depths can be computed again.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{btree, defaulted, drop_columns};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            Table::alter()
                .table("workflow_pattern")
                .add_column(defaulted(integer_null("hierarchy_level"), "0")),
            include_str!("m20251222_000029_capability_hierarchy_level.sql"),
            btree(
                "idx_workflow_pattern_hierarchy_level",
                "workflow_pattern",
                ["hierarchy_level"]
            )
            .and_where(Expr::col("hierarchy_level").gt(0)),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_columns("workflow_pattern", ["hierarchy_level"])]
    }
}
