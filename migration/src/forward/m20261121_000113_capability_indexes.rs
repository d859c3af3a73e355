//! 113: what the reads of capabilities need: an action within a project, a public name, the capabilities a user ran.
//!
//! Nothing here is over a counter or a time of use: those change with every run, and as long as no index holds them PostgreSQL
//! changes the row in place and leaves the vector index alone.

use super::shapes::{btree, drop_index};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            btree(
                "capability_records_scope_action_idx",
                "capability_records",
                ["org", "project", "action"]
            ),
            "CREATE INDEX capability_records_public_name_idx ON capability_records (namespace, action) WHERE visibility = 'public'",
            btree(
                "idx_exec_trace_user_capability",
                "execution_trace",
                ["user_id", "capability_id"]
            ),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![
            drop_index("idx_exec_trace_user_capability"),
            drop_index("capability_records_public_name_idx"),
            drop_index("capability_records_scope_action_idx"),
        ]
    }
}
