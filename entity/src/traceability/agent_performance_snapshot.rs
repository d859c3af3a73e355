//! Materialised view: [`agent_performance`](super::agent_performance) over everybody's rows as it was when it was last refreshed.
//! Only for `service_role`. Read-only.

use sea_orm::entity::prelude::*;

use crate::values::Score;

/// One row of the materialised view `agent_performance_snapshot`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "agent_performance_snapshot")]
pub struct Model {
    /// The agent.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub agent_name: String,
    /// Executions that ended.
    pub total_executions: i64,
    /// Those that worked.
    pub successful_executions: i64,
    /// The others, those without a verdict included.
    pub failed_executions: i64,
    /// Per cent that worked, two places.
    #[sea_orm(column_type = "Decimal(Some((5, 2)))")]
    pub success_rate_pct: Decimal,
    /// Mean duration in milliseconds.
    pub avg_duration_ms: Option<i32>,
    /// 95th percentile of the durations, interpolated, in milliseconds.
    pub p95_duration_ms: Option<i32>,
    /// Mean confidence of the decisions.
    pub avg_routing_confidence: Score,
    /// Different patterns that led to it.
    pub patterns_used: i64,
    /// When the latest of them began.
    pub last_used_at: DateTimeUtc,
    /// When these numbers were taken.
    pub refreshed_at: DateTimeUtc,
}

read_only!("agent_performance_snapshot");
