//! 015: the cluster a capability belongs to. Data: none. Down: drops the column; clusters can be computed again.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{btree_present, drop_columns};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            Table::alter()
                .table("workflow_pattern")
                .add_column(integer_null("community_id")),
            btree_present(
                "idx_workflow_pattern_community_id",
                "workflow_pattern",
                "community_id"
            ),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_columns("workflow_pattern", ["community_id"])]
    }
}
