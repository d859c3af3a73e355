//! 010: five views for analytics. Data: none. Down: drops them.
//!
//! All with `security_invoker`: a plain view reads with its owner's rights and would show everyone's traces.

use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![include_str!("m20251001_000010_views.up.sql")]
    }

    fn down(&self) -> Vec<String> {
        statements![include_str!("m20251001_000010_views.down.sql")]
    }
}
