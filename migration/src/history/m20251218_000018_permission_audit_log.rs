//! 018: who asked for more permissions, and who allowed it. `timestamp` holds epoch milliseconds, `approved` 0 or 1.
//! Data: none. Down: drops the audit trail.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{btree, btree_desc, drop_table, text_key};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            Table::create()
                .table("permission_audit_log")
                .col(text_key("id"))
                .col(big_integer("timestamp"))
                .col(text("capability_id"))
                .col(text("from_set"))
                .col(text("to_set"))
                .col(integer("approved"))
                .col(text_null("approved_by"))
                .col(text_null("reason"))
                .col(text_null("detected_operation")),
            btree_desc(
                "idx_permission_audit_timestamp",
                "permission_audit_log",
                [],
                "timestamp"
            ),
            btree(
                "idx_permission_audit_capability",
                "permission_audit_log",
                ["capability_id"]
            ),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_table("permission_audit_log")]
    }
}
