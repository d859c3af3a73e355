//! 114: the view `capability` also shows the tools as a set, and whether the vector is behind the name.

use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![include_str!("m20261121_000114_capability_view_tools.sql")]
    }

    fn down(&self) -> Vec<String> {
        let mut statements = statements!["DROP VIEW capability"];
        statements.extend(super::m20261121_000110_capability_view::Migration.up());
        statements
    }
}
