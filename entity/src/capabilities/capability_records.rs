//! A capability's entry in the registry: its name, its scope and who may see it.
//!
//! Code, embedding and statistics live in [`workflow_pattern`](super::workflow_pattern). Never compare the two ids: follow
//! `workflow_pattern_id`, or read the view [`capability`](super::capability).

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::RcOrArc;

use crate::values::{CapabilityId, PatternId, Routing, ShortHash, UserId, Visibility};

/// One row of `capability_records`. Its full name is `org.project.namespace.action.hash`, which is unique.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "capability_records")]
pub struct Model {
    /// Organisation; `local` when there is none.
    #[sea_orm(column_type = "Text", unique_key = "fqdn")]
    pub org: String,
    /// Project; `default` when there is none.
    #[sea_orm(column_type = "Text", unique_key = "fqdn")]
    pub project: String,
    /// What the capability is about.
    #[sea_orm(column_type = "Text", unique_key = "fqdn")]
    pub namespace: String,
    /// What it does.
    #[sea_orm(column_type = "Text", unique_key = "fqdn")]
    pub action: String,
    /// First four digits of its code hash.
    #[sea_orm(unique_key = "fqdn")]
    pub hash: ShortHash,
    /// Who made the entry, in words: provenance, not ownership. Database default: `local`.
    #[sea_orm(column_type = "Text")]
    pub created_by: String,
    /// When it was made. Database default: now.
    pub created_at: DateTimeUtc,
    /// Who last changed it, in words.
    #[sea_orm(column_type = "Text", nullable)]
    pub updated_by: Option<String>,
    /// When it last changed. Null: never.
    pub updated_at: Option<DateTimeUtc>,
    /// Counts saves under this name, from 1. Database default: 1.
    pub version: i32,
    /// A label of this version, for example `v1.2.0`.
    #[sea_orm(column_type = "Text", nullable)]
    pub version_tag: Option<String>,
    /// Whether someone vouched for it. Database default: false.
    pub verified: bool,
    /// Signature over its code.
    #[sea_orm(column_type = "Text", nullable)]
    pub signature: Option<String>,
    /// Labels that people gave it. Database default: none.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Text))")]
    pub tags: Vec<String>,
    /// Who may see it. Database default: `private`.
    pub visibility: Visibility,
    /// Where it runs. Database default: `local`.
    pub routing: Routing,
    /// Its code and statistics. Null: the pattern was deleted.
    pub workflow_pattern_id: Option<PatternId>,
    /// Database default: a random UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CapabilityId,
    /// Its owner. Null: everyone's, as in local mode.
    pub user_id: Option<UserId>,
    /// Its code and statistics.
    #[sea_orm(
        belongs_to,
        from = "workflow_pattern_id",
        to = "pattern_id",
        on_delete = "SetNull"
    )]
    pub workflow_pattern: BelongsTo<Option<super::workflow_pattern::Entity>>,
    /// Its owner.
    #[sea_orm(belongs_to, from = "user_id", to = "id", on_delete = "SetNull")]
    pub user: BelongsTo<Option<crate::identity::users::Entity>>,
    /// The names it had.
    #[sea_orm(has_many)]
    pub former_names: HasMany<super::capability_name_history::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
