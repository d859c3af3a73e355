//! Small settings that the platform keeps for itself, such as checksums of files it has loaded.

use sea_orm::entity::prelude::*;

/// One row of `config`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "config")]
pub struct Model {
    /// Its name, for example `workflow_templates_checksum`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub key: String,
    /// Its value.
    #[sea_orm(column_type = "Text")]
    pub value: String,
    /// When it last changed. Database default: now.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
