//! A way in which agents hand work on to each other. Shared by all users.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::RcOrArc;

use crate::values::{AgentChainId, CorrelationId, Score};

/// One row of `agent_chaining_patterns`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "agent_chaining_patterns")]
pub struct Model {
    /// Database default: a random UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AgentChainId,
    /// The first agent.
    #[sea_orm(column_type = "Text")]
    pub primary_agent: String,
    /// The agents after it, in their order.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Text))")]
    pub delegated_agents: Vec<String>,
    /// Levels of delegation, at least 0.
    pub delegation_depth: i32,
    /// What sets the chain off.
    #[sea_orm(column_type = "Text")]
    pub trigger_context: String,
    /// Share of occurrences that worked. Database default: 1.
    pub success_rate: Score,
    /// How often it occurred. Database default: 0.
    pub usage_count: i32,
    /// Mean duration in milliseconds.
    pub avg_total_duration_ms: i32,
    /// Mean time in milliseconds that went into handing on.
    pub avg_coordination_overhead_ms: i32,
    /// Executions that show it.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Uuid))")]
    pub source_traces: Vec<CorrelationId>,
    /// Labels.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Text))", nullable)]
    pub tags: Option<Vec<String>>,
    /// When it last occurred.
    pub last_used_at: Option<DateTimeUtc>,
    /// When the row was written. Database default: now.
    pub created_at: DateTimeUtc,
    /// When the row last changed. A trigger sets it: what a client writes is overwritten.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
