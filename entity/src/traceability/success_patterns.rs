//! What worked, ready to be found for a similar prompt and replayed.
//!
//! Shared by all users: it holds the shape of what happened and no values.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::RcOrArc;

use crate::values::{
    CorrelationId, EndpointPattern, HookSequence, Score, SuccessPatternId, SuccessPatternRowId,
    TraceabilityEmbedding,
};

/// One row of `success_patterns`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "success_patterns")]
pub struct Model {
    /// The row. Database default: a random UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SuccessPatternRowId,
    /// What the world and the usage log know it by; unique. Database default: a random UUID.
    pub pattern_id: SuccessPatternId,
    /// The same for the same steps: 16 hexadecimal digits; unique.
    #[sea_orm(column_type = "Text")]
    pub pattern_hash: String,
    /// The execution it was taken from, which may be gone.
    pub source_correlation_id: CorrelationId,
    /// The prompt that worked.
    #[sea_orm(column_type = "Text")]
    pub prompt_text: String,
    /// The embedding of the prompt. Null: it is not found by similarity.
    #[sea_orm(column_type = "Vector(Some(1536))", nullable)]
    pub prompt_embedding: Option<TraceabilityEmbedding>,
    /// What the prompt wanted, for example `debugging`.
    #[sea_orm(column_type = "Text", nullable)]
    pub intent_classification: Option<String>,
    /// Words of the prompt. Database default: none.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Text))")]
    pub keywords: Vec<String>,
    /// The agents in their order; the first is the one that was chosen. Database default: none.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Text))")]
    pub agent_sequence: Vec<String>,
    /// How the first agent was chosen.
    #[sea_orm(column_type = "Text", nullable)]
    pub routing_strategy: Option<String>,
    /// The hooks that succeeded. Database default: none.
    pub hook_sequence: HookSequence,
    /// The calls that succeeded. Database default: none.
    pub endpoint_pattern: EndpointPattern,
    /// Mean duration in milliseconds; the source counts as one observation.
    pub avg_duration_ms: i32,
    /// Shortest duration in milliseconds.
    pub min_duration_ms: i32,
    /// Longest duration in milliseconds.
    pub max_duration_ms: i32,
    /// Mean number of hooks. Database default: 0.
    pub avg_hook_count: i32,
    /// Mean number of calls. Database default: 0.
    pub avg_endpoint_count: i32,
    /// Mean number of retrieval queries. Database default: 0.
    pub avg_rag_query_count: i32,
    /// How good the source was.
    pub success_score: Score,
    /// How often it was replayed. Database default: 0.
    pub total_usage_count: i32,
    /// Replays that worked as planned. Database default: 0.
    pub success_count: i32,
    /// Replays that failed; the rest worked in part. Database default: 0.
    pub failure_count: i32,
    /// Share of replays that worked as planned; 1 while there are none. Generated: never write it.
    pub success_rate: Option<Score>,
    /// Trust in it: 0.5, and 0.02 more for each replay, at most 0.95.
    pub confidence_score: Score,
    /// Where it belongs; matching reads its key `domain`.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub context: Option<Json>,
    /// Labels.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Text))", nullable)]
    pub tags: Option<Vec<String>>,
    /// When it was last replayed. Null: never.
    pub last_used_at: Option<DateTimeUtc>,
    /// When the row was written. Database default: now.
    pub created_at: DateTimeUtc,
    /// When the row last changed. A trigger sets it: what a client writes is overwritten.
    pub updated_at: DateTimeUtc,
    /// When it matched.
    #[sea_orm(has_many)]
    pub uses: HasMany<super::pattern_usage_log::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
