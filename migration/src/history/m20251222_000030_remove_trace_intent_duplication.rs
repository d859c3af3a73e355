//! 030: a run's intent is that of its capability; the copies on the run go.
//! Data: a run without a capability keeps its intent as `initial_context.intent`, if that key is free; every other intent
//! text and all vectors are lost. Down: brings both columns back, with the texts kept that way.

use sea_orm_migration::{prelude::*, schema::*};

use super::m20251222_000020_execution_trace as execution_trace;
use super::m20251222_000025_intent_embedding_column as intent_embedding_column;
use super::shapes::drop_columns;
use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            "UPDATE execution_trace
             SET initial_context = jsonb_build_object('intent', intent_text) || coalesce(initial_context, '{}')
             WHERE capability_id IS NULL
               AND intent_text IS NOT NULL
               AND coalesce(jsonb_typeof(initial_context), 'object') = 'object'",
            drop_columns("execution_trace", ["intent_text", "intent_embedding"]),
            "COMMENT ON TABLE execution_trace IS 'One row per run; its intent is that of the capability that ran'",
        ]
    }

    fn down(&self) -> Vec<String> {
        let mut statements = statements![
            Table::alter()
                .table("execution_trace")
                .add_column(text_null("intent_text")),
            "UPDATE execution_trace SET intent_text = initial_context ->> 'intent' WHERE capability_id IS NULL",
        ];
        statements.extend(intent_embedding_column::Migration.up());
        statements.extend(statements![execution_trace::TABLE_COMMENT]);
        statements
    }
}
