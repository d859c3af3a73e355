//! 110: a capability as its users see it: the name from the registry, the code and its statistics from the pattern. One row per
//! record, joined through `workflow_pattern_id`, so that nobody writes that join by hand with the wrong id. Nothing is lost either
//! way.

use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            include_str!("m20261121_000110_capability_view.sql"),
            "COMMENT ON VIEW capability IS 'One row per named capability; id is the record, pattern_id the code'",
        ]
    }

    fn down(&self) -> Vec<String> {
        statements!["DROP VIEW capability"]
    }
}
