//! View: a success pattern with what its usage log says. Read-only.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::RcOrArc;

use crate::values::{Score, SuccessPatternId, SuccessPatternRowId};

/// One row of the view `pattern_effectiveness`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "pattern_effectiveness")]
pub struct Model {
    /// The row of the pattern.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SuccessPatternRowId,
    /// The pattern.
    pub pattern_id: SuccessPatternId,
    /// The hash of its steps.
    #[sea_orm(column_type = "Text")]
    pub pattern_hash: String,
    /// What its prompt wanted.
    #[sea_orm(column_type = "Text", nullable)]
    pub intent_classification: Option<String>,
    /// Words of its prompt.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Text))")]
    pub keywords: Vec<String>,
    /// Its agents.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Text))")]
    pub agent_sequence: Vec<String>,
    /// Replays that worked as planned.
    pub success_count: i32,
    /// Replays that failed.
    pub failure_count: i32,
    /// Replays.
    pub total_usage_count: i32,
    /// Share of replays that worked as planned.
    pub success_rate: Option<Score>,
    /// Mean duration in milliseconds.
    pub avg_duration_ms: i32,
    /// Trust in it.
    pub confidence_score: Score,
    /// When it was last replayed.
    pub last_used_at: Option<DateTimeUtc>,
    /// Replays in the log that the reader may see.
    pub logged_uses: i64,
    /// Those that worked.
    pub logged_successes: i64,
    /// Their mean match.
    pub avg_match_score: Option<Score>,
    /// The mean of their variances.
    pub avg_performance_variance: Option<f64>,
}

read_only!("pattern_effectiveness");
