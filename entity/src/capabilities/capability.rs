//! View: a registry entry together with the code and statistics it names. Read-only.
//!
//! Exists so that nobody joins [`capability_records`](super::capability_records) with
//! [`workflow_pattern`](super::workflow_pattern) by hand and by the wrong id. Everything that comes from the pattern is null
//! for an entry whose pattern was deleted. Saving or deleting a row fails before it reaches the database; the bulk paths of
//! sea-orm skip that check, and PostgreSQL refuses them, because a view over a join is not updatable.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::RcOrArc;

use crate::values::{
    CacheConfig, CapabilityId, CodeHash, DagStructure, JsonSchema, PatternId, PatternSource,
    PermissionSet, Routing, ShortHash, UserId, Visibility,
};

/// One row of the view `capability`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "capability")]
pub struct Model {
    /// The registry entry.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CapabilityId,
    /// The pattern: what foreign keys of other tables refer to.
    pub pattern_id: Option<PatternId>,
    /// Organisation.
    #[sea_orm(column_type = "Text")]
    pub org: String,
    /// Project.
    #[sea_orm(column_type = "Text")]
    pub project: String,
    /// What the capability is about.
    #[sea_orm(column_type = "Text")]
    pub namespace: String,
    /// What it does.
    #[sea_orm(column_type = "Text")]
    pub action: String,
    /// First four digits of its code hash.
    pub hash: ShortHash,
    /// `org.project.namespace.action.hash`. Text, because a name that an older system stored may break the rules of
    /// [`Fqdn`](crate::values::Fqdn).
    #[sea_orm(column_type = "Text")]
    pub fqdn: String,
    /// `namespace:action`.
    #[sea_orm(column_type = "Text")]
    pub display_name: String,
    /// Owner of the entry.
    pub user_id: Option<UserId>,
    /// Who made the entry, in words.
    #[sea_orm(column_type = "Text")]
    pub created_by: String,
    /// Who may see it.
    pub visibility: Visibility,
    /// Where it runs.
    pub routing: Routing,
    /// Labels that people gave it.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Text))")]
    pub tags: Vec<String>,
    /// Counts saves under this name, from 1.
    pub version: i32,
    /// A label of this version.
    #[sea_orm(column_type = "Text", nullable)]
    pub version_tag: Option<String>,
    /// Whether someone vouched for it.
    pub verified: bool,
    /// Signature over its code.
    #[sea_orm(column_type = "Text", nullable)]
    pub signature: Option<String>,
    /// When the entry was made.
    pub created_at: DateTimeUtc,
    /// When the entry last changed. Null: never.
    pub updated_at: Option<DateTimeUtc>,
    /// What it does, for people.
    #[sea_orm(column_type = "Text", nullable)]
    pub description: Option<String>,
    /// SHA-256 of the canonical code.
    pub code_hash: Option<CodeHash>,
    /// Its code.
    #[sea_orm(column_type = "Text", nullable)]
    pub code_snippet: Option<String>,
    /// JSON Schema of its arguments.
    pub parameters_schema: Option<JsonSchema>,
    /// How long its results may be reused.
    pub cache_config: Option<CacheConfig>,
    /// How it runs and which tools it uses.
    pub dag_structure: Option<DagStructure>,
    /// How it came to be.
    pub source: Option<PatternSource>,
    /// How often its code was reused.
    pub usage_count: Option<i64>,
    /// How often it succeeded.
    pub success_count: Option<i64>,
    /// Share of uses that succeeded, 0..=1.
    pub success_rate: Option<f64>,
    /// Mean duration in milliseconds.
    pub avg_duration_ms: Option<i64>,
    /// When it was last used.
    pub last_used: Option<DateTimeUtc>,
    /// What it may touch.
    pub permission_set: Option<PermissionSet>,
    /// Trust in that set, 0..=1.
    pub permission_confidence: Option<f64>,
    /// 0 for one that calls only tools, else one more than the highest capability it calls.
    pub hierarchy_level: Option<i32>,
    /// Its community in the graph.
    pub community_id: Option<i32>,
    /// Its tools as a set of short ids `server:action`, sorted.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Text))", nullable)]
    pub tool_ids: Option<Vec<String>>,
    /// Whether name or description changed since the vector was made.
    pub embedding_stale: Option<bool>,
    /// The registry entry.
    #[sea_orm(belongs_to, from = "id", to = "id", skip_fk)]
    pub record: BelongsTo<super::capability_records::Entity>,
    /// The pattern.
    #[sea_orm(belongs_to, from = "pattern_id", to = "pattern_id", skip_fk)]
    pub pattern: BelongsTo<Option<super::workflow_pattern::Entity>>,
    /// Owner of the entry.
    #[sea_orm(belongs_to, from = "user_id", to = "id", skip_fk)]
    pub user: BelongsTo<Option<crate::identity::users::Entity>>,
}

fn read_only() -> DbErr {
    DbErr::Custom(
        "view capability is read-only: write capability_records and workflow_pattern instead"
            .to_owned(),
    )
}

#[sea_orm::prelude::async_trait::async_trait]
impl ActiveModelBehavior for ActiveModel {
    /// Always fails: the view is read-only.
    async fn before_save<C>(self, _db: &C, _insert: bool) -> Result<Self, DbErr>
    where
        C: ConnectionTrait,
    {
        Err(read_only())
    }

    /// Always fails: the view is read-only.
    async fn before_delete<C>(self, _db: &C) -> Result<Self, DbErr>
    where
        C: ConnectionTrait,
    {
        Err(read_only())
    }
}
