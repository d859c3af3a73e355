//! 009: where a tool edge came from. Data: existing edges count as `learned`, by the default.
//! Down: drops the column; which edges were not learned is lost.

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
                .add_column(defaulted(text_null("source"), "'learned'")),
            btree("idx_tool_dependency_source", "tool_dependency", ["source"]),
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_columns("tool_dependency", ["source"])]
    }
}
