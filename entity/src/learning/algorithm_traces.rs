//! One scored candidate: what the algorithm saw, what it decided and what came of it. Kept for 7 days.

use sea_orm::entity::prelude::*;

use crate::values::{
    AlgorithmMode, AlgorithmName, AlgorithmOutcome, AlgorithmParams, AlgorithmSignals,
    AlgorithmTraceId, ContextHash, Decision, TargetType, UserId,
};

/// One row of `algorithm_traces`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "algorithm_traces")]
pub struct Model {
    /// Database default: a random UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub trace_id: AlgorithmTraceId,
    /// When it was scored. Database default: now.
    pub timestamp: DateTimeUtc,
    /// Why it was scored.
    pub algorithm_mode: AlgorithmMode,
    /// What was scored.
    pub target_type: TargetType,
    /// What the user wanted, cut to 200 characters.
    #[sea_orm(column_type = "Text", nullable)]
    pub intent: Option<String>,
    /// The context it was scored in.
    pub context_hash: Option<ContextHash>,
    /// What the algorithm saw. Database default: nothing.
    pub signals: AlgorithmSignals,
    /// The settings it ran with. Database default: none.
    pub params: AlgorithmParams,
    /// The score. Normally in 0..=1, but not bounded.
    pub final_score: f64,
    /// The threshold it was compared with.
    pub threshold_used: f64,
    /// What became of the candidate.
    pub decision: Decision,
    /// What the user and the run made of it. Null: not known yet.
    pub outcome: Option<AlgorithmOutcome>,
    /// When the row was written; scores are buffered, so later than `timestamp`. Database default: now.
    pub created_at: DateTimeUtc,
    /// The algorithm. Null: rows from before it was recorded.
    pub algorithm_name: Option<AlgorithmName>,
    /// Groups all candidates of one request.
    pub correlation_id: Option<Uuid>,
    /// Whose request it was. Null: anonymous, as in local mode.
    pub user_id: Option<UserId>,
    /// Whose request it was.
    #[sea_orm(belongs_to, from = "user_id", to = "id", on_delete = "SetNull")]
    pub user: BelongsTo<Option<crate::identity::users::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
