//! One run: of a capability, or on its own.
//!
//! Counts tool activity, and learning replays it. How often a capability's code was *reused* is counted elsewhere, in
//! [`workflow_pattern`](crate::capabilities::workflow_pattern).

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::RcOrArc;

use crate::values::{
    BranchDecisions, ErrorType, InitialContext, PatternId, TaskResults, TraceId, UserId,
};

/// One row of `execution_trace`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "execution_trace")]
pub struct Model {
    /// Equal to the id of the workflow that ran. Database default: a random UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TraceId,
    /// The pattern that ran. In spite of the column name not a registry entry. Null: a standalone run, or a deleted pattern.
    pub capability_id: Option<PatternId>,
    /// What it was given. Database default: nothing.
    pub initial_context: InitialContext,
    /// When it ended. Database default: now.
    pub executed_at: DateTimeUtc,
    /// Whether every task succeeded.
    pub success: bool,
    /// How long it took in milliseconds, at least 0.
    pub duration_ms: i64,
    /// Why it failed, in words.
    #[sea_orm(column_type = "Text", nullable)]
    pub error_message: Option<String>,
    /// Whose run it was. Null: anonymous, as in local mode.
    pub user_id: Option<UserId>,
    /// Who recorded it, in words: provenance, not ownership. Database default: `local`.
    #[sea_orm(column_type = "Text", nullable)]
    pub created_by: Option<String>,
    /// Who last changed it, in words.
    #[sea_orm(column_type = "Text", nullable)]
    pub updated_by: Option<String>,
    /// What it called, as older writers recorded it: tool ids, full names and UUIDs mixed. Superseded by `task_results`.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Text))", nullable)]
    pub executed_path: Option<Vec<String>>,
    /// The branches it took. Database default: none.
    pub decisions: BranchDecisions,
    /// What each task did: the authority about the run. Database default: none.
    pub task_results: TaskResults,
    /// How much there is to learn from it, 0..=1. Database default: 0.5.
    pub priority: f64,
    /// The run that started this one. Null: started by a person or an agent, or the parent was deleted.
    pub parent_trace_id: Option<TraceId>,
    /// Why it failed, as coarse as a reaction needs.
    pub error_type: Option<ErrorType>,
    /// The pattern that ran.
    #[sea_orm(
        belongs_to,
        from = "capability_id",
        to = "pattern_id",
        on_delete = "SetNull"
    )]
    pub pattern: BelongsTo<Option<crate::capabilities::workflow_pattern::Entity>>,
    /// Whose run it was.
    #[sea_orm(belongs_to, from = "user_id", to = "id", on_delete = "SetNull")]
    pub user: BelongsTo<Option<crate::identity::users::Entity>>,
    /// The run that started this one.
    #[sea_orm(
        self_ref,
        relation_enum = "Parent",
        relation_reverse = "Children",
        from = "parent_trace_id",
        to = "id",
        on_delete = "SetNull"
    )]
    pub parent: BelongsTo<Option<Entity>>,
    /// The runs that this one started.
    #[sea_orm(self_ref, relation_enum = "Children", relation_reverse = "Parent")]
    pub children: HasMany<Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
