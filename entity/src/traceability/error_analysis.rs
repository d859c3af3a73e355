//! View: a recurring error with how often executions met its type lately. Two patterns of one type show the same windows.
//! Read-only, and without a key of its own: `error_type` tells rows apart only where each type has one pattern.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::RcOrArc;

use crate::values::{ErrorCategory, Score, Severity};

/// One row of the view `error_analysis`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "error_analysis")]
pub struct Model {
    /// The class of the error.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub error_type: String,
    /// Where it comes from.
    pub error_category: Option<ErrorCategory>,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// When it was last seen.
    pub last_occurrence_at: DateTimeUtc,
    /// Every agent it was seen with.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Text))")]
    pub affected_agents: Vec<String>,
    /// How often it was seen.
    pub error_count: i32,
    /// What mends it.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub resolution_pattern: Option<Json>,
    /// How often that helps.
    pub resolution_success_rate: Option<Score>,
    /// What keeps it from happening.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub prevention_strategies: Option<Json>,
    /// Executions with this type of error in the last 24 hours.
    pub occurrences_24h: i64,
    /// The same for 7 days.
    pub occurrences_7d: i64,
}

read_only!("error_analysis");
