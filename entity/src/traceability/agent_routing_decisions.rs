//! Which agent a prompt was given to, and why. An execution may have several; the newest counts.

use sea_orm::entity::prelude::*;

use crate::values::{
    ExecutionTraceId, RoutingAlternatives, RoutingDecisionId, Score, SuccessPatternId,
    TraceabilityEmbedding,
};

/// One row of `agent_routing_decisions`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "agent_routing_decisions")]
pub struct Model {
    /// Database default: a random UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RoutingDecisionId,
    /// The execution it is part of.
    pub trace_id: ExecutionTraceId,
    /// The request that was routed.
    #[sea_orm(column_type = "Text", nullable)]
    pub query_text: Option<String>,
    /// The embedding of the request.
    #[sea_orm(column_type = "Vector(Some(1536))", nullable)]
    pub query_embedding: Option<TraceabilityEmbedding>,
    /// The agent that was chosen.
    #[sea_orm(column_type = "Text")]
    pub agent_selected: String,
    /// Why, in words.
    #[sea_orm(column_type = "Text", nullable)]
    pub selection_reason: Option<String>,
    /// How sure the choice was.
    pub confidence_score: Score,
    /// Part of it: how well the request fits what the agent reacts to.
    pub confidence_trigger: Option<Score>,
    /// Part of it: how well the context fits.
    pub confidence_context: Option<Score>,
    /// Part of it: how well the agent's abilities fit.
    pub confidence_capability: Option<Score>,
    /// Part of it: how well it went before.
    pub confidence_historical: Option<Score>,
    /// The agents that were not chosen, best first.
    pub alternatives: Option<RoutingAlternatives>,
    /// How it was chosen: `explicit`, `fuzzy_match`, `learned_pattern`, `pattern_replay`, `normal`, `fallback`. Not a closed set.
    #[sea_orm(column_type = "Text")]
    pub routing_strategy: String,
    /// The pattern it was taken from. No foreign key: a pattern may be gone.
    pub pattern_id: Option<SuccessPatternId>,
    /// Whether a cache answered. Database default: no.
    pub cache_hit: bool,
    /// How long the choice took in milliseconds, at least 0.
    pub decision_duration_ms: Option<i32>,
    /// When the agent began.
    pub execution_started_at: Option<DateTimeUtc>,
    /// When the agent ended.
    pub execution_completed_at: Option<DateTimeUtc>,
    /// When the row was written. Database default: now.
    pub created_at: DateTimeUtc,
    /// When the row last changed. A trigger sets it: what a client writes is overwritten.
    pub updated_at: DateTimeUtc,
    /// The execution it is part of.
    #[sea_orm(belongs_to, from = "trace_id", to = "id", on_delete = "Cascade")]
    pub trace: BelongsTo<super::execution_traces::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
