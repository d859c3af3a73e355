//! An error that keeps coming back, and what helps. Shared by all users.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::RcOrArc;

use crate::values::{CorrelationId, ErrorCategory, ErrorPatternId, Score, Severity};

/// One row of `error_patterns`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "error_patterns")]
pub struct Model {
    /// Database default: a random UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ErrorPatternId,
    /// The class of the error. Not a closed set.
    #[sea_orm(column_type = "Text")]
    pub error_type: String,
    /// Where it comes from.
    pub error_category: Option<ErrorCategory>,
    /// What its message looks like, with placeholders where it varies.
    #[sea_orm(column_type = "Text")]
    pub error_message_pattern: String,
    /// The agent it was seen with.
    #[sea_orm(column_type = "Text", nullable)]
    pub agent: Option<String>,
    /// The kind of hook it was seen in.
    #[sea_orm(column_type = "Text", nullable)]
    pub hook_type: Option<String>,
    /// The endpoint it was seen at.
    #[sea_orm(column_type = "Text", nullable)]
    pub endpoint_path: Option<String>,
    /// Every agent it was seen with. Database default: none.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Text))")]
    pub affected_agents: Vec<String>,
    /// How often it was seen. Database default: 1.
    pub occurrence_count: i32,
    /// When it was first seen. Database default: now.
    pub first_seen_at: DateTimeUtc,
    /// When it was last seen. Database default: now.
    pub last_occurrence_at: DateTimeUtc,
    /// Executions that show it.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Uuid))")]
    pub sample_correlation_ids: Vec<CorrelationId>,
    /// What mends it.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub resolution_pattern: Option<Json>,
    /// How often that helps.
    pub resolution_success_rate: Option<Score>,
    /// What keeps it from happening.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub prevention_strategies: Option<Json>,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// Labels.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Text))", nullable)]
    pub tags: Option<Vec<String>>,
    /// When the row was written. Database default: now.
    pub created_at: DateTimeUtc,
    /// When the row last changed. A trigger sets it: what a client writes is overwritten.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
