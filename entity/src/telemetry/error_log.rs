//! One error of the platform itself, not of a run.

use sea_orm::entity::prelude::*;

use crate::values::ErrorLogId;

/// One row of `error_log`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "error_log")]
pub struct Model {
    /// Handed out by the database.
    #[sea_orm(primary_key)]
    pub id: ErrorLogId,
    /// Name of the error's type, for example `DatabaseError`. Not a closed set.
    #[sea_orm(column_type = "Text")]
    pub error_type: String,
    /// What went wrong.
    #[sea_orm(column_type = "Text")]
    pub message: String,
    /// Where.
    #[sea_orm(column_type = "Text", nullable)]
    pub stack: Option<String>,
    /// What was going on.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub context: Option<Json>,
    /// When. Database default: now.
    pub timestamp: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
