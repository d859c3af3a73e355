//! 024: the kind of error, so that failures can be learned from by category.
//! Data: classifies the message of every failed run, in one statement; a run without a message keeps null.
//! Down: drops the column; what later writers classified is lost.

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
                .table("execution_trace")
                .add_column(text_null("error_type")),
            include_str!("m20251222_000024_error_type_column.sql"),
            btree_present("idx_exec_trace_error_type", "execution_trace", "error_type"),
            "COMMENT ON COLUMN execution_trace.error_type IS
             'TIMEOUT, PERMISSION, NOT_FOUND, VALIDATION, NETWORK or UNKNOWN; null: no error'",
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_columns("execution_trace", ["error_type"])]
    }
}
