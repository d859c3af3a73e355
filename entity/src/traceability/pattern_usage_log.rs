//! A request that a pattern matched, and what came of replaying it. Outlives the execution.

use sea_orm::entity::prelude::*;

use crate::values::{
    CorrelationId, ExecutionTraceId, PatternUsageId, Score, SuccessPatternId, UsageOutcome,
};

/// One row of `pattern_usage_log`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "pattern_usage_log")]
pub struct Model {
    /// Database default: a random UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PatternUsageId,
    /// The pattern.
    pub pattern_id: SuccessPatternId,
    /// The execution. Null: it was archived, or was never known.
    pub trace_id: Option<ExecutionTraceId>,
    /// The execution, also when it was archived.
    pub correlation_id: CorrelationId,
    /// The request that matched.
    #[sea_orm(column_type = "Text")]
    pub user_request: String,
    /// How well it matched.
    pub match_score: Score,
    /// Whether the pattern was replayed. If not, no counter changes.
    pub used: bool,
    /// What came of it. Null: not replayed, or not known yet.
    pub outcome: Option<UsageOutcome>,
    /// Whether it worked.
    pub success: Option<bool>,
    /// Where it departed from the plan: a list.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub deviations: Option<Json>,
    /// How long the plan expected, in milliseconds.
    pub expected_duration_ms: Option<i32>,
    /// How long it took, in milliseconds.
    pub actual_duration_ms: Option<i32>,
    /// (actual − expected) / expected. Null where nothing was expected.
    pub performance_variance: Option<f64>,
    /// What the user said of it.
    #[sea_orm(column_type = "Text", nullable)]
    pub user_feedback: Option<String>,
    /// When: retention goes by it. Database default: now.
    pub used_at: DateTimeUtc,
    /// When the row was written. Database default: now.
    pub created_at: DateTimeUtc,
    /// When the row last changed. A trigger sets it: what a client writes is overwritten.
    pub updated_at: DateTimeUtc,
    /// The pattern.
    #[sea_orm(
        belongs_to,
        from = "pattern_id",
        to = "pattern_id",
        on_delete = "Cascade"
    )]
    pub pattern: BelongsTo<super::success_patterns::Entity>,
    /// The execution.
    #[sea_orm(belongs_to, from = "trace_id", to = "id", on_delete = "SetNull")]
    pub trace: BelongsTo<Option<super::execution_traces::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
