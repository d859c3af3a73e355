//! 112: a project has one capability of a name, and a name that was given up still leads to the capability that had it.
//! Data: of several entries with one name the last used keeps it; each other gets the end of its id appended, and a row of
//! history, so that its full name still finds it.
//! Down: those entries get their name back; the names that people gave up are forgotten.

use super::shapes::drop_index;
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![include_str!("m20261121_000112_capability_names.up.sql")]
    }

    fn down(&self) -> Vec<String> {
        statements![
            drop_index("capability_records_name_key"),
            "UPDATE capability_records r SET action = h.old_action FROM capability_name_history h \
             WHERE h.capability_id = r.id AND r.action = h.new_action AND h.new_action = h.old_action || '_' || right(r.id::text, 12)",
            "DROP TABLE capability_name_history",
        ]
    }
}
