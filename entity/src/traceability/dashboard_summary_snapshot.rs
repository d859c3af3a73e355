//! Materialised view: [`dashboard_summary`](super::dashboard_summary) over everybody's rows as it was when it was last refreshed, always one row.
//! Only for `service_role`. Read-only.

use sea_orm::entity::prelude::*;

use crate::values::Score;

/// One row of the materialised view `dashboard_summary_snapshot`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "dashboard_summary_snapshot")]
pub struct Model {
    /// All executions.
    #[sea_orm(primary_key, auto_increment = false)]
    pub total_traces: i64,
    /// Those that ended.
    pub completed_traces: i64,
    /// Those that ended well.
    pub successful_traces: i64,
    /// Per cent of the ended ones that ended well, two places; 0 when none ended.
    #[sea_orm(column_type = "Decimal(Some((5, 2)))")]
    pub overall_success_rate: Decimal,
    /// All success patterns.
    pub total_patterns: i64,
    /// Those replayed five times or more, of which 80 per cent or more worked.
    pub high_quality_patterns: i64,
    /// Mean rate of the patterns that were replayed.
    pub avg_pattern_success_rate: Score,
    /// Different agents that were chosen.
    pub active_agents: i64,
    /// The one that was chosen most; the first by name where several were.
    #[sea_orm(column_type = "Text", nullable)]
    pub most_used_agent: Option<String>,
    /// Executions with an error in the last 24 hours.
    pub errors_24h: i64,
    /// Different types among the recurring errors.
    pub unique_error_types: i64,
    /// Median duration of the ended ones in milliseconds.
    pub median_duration_ms: i32,
    /// 95th percentile of the same.
    pub p95_duration_ms: i32,
    /// When these numbers were taken.
    pub refreshed_at: DateTimeUtc,
}

read_only!("dashboard_summary_snapshot");
