//! 023: the registry points at the code it names; columns it duplicated go.
//! Data: links each record to the pattern whose code hash begins with its four digits; a collision is settled by the same
//! code, then the same hash, then age (the `.sql` beside has the rule). Records without such a pattern keep a null link.
//! Code, description and parameters of a record move to a linked pattern that has none; otherwise they are lost, as are
//! `tools_used` and all four of records without a pattern.
//! Down: fills code, description and parameters from the linked pattern; the links go.

use sea_orm_migration::{prelude::*, schema::*};

use super::m20251222_000021_capability_records as capability_records;
use super::shapes::{btree_present, defaulted, drop_columns, reference};
use crate::step::Step;

pub(super) const TABLE_COMMENT: &str = "COMMENT ON TABLE capability_records IS 'Capabilities by their full name; code and intent stand in workflow_pattern'";

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            Table::alter()
                .table("capability_records")
                .add_column(uuid_null("workflow_pattern_id")),
            reference(
                "capability_records_workflow_pattern_id_fkey",
                ("capability_records", "workflow_pattern_id"),
                ("workflow_pattern", "pattern_id"),
                ForeignKeyAction::SetNull,
            ),
            include_str!("m20251222_000023_capability_records_fk.sql"),
            btree_present(
                "idx_capability_records_workflow_pattern",
                "capability_records",
                "workflow_pattern_id",
            ),
            drop_columns(
                "capability_records",
                [
                    "code_snippet",
                    "parameters_schema",
                    "description",
                    "tools_used"
                ],
            ),
            TABLE_COMMENT,
            "COMMENT ON COLUMN capability_records.workflow_pattern_id IS 'The pattern that holds the code; null: none known'",
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![
            Table::alter()
                .table("capability_records")
                .add_column(text_null("code_snippet"))
                .add_column(json_binary_null("parameters_schema"))
                .add_column(text_null("description"))
                .add_column(defaulted(array_null("tools_used", ColumnType::Text), "'{}'")),
            "UPDATE capability_records r
             SET code_snippet = p.code_snippet, parameters_schema = p.parameters_schema, description = p.description
             FROM workflow_pattern p
             WHERE p.pattern_id = r.workflow_pattern_id",
            drop_columns("capability_records", ["workflow_pattern_id"]),
            capability_records::TABLE_COMMENT,
        ]
    }
}
