//! 106: who owns a row is a reference to `users`, not a word. The words stay, as provenance.
//!
//! Data: a text owner that names a user, in any case, becomes the reference. On `execution_trace` other owners (`local`, unknown
//! UUIDs) become NULL and stay readable in `created_by`; a `created_by` they displace moves to `updated_by`, if that is free. On
//! `entropy_history` and `shgat_params` the text column is `created_by` from now on. When a user goes, the rows stay.
//! Down: the text owner is the reference, else `created_by`; displaced words stay where they are. Where two parameter sets come
//! down to one owner, the one written last stays.

use sea_orm_migration::{prelude::*, schema::uuid_null};

use super::m20261121_000105_workflow_execution_into_execution_trace as workflow_execution;
use super::shapes::{btree, drop_index, owner_key};
use crate::step::Step;

const ENTROPY_INDEX: &str = "CREATE INDEX idx_entropy_history_user_time ON entropy_history \
     (user_id, recorded_at DESC) WHERE user_id IS NOT NULL";

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            // capability_records
            add_owner("capability_records"),
            named_by("capability_records", "created_by"),
            owner_key("capability_records_user_id_fkey", "capability_records"),
            btree(
                "idx_capability_records_user",
                "capability_records",
                ["user_id"]
            ),
            // execution_trace; the view reads the column that changes its type
            "DROP VIEW workflow_execution",
            include_str!("m20261121_000106_ownership.trace.up.sql"),
            owner_key("fk_execution_trace_user", "execution_trace"),
            include_str!("m20261121_000106_ownership.view.sql"),
            workflow_execution::VIEW_COMMENT,
            // entropy_history
            drop_index("idx_entropy_history_user_time"),
            "ALTER TABLE entropy_history RENAME COLUMN user_id TO created_by",
            add_owner("entropy_history"),
            named_by("entropy_history", "created_by"),
            owner_key("fk_entropy_history_user", "entropy_history"),
            ENTROPY_INDEX,
            // shgat_params
            "ALTER TABLE shgat_params DROP CONSTRAINT shgat_params_user_id_key",
            drop_index("idx_shgat_params_user_id"),
            "ALTER TABLE shgat_params RENAME COLUMN user_id TO created_by",
            add_owner("shgat_params"),
            named_by("shgat_params", "created_by"),
            owner_key("shgat_params_user_id_fkey", "shgat_params"),
            "ALTER TABLE shgat_params ADD CONSTRAINT shgat_params_user_id_created_by_key \
             UNIQUE NULLS NOT DISTINCT (user_id, created_by)",
            btree("idx_shgat_params_user_id", "shgat_params", ["user_id"]),
            // algorithm_traces: the history never recorded whose decision it was
            add_owner("algorithm_traces"),
            owner_key("fk_algorithm_traces_user", "algorithm_traces"),
            btree("idx_algorithm_traces_user", "algorithm_traces", ["user_id"]),
        ]
    }

    fn down(&self) -> Vec<String> {
        let [view, comment] = workflow_execution::view();
        statements![
            drop_owner("algorithm_traces"),
            include_str!("m20261121_000106_ownership.shgat.down.sql"),
            btree("idx_shgat_params_user_id", "shgat_params", ["user_id"]),
            "UPDATE entropy_history SET created_by = user_id::text WHERE user_id IS NOT NULL",
            drop_owner("entropy_history"),
            "ALTER TABLE entropy_history RENAME COLUMN created_by TO user_id",
            ENTROPY_INDEX,
            "DROP VIEW workflow_execution",
            ForeignKey::drop()
                .name("fk_execution_trace_user")
                .table("execution_trace"),
            "ALTER TABLE execution_trace ALTER COLUMN user_id TYPE text USING coalesce(user_id::text, created_by), \
             ALTER COLUMN user_id SET DEFAULT 'local'",
            view,
            comment,
            drop_owner("capability_records"),
        ]
    }
}

fn add_owner(table: &'static str) -> TableAlterStatement {
    Table::alter()
        .table(table)
        .add_column(uuid_null("user_id"))
        .take()
}

/// Takes the column's index and foreign key along.
fn drop_owner(table: &'static str) -> TableAlterStatement {
    Table::alter().table(table).drop_column("user_id").take()
}

/// Links rows whose text column is the id of a user. The text of a uuid is lower case.
fn named_by(table: &str, column: &str) -> String {
    format!("UPDATE {table} t SET user_id = u.id FROM users u WHERE u.id::text = lower(t.{column})")
}
