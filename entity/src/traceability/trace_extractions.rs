//! Which executions learning has looked at, and what came of it. The row goes with its execution.

use sea_orm::entity::prelude::*;

use crate::values::{ExecutionTraceId, ExtractionResult, SuccessPatternId};

/// One row of `trace_extractions`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "trace_extractions")]
pub struct Model {
    /// The execution.
    #[sea_orm(primary_key, auto_increment = false)]
    pub trace_id: ExecutionTraceId,
    /// Who is at work on it, or was: one random UUID for each batch.
    pub claim_id: Uuid,
    /// Since when. A claim that is not finished in time can be taken over. Database default: now.
    pub claimed_at: DateTimeUtc,
    /// When it was finished. Null: it is being worked on, or its worker is gone.
    pub extracted_at: Option<DateTimeUtc>,
    /// What came of it. Null as long as it is not finished.
    pub result: Option<ExtractionResult>,
    /// The pattern it gave or repeated. No foreign key: a pattern may be gone.
    pub pattern_id: Option<SuccessPatternId>,
    /// The execution.
    #[sea_orm(belongs_to, from = "trace_id", to = "id", on_delete = "Cascade")]
    pub trace: BelongsTo<super::execution_traces::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
