//! Something that happened during a workflow: a prediction, a result, a decision.
//!
//! The memory from which suggestions learn what tends to come next. Kept for 30 days or 10,000 events.

use sea_orm::entity::prelude::*;

use crate::values::{ContextHash, EpisodeData, EpisodeId, EventType, WorkflowId};

/// One row of `episodic_events`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "episodic_events")]
pub struct Model {
    /// A time-ordered UUID as text.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EpisodeId,
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// What happened.
    pub event_type: EventType,
    /// The task it happened to, within the workflow.
    #[sea_orm(column_type = "Text", nullable)]
    pub task_id: Option<String>,
    /// When it happened. Database default: now.
    pub timestamp: DateTimeUtc,
    /// The context it happened in: what similar events are found by.
    pub context_hash: Option<ContextHash>,
    /// The details; which ones depends on the type.
    pub data: EpisodeData,
}

impl ActiveModelBehavior for ActiveModel {}
