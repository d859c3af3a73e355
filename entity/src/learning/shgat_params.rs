//! Trained weights of the scoring model, one set per owner.

use sea_orm::entity::prelude::*;

use crate::values::{ShgatParamsId, UserId};

/// One row of `shgat_params`. Unique per pair of `user_id` and `created_by`, where null equals null.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "shgat_params")]
pub struct Model {
    /// Database default: a random UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ShgatParamsId,
    /// Whose weights, in words, as older rows recorded it. Database default: `local`.
    #[sea_orm(column_type = "Text")]
    pub created_by: String,
    /// The weights, packed by the trainer; its key `format` says how (`gzip+base64`, `msgpack+gzip+base64`).
    #[sea_orm(column_type = "JsonBinary")]
    pub params: Json,
    /// When they were first saved. Database default: now.
    pub created_at: DateTimeUtc,
    /// When they were last saved. Database default: now.
    pub updated_at: DateTimeUtc,
    /// Whose weights. Null: everyone's.
    pub user_id: Option<UserId>,
    /// Whose weights.
    #[sea_orm(belongs_to, from = "user_id", to = "id", on_delete = "SetNull")]
    pub user: BelongsTo<Option<crate::identity::users::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
