//! 115: where traces go when they are old. Data: none. Down: moves the archived traces back, except those whose id was used again,
//! and drops the table.
//!
//! `LIKE` copies neither policies nor grants, so the archive is protected by grants alone.

use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            "CREATE TABLE IF NOT EXISTS execution_traces_archive (LIKE execution_traces INCLUDING ALL)",
            "REVOKE ALL ON execution_traces_archive FROM PUBLIC, anon, authenticated",
            "GRANT SELECT, INSERT ON execution_traces_archive TO service_role",
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![
            "INSERT INTO execution_traces SELECT * FROM execution_traces_archive ON CONFLICT DO NOTHING",
            "DROP TABLE execution_traces_archive",
        ]
    }
}
