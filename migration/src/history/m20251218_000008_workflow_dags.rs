//! 008: the graph of a running workflow, for an hour, so that any process can continue it; 019 moves that out of SQL.
//! Data: none. Down: drops the table and its rows.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{btree, defaulted, drop_table, text_key};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            Table::create()
                .table("workflow_dags")
                .col(text_key("workflow_id"))
                .col(json_binary("dag"))
                .col(text_null("intent"))
                .col(defaulted(
                    timestamp_with_time_zone_null("created_at"),
                    "now()"
                ))
                .col(defaulted(
                    timestamp_with_time_zone_null("expires_at"),
                    "now() + interval '1 hour'"
                )),
            btree("idx_workflow_dags_expires", "workflow_dags", ["expires_at"]),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("workflow_dags")]
    }
}
