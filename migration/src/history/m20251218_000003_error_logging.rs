//! 003: errors kept for a later diagnosis. Data: none. Down: drops the table and its records.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{btree, btree_desc, defaulted, drop_table, serial_key};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            Table::create()
                .table("error_log")
                .col(serial_key("id"))
                .col(text("error_type"))
                .col(text("message"))
                .col(text_null("stack"))
                .col(json_binary_null("context"))
                .col(defaulted(timestamp_null("timestamp"), "now()")),
            btree_desc("idx_error_log_timestamp", "error_log", [], "timestamp"),
            btree("idx_error_log_type", "error_log", ["error_type"]),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("error_log")]
    }
}
