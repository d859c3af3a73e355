//! 017: the sandbox permissions a capability seems to need, and how sure that is.
//! Data: existing patterns take `minimal` / 0, by the defaults. Down: drops the columns and what was inferred or granted.

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
                .add_column(defaulted(
                    string_len_null("permission_set", 50),
                    "'minimal'"
                ))
                .add_column(defaulted(float_null("permission_confidence"), "0.0")),
            btree(
                "idx_workflow_pattern_permission",
                "workflow_pattern",
                ["permission_set"]
            ),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_columns(
            "workflow_pattern",
            ["permission_set", "permission_confidence"]
        )]
    }
}
