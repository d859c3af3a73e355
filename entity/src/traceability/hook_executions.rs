//! A hook that ran during an execution.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::RcOrArc;

use crate::values::{ExecutionId, ExecutionTraceId, HookExecutionId, HookStatus};

/// One row of `hook_executions`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "hook_executions")]
pub struct Model {
    /// Database default: a random UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: HookExecutionId,
    /// The execution it is part of.
    pub trace_id: ExecutionTraceId,
    /// What the header `X-Execution-ID` says. Database default: a random UUID.
    pub execution_id: ExecutionId,
    /// The hook that this one is nested in.
    pub parent_id: Option<ExecutionId>,
    /// What it hooks into: `UserPromptSubmit`, `PreToolUse`, `PostToolUse`, `Stop`, `SessionStart`, `SessionEnd`, `Unknown`. Not a closed set.
    #[sea_orm(column_type = "Text")]
    pub hook_type: String,
    /// The hook itself, for example `quality-enforcer`.
    #[sea_orm(column_type = "Text")]
    pub hook_name: String,
    /// Its place among the hooks of the execution, from 1. Older tracers left duplicates.
    pub execution_order: i32,
    /// The tool that was intercepted.
    #[sea_orm(column_type = "Text", nullable)]
    pub tool_name: Option<String>,
    /// The file that was touched.
    #[sea_orm(column_type = "Text", nullable)]
    pub file_path: Option<String>,
    /// When it began. Database default: now.
    pub started_at: DateTimeUtc,
    /// When it ended.
    pub completed_at: Option<DateTimeUtc>,
    /// How long it took in whole milliseconds, at least 0.
    pub duration_ms: Option<i32>,
    /// How far it is. It succeeded when it is completed and has no error message.
    pub status: HookStatus,
    /// What it was given, without secrets.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub input_data: Option<Json>,
    /// What it gave, without secrets.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub output_data: Option<Json>,
    /// What it changed about the tool call.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub modifications_made: Option<Json>,
    /// Whether it asked a retrieval service. Database default: no.
    pub rag_query_performed: bool,
    /// What that answered.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub rag_results: Option<Json>,
    /// Whether it checked quality. Database default: no.
    pub quality_check_performed: bool,
    /// What the check found: `violations_found`, `corrections_applied`, `quality_score`.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub quality_results: Option<Json>,
    /// Intelligence functions that ran, for example `IC-001`.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Text))", nullable)]
    pub intelligence_functions_executed: Option<Vec<String>>,
    /// Quality gates that passed, for example `SV-001`.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Text))", nullable)]
    pub quality_gates_validated: Option<Vec<String>>,
    /// Why it failed, in words.
    #[sea_orm(column_type = "Text", nullable)]
    pub error_message: Option<String>,
    /// Why it failed, as a class.
    #[sea_orm(column_type = "Text", nullable)]
    pub error_type: Option<String>,
    /// Where it failed.
    #[sea_orm(column_type = "Text", nullable)]
    pub error_stack: Option<String>,
    /// Anything else.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub metadata: Option<Json>,
    /// When the row was written. Database default: now.
    pub created_at: DateTimeUtc,
    /// When the row last changed. A trigger sets it: what a client writes is overwritten.
    pub updated_at: DateTimeUtc,
    /// The execution it is part of.
    #[sea_orm(belongs_to, from = "trace_id", to = "id", on_delete = "Cascade")]
    pub trace: BelongsTo<super::execution_traces::Entity>,
    /// The calls it made.
    #[sea_orm(has_many)]
    pub endpoint_calls: HasMany<super::endpoint_calls::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
