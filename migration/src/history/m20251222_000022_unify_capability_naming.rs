//! 022: a pattern has no name of its own any more; names live in the registry.
//! Data: a name goes into the description where there is none; a name beside a description is lost.
//! Down: brings the column back empty.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::drop_columns;
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            "UPDATE workflow_pattern SET description = name WHERE description IS NULL AND name IS NOT NULL",
            drop_columns("workflow_pattern", ["name"]),
            "COMMENT ON TABLE workflow_pattern IS 'Code, intent and statistics; the name stands in capability_records'",
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![
            Table::alter()
                .table("workflow_pattern")
                .add_column(text_null("name")),
            "COMMENT ON TABLE workflow_pattern IS NULL",
        ]
    }
}
