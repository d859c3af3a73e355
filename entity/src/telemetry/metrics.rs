//! One measured value. Kept for 90 days.

use sea_orm::entity::prelude::*;

use crate::values::MetricId;

/// One row of `metrics`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "metrics")]
pub struct Model {
    /// Handed out by the database.
    #[sea_orm(primary_key)]
    pub id: MetricId,
    /// What was measured; the unit is part of the name: `query_latency_ms`, `context_usage_pct`.
    #[sea_orm(column_type = "Text")]
    pub metric_name: String,
    /// The value, in that unit.
    pub value: f64,
    /// What it belongs to, for example a tool id.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub metadata: Option<Json>,
    /// When it was measured. Database default: now.
    pub timestamp: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
