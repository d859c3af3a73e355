//! View: an execution with its newest routing decision and the number of its parts. Read-only.

use sea_orm::entity::prelude::*;

use crate::values::{CorrelationId, ExecutionTraceId, Score, SessionId, TraceStatus};

/// One row of the view `trace_summary`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "trace_summary")]
pub struct Model {
    /// The row of the execution.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ExecutionTraceId,
    /// The execution.
    pub correlation_id: CorrelationId,
    /// The session of the client.
    pub session_id: SessionId,
    /// The prompt.
    #[sea_orm(column_type = "Text", nullable)]
    pub prompt_text: Option<String>,
    /// When it began.
    pub started_at: DateTimeUtc,
    /// When it ended.
    pub completed_at: Option<DateTimeUtc>,
    /// How long it took in milliseconds.
    pub duration_ms: Option<i32>,
    /// How far it is.
    pub status: TraceStatus,
    /// Whether it worked.
    pub success: Option<bool>,
    /// The agent of the newest decision.
    #[sea_orm(column_type = "Text", nullable)]
    pub agent_selected: Option<String>,
    /// The confidence of that decision.
    pub routing_confidence: Option<Score>,
    /// Number of hooks.
    pub hook_count: i64,
    /// Number of calls.
    pub endpoint_count: i64,
    /// Why it failed, as a class.
    #[sea_orm(column_type = "Text", nullable)]
    pub error_type: Option<String>,
}

read_only!("trace_summary");
