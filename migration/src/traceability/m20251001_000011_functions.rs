//! 011: six functions, and the eight triggers that call the first of them. Data: none. Down: drops them.
//!
//! All run with the caller's rights and on a search path of their own: the schema of the migration, then `public`.

use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![include_str!("m20251001_000011_functions.up.sql")]
    }

    fn down(&self) -> Vec<String> {
        statements![include_str!("m20251001_000011_functions.down.sql")]
    }
}
