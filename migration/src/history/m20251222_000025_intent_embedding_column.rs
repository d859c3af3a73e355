//! 025: a run carries the vector of its intent; 030 removes it again.
//! Data: none, older runs have no vector. Down: drops the vectors.

use sea_orm_migration::prelude::*;

use super::shapes::{drop_columns, hnsw};
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            Table::alter()
                .table("execution_trace")
                .add_column(ColumnDef::new("intent_embedding").vector(Some(1024))),
            hnsw(
                "idx_exec_trace_intent_embedding",
                "execution_trace",
                "intent_embedding"
            ),
            "COMMENT ON COLUMN execution_trace.intent_embedding IS 'Vector of intent_text, 1024 dimensions'",
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![drop_columns("execution_trace", ["intent_embedding"])]
    }
}
