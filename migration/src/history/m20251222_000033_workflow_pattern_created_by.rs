//! 033: who made a pattern. Data: existing patterns belong to `local`, by the default. Down: drops the column; makers are lost.

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
                .add_column(defaulted(text_null("created_by"), "'local'")),
            btree(
                "idx_workflow_pattern_created_by",
                "workflow_pattern",
                ["created_by"]
            ),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_columns("workflow_pattern", ["created_by"])]
    }
}
