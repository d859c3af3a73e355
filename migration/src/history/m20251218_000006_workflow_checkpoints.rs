//! 006: snapshots of a workflow's state, so that a run can be resumed. Data: none. Down: drops the table and its rows.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{btree, btree_desc, defaulted, drop_table, text_key};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            Table::create()
                .table("workflow_checkpoint")
                .col(text_key("id"))
                .col(text("workflow_id"))
                .col(defaulted(
                    timestamp_with_time_zone_null("timestamp"),
                    "now()"
                ))
                .col(integer("layer"))
                .col(json_binary("state"))
                .check(("chk_layer_non_negative", Expr::col("layer").gte(0))),
            btree_desc(
                "idx_checkpoint_workflow_ts",
                "workflow_checkpoint",
                ["workflow_id"],
                "timestamp"
            ),
            btree(
                "idx_checkpoint_workflow_id",
                "workflow_checkpoint",
                ["workflow_id"]
            ),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("workflow_checkpoint")]
    }
}
