//! 009: the 60 named indexes. Data: none. Down: drops them.
//!
//! An ivfflat index learns its lists from the rows that are there when it is built; on an empty table it learns nothing and must be
//! rebuilt after loading (`REINDEX`).

use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![include_str!("m20251001_000009_indexes.up.sql")]
    }

    fn down(&self) -> Vec<String> {
        statements![include_str!("m20251001_000009_indexes.down.sql")]
    }
}
