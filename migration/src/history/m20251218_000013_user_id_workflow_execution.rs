//! 013: who owns a run. Data: runs without an owner belong to `local`; there is no default for later ones.
//! Down: drops the columns; the owners are lost.

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
                .table("workflow_execution")
                .add_column(text_null("user_id"))
                .add_column(text_null("created_by"))
                .add_column(text_null("updated_by")),
            "UPDATE workflow_execution SET user_id = 'local' WHERE user_id IS NULL",
            btree(
                "idx_workflow_execution_user_id",
                "workflow_execution",
                ["user_id"]
            ),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_columns(
            "workflow_execution",
            ["user_id", "created_by", "updated_by"]
        )]
    }
}
