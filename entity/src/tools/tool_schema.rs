//! A tool: what a server offers under a name, or a built-in operation, or a tool that is only referred to.
//!
//! A tool that its server no longer offers keeps its row with [`removed_at`](Model::removed_at) set, so that edges, traces and
//! permissions that name it stay readable. Its vector lives in [`tool_embedding`](super::tool_embedding), because lists of
//! tools never need it.

use sea_orm::entity::prelude::*;

use crate::values::{ContentHash, JsonSchema, ServerId, ToolId, ToolKind};

/// One row of `tool_schema`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tool_schema")]
pub struct Model {
    /// `{server_id}:{name}`. Lists are ordered by it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tool_id: ToolId,
    /// The server that offers it; for an operation, the prefix of its id.
    pub server_id: ServerId,
    /// Its name on that server.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// What it does, in the server's words.
    #[sea_orm(column_type = "Text", nullable)]
    pub description: Option<String>,
    /// JSON Schema of its arguments; `{}` when nobody has seen its definition.
    pub input_schema: JsonSchema,
    /// JSON Schema of its result, if the server declares one.
    pub output_schema: Option<JsonSchema>,
    /// When its definition was last fetched. Database default: now.
    pub cached_at: DateTimeUtc,
    /// When its definition last changed. Database default: now.
    pub updated_at: DateTimeUtc,
    /// What the row stands for. Database default: `mcp`.
    pub kind: ToolKind,
    /// SHA-256 of the definition. Null: never computed, so the next sync counts it as changed.
    pub content_hash: Option<ContentHash>,
    /// When a sync first missed it. Not null: kept, not searchable.
    pub removed_at: Option<DateTimeUtc>,
    /// Its vector, if it has one.
    #[sea_orm(has_one)]
    pub embedding: HasOne<super::tool_embedding::Entity>,
    /// Edges to the tools that follow it.
    #[sea_orm(has_many, relation_enum = "Outgoing", via_rel = "From")]
    pub outgoing: HasMany<super::tool_dependency::Entity>,
    /// Edges from the tools that it follows.
    #[sea_orm(has_many, relation_enum = "Incoming", via_rel = "To")]
    pub incoming: HasMany<super::tool_dependency::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
