//! A learned workflow: its code, the embedding of the intent it answers, and its statistics.
//!
//! Its public name lives in [`capability_records`](super::capability_records); the two ids are different. Several records may
//! name one pattern. Every other table refers to the pattern, not to the record.

use sea_orm::ActiveValue::NotSet;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::RcOrArc;

use crate::values::{
    CacheConfig, CodeHash, DagStructure, Embedding, JsonSchema, PatternId, PatternSource,
    PermissionSet, UserId,
};

/// One row of `workflow_pattern`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "workflow_pattern")]
pub struct Model {
    /// Database default: a random UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub pattern_id: PatternId,
    /// The code hash; with an owner the SHA-256 of `code_hash:user_id`. Unique.
    #[sea_orm(column_type = "Text", unique)]
    pub pattern_hash: String,
    /// How it runs and which tools it uses.
    pub dag_structure: DagStructure,
    /// Embedding of the intent it answers: 1024 components, searched by cosine distance.
    #[sea_orm(column_type = "Vector(Some(1024))")]
    pub intent_embedding: Embedding,
    /// How often its code was matched and reused, at least 0. Not the number of traces. Database default: 1.
    pub usage_count: i64,
    /// How often it succeeded, at least 0. Database default: 0.
    pub success_count: i64,
    /// When it was last used. Database default: now.
    pub last_used: DateTimeUtc,
    /// Its code. Null: an observed workflow without code.
    #[sea_orm(column_type = "Text", nullable)]
    pub code_snippet: Option<String>,
    /// SHA-256 of the canonical code; unique per owner. Null: an observed workflow, not a capability.
    pub code_hash: Option<CodeHash>,
    /// JSON Schema of its arguments.
    pub parameters_schema: Option<JsonSchema>,
    /// How long its results may be reused. Database default: one hour, cacheable.
    pub cache_config: CacheConfig,
    /// What it does, for people.
    #[sea_orm(column_type = "Text", nullable)]
    pub description: Option<String>,
    /// Share of uses that succeeded, 0..=1. Database default: 1.
    pub success_rate: f64,
    /// When it was first saved. Database default: now.
    pub created_at: DateTimeUtc,
    /// How it came to be. Database default: `emergent`.
    pub source: PatternSource,
    /// Its community in the graph. Null: not computed.
    pub community_id: Option<i32>,
    /// What it may touch. Database default: `minimal`.
    pub permission_set: PermissionSet,
    /// Trust in that set, 0..=1. Database default: 0.
    pub permission_confidence: f64,
    /// 0 for one that calls only tools, else one more than the highest capability it calls. Database default: 0.
    pub hierarchy_level: i32,
    /// Who saved it, in words: provenance, not ownership. Database default: `local`.
    #[sea_orm(column_type = "Text", nullable)]
    pub created_by: Option<String>,
    /// A name given to the pattern itself; the registry names are in `capability_records`.
    #[sea_orm(column_type = "Text", nullable)]
    pub name: Option<String>,
    /// Its owner. Null: everyone's, as in local mode.
    pub user_id: Option<UserId>,
    /// Sum of the durations of all its uses in milliseconds, at least 0. Database default: 0.
    pub total_duration_ms: i64,
    /// Mean duration in milliseconds. **Generated**: `total_duration_ms / usage_count`, or 0 without uses.
    /// Never written: saving an active model leaves it out whatever it holds; PostgreSQL refuses it in every other statement.
    pub avg_duration_ms: i64,
    /// Model that made the vector. Null: the caller brought the vector.
    #[sea_orm(column_type = "Text", nullable)]
    pub embedding_model: Option<String>,
    /// Whether name or description changed since the vector was made. Database default: false.
    pub embedding_stale: bool,
    /// Its tools as a set of short ids `server:action`, sorted. **Generated** from `dag_structure.tools_used`; never written, as above.
    #[sea_orm(column_type = "Array(RcOrArc::new(ColumnType::Text))")]
    pub tool_ids: Vec<String>,
    /// Its owner.
    #[sea_orm(belongs_to, from = "user_id", to = "id", on_delete = "SetNull")]
    pub user: BelongsTo<Option<crate::identity::users::Entity>>,
    /// The registry entries that name it.
    #[sea_orm(has_many)]
    pub records: HasMany<super::capability_records::Entity>,
    /// Edges to the patterns that follow it.
    #[sea_orm(has_many, relation_enum = "Outgoing", via_rel = "From")]
    pub outgoing: HasMany<super::capability_dependency::Entity>,
    /// Edges from the patterns that it follows.
    #[sea_orm(has_many, relation_enum = "Incoming", via_rel = "To")]
    pub incoming: HasMany<super::capability_dependency::Entity>,
    /// The changes of its permissions.
    #[sea_orm(has_many)]
    pub audit: HasMany<super::permission_audit_log::Entity>,
    /// Its runs.
    #[sea_orm(has_many)]
    pub traces: HasMany<crate::execution::execution_trace::Entity>,
}

#[sea_orm::prelude::async_trait::async_trait]
impl ActiveModelBehavior for ActiveModel {
    /// Leaves the generated columns out of the statement.
    async fn before_save<C>(mut self, _db: &C, _insert: bool) -> Result<Self, DbErr>
    where
        C: ConnectionTrait,
    {
        self.avg_duration_ms = NotSet;
        self.tool_ids = NotSet;
        Ok(self)
    }
}
