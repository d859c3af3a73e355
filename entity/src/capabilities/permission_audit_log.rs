//! Who let a capability touch more, when and why.
//!
//! Append-only: the database refuses to delete a row or to change anything but `capability_id`, which a merge of two patterns
//! moves. A pattern with audit rows cannot be deleted.

use sea_orm::entity::prelude::*;

use crate::values::{AuditId, DetectedOperation, PatternId, PermissionSet};

/// One row of `permission_audit_log`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "permission_audit_log")]
pub struct Model {
    /// Database default: a random UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditId,
    /// When it was decided. Database default: now.
    pub timestamp: DateTimeUtc,
    /// The pattern it is about. In spite of the column name not a registry entry.
    pub capability_id: PatternId,
    /// What it might touch before.
    pub from_set: PermissionSet,
    /// What it asked to touch.
    pub to_set: PermissionSet,
    /// Whether it was granted.
    pub approved: bool,
    /// Who decided: `system:auto`, `user` or a user id.
    #[sea_orm(column_type = "Text", nullable)]
    pub approved_by: Option<String>,
    /// Why.
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// The operation that made it ask.
    pub detected_operation: Option<DetectedOperation>,
    /// The pattern it is about.
    #[sea_orm(
        belongs_to,
        from = "capability_id",
        to = "pattern_id",
        on_delete = "Restrict"
    )]
    pub pattern: BelongsTo<super::workflow_pattern::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
