//! A saved state of a running workflow, one after each layer.
//!
//! The live state of a workflow is ephemeral and in no table; a checkpoint is what survives a crash. The newest five of a
//! workflow are kept.

use sea_orm::entity::prelude::*;

use crate::values::{CheckpointId, WorkflowId, WorkflowState};

/// One row of `workflow_checkpoint`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "workflow_checkpoint")]
pub struct Model {
    /// A time-ordered UUID as text.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CheckpointId,
    /// The workflow.
    pub workflow_id: WorkflowId,
    /// When it was saved. Database default: now.
    pub timestamp: DateTimeUtc,
    /// The layer that had just run, at least 0. Execution resumes at the next one.
    pub layer: i32,
    /// Everything the workflow needs to go on.
    pub state: WorkflowState,
}

impl ActiveModelBehavior for ActiveModel {}
