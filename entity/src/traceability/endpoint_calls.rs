//! A service that was called during an execution. Written after the call, so the outcome is known.

use sea_orm::entity::prelude::*;

use crate::values::{EndpointCallId, ExecutionTraceId, HookExecutionId, Score};

/// One row of `endpoint_calls`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "endpoint_calls")]
pub struct Model {
    /// Database default: a random UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EndpointCallId,
    /// The execution it is part of.
    pub trace_id: ExecutionTraceId,
    /// The hook that called. Null: none, or its row is gone.
    pub hook_execution_id: Option<HookExecutionId>,
    /// The service, for example `archon-mcp`.
    #[sea_orm(column_type = "Text")]
    pub service_name: String,
    /// The path, for example `/api/rag/query`.
    #[sea_orm(column_type = "Text")]
    pub endpoint_path: String,
    /// The HTTP method.
    #[sea_orm(column_type = "Text")]
    pub http_method: String,
    /// What was sent, without secrets.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub request_body: Option<Json>,
    /// What came back.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub response_body: Option<Json>,
    /// The HTTP status. Null: nothing came back.
    pub response_status: Option<i32>,
    /// The question, where the service retrieves.
    #[sea_orm(column_type = "Text", nullable)]
    pub rag_query: Option<String>,
    /// The verdict, where the service checks quality.
    pub quality_score: Option<Score>,
    /// When it began. Database default: now.
    pub started_at: DateTimeUtc,
    /// When it ended.
    pub completed_at: Option<DateTimeUtc>,
    /// How long it took in whole milliseconds, at least 0.
    pub duration_ms: Option<i32>,
    /// Whether an answer came back and its status is below 400.
    pub success: bool,
    /// Why it failed, in words.
    #[sea_orm(column_type = "Text", nullable)]
    pub error_message: Option<String>,
    /// Why it failed: `timeout`, `connection_error`, `http_error` and others. Not a closed set.
    #[sea_orm(column_type = "Text", nullable)]
    pub error_type: Option<String>,
    /// How often it was tried again. Database default: 0.
    pub retry_count: i32,
    /// The headers that were sent, without secrets.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub headers: Option<Json>,
    /// Anything else.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub context: Option<Json>,
    /// When the row was written. Database default: now.
    pub created_at: DateTimeUtc,
    /// When the row last changed. A trigger sets it: what a client writes is overwritten.
    pub updated_at: DateTimeUtc,
    /// The execution it is part of.
    #[sea_orm(belongs_to, from = "trace_id", to = "id", on_delete = "Cascade")]
    pub trace: BelongsTo<super::execution_traces::Entity>,
    /// The hook that called.
    #[sea_orm(
        belongs_to,
        from = "hook_execution_id",
        to = "id",
        on_delete = "SetNull"
    )]
    pub hook: BelongsTo<Option<super::hook_executions::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
