//! 012: what a tool edge means, and where the confidence in it comes from.
//! Data: existing edges become `sequence` / `inferred`; the older `source` stays readable beside them until 019.
//! Down: drops the columns and what they said.

use sea_orm_migration::{prelude::*, schema::*};

use super::shapes::{btree, defaulted, drop_columns};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            Table::alter()
                .table("tool_dependency")
                .add_column(defaulted(text_null("edge_type"), "'sequence'"))
                .add_column(defaulted(text_null("edge_source"), "'inferred'")),
            btree(
                "idx_tool_dependency_edge_type",
                "tool_dependency",
                ["edge_type"]
            ),
            btree(
                "idx_tool_dependency_edge_source",
                "tool_dependency",
                ["edge_source"]
            ),
            btree(
                "idx_tool_dependency_type_source",
                "tool_dependency",
                ["edge_type", "edge_source"]
            ),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_columns(
            "tool_dependency",
            ["edge_type", "edge_source"]
        )]
    }
}
