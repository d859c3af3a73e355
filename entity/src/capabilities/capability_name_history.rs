//! A name that a capability gave up: by a rename, by a merge, or because its code changed.
//!
//! The row leads from the old name straight to the capability, however often it was renamed since.

use sea_orm::ActiveValue::NotSet;
use sea_orm::entity::prelude::*;

use crate::values::{CapabilityId, NameChangeId, ShortHash, UserId};

/// One row of `capability_name_history`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "capability_name_history")]
pub struct Model {
    /// Database default: a random UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: NameChangeId,
    /// The registry entry that had the name.
    pub capability_id: CapabilityId,
    /// Organisation. Database default: `local`.
    #[sea_orm(column_type = "Text")]
    pub org: String,
    /// Project. Database default: `default`.
    #[sea_orm(column_type = "Text")]
    pub project: String,
    /// Namespace before.
    #[sea_orm(column_type = "Text")]
    pub old_namespace: String,
    /// Action before.
    #[sea_orm(column_type = "Text")]
    pub old_action: String,
    /// Hash before. Database default: the empty text, for not known.
    pub old_hash: ShortHash,
    /// Namespace after.
    #[sea_orm(column_type = "Text")]
    pub new_namespace: String,
    /// Action after.
    #[sea_orm(column_type = "Text")]
    pub new_action: String,
    /// Hash after. Database default: the empty text, for not known.
    pub new_hash: ShortHash,
    /// `namespace:action` before. **Generated**, as the next three: never written.
    #[sea_orm(column_type = "Text")]
    pub old_name: String,
    /// `namespace:action` after.
    #[sea_orm(column_type = "Text")]
    pub new_name: String,
    /// Full name before.
    #[sea_orm(column_type = "Text")]
    pub old_fqdn: String,
    /// Full name after.
    #[sea_orm(column_type = "Text")]
    pub new_fqdn: String,
    /// When it changed. Database default: now.
    pub renamed_at: DateTimeUtc,
    /// Id of the entry that a merge took away, which had the old name. Null: no merge.
    pub merged_id: Option<CapabilityId>,
    /// Who changed it. Null: somebody in local mode.
    pub user_id: Option<UserId>,
    /// The registry entry that had the name.
    #[sea_orm(belongs_to, from = "capability_id", to = "id", on_delete = "Cascade")]
    pub record: BelongsTo<super::capability_records::Entity>,
    /// Who changed it.
    #[sea_orm(belongs_to, from = "user_id", to = "id", on_delete = "SetNull")]
    pub user: BelongsTo<Option<crate::identity::users::Entity>>,
}

#[sea_orm::prelude::async_trait::async_trait]
impl ActiveModelBehavior for ActiveModel {
    /// Leaves the generated columns out of the statement.
    async fn before_save<C>(mut self, _db: &C, _insert: bool) -> Result<Self, DbErr>
    where
        C: ConnectionTrait,
    {
        self.old_name = NotSet;
        self.new_name = NotSet;
        self.old_fqdn = NotSet;
        self.new_fqdn = NotSet;
        Ok(self)
    }
}
