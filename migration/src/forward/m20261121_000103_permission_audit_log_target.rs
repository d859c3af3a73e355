//! 103: the audit trail as the audit document asks for it: uuid key, real time, boolean, a foreign key that keeps its
//! capability alive, closed sets of words, and append-only. Only `capability_id` of a row may change, because a merge of two
//! capabilities moves their rows.
//! Data: times keep their milliseconds; an id that is not a UUID becomes the UUID of its md5; a word outside its set becomes
//! `minimal` (a set) or NULL (an operation) and stays readable in `reason`.
//! Down: ids stay as the UUIDs they became, and words as they were mapped.

use sea_orm_migration::prelude::*;

use super::m20261121_000102_workflow_pattern_target::PERMISSION_SETS;
use super::shapes::{drop_check, one_of};
use crate::step::Step;

const OPERATIONS: &[&str] = &["read", "write", "net", "env", "run", "ffi"];
const TABLE: &str = "permission_audit_log";
const KEY: &str = "fk_permission_audit_capability";

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            include_str!("m20261121_000103_permission_audit_log_target.up.sql"),
            one_of(TABLE, "from_set", PERMISSION_SETS),
            one_of(TABLE, "to_set", PERMISSION_SETS),
            one_of(TABLE, "detected_operation", OPERATIONS),
            ForeignKey::drop().name(KEY).table(TABLE),
            capability_key(ForeignKeyAction::Restrict),
            include_str!("m20261121_000103_permission_audit_log_target.append_only.sql"),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![
            "DROP TRIGGER permission_audit_log_append_only ON permission_audit_log",
            "DROP TRIGGER permission_audit_log_keep ON permission_audit_log",
            "DROP FUNCTION permission_audit_log_append_only()",
            ForeignKey::drop().name(KEY).table(TABLE),
            capability_key(ForeignKeyAction::SetNull),
            drop_check(TABLE, "from_set"),
            drop_check(TABLE, "to_set"),
            drop_check(TABLE, "detected_operation"),
            include_str!("m20261121_000103_permission_audit_log_target.down.sql"),
        ]
    }
}

fn capability_key(on_delete: ForeignKeyAction) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(KEY)
        .from(TABLE, "capability_id")
        .to("workflow_pattern", "pattern_id")
        .on_delete(on_delete)
        .take()
}
