//! The vector by which a tool is found.
//!
//! Kept apart from [`tool_schema`](super::tool_schema), so that the rows which are scanned stay small and the model that made
//! a vector is known: vectors of different models cannot be compared.

use sea_orm::entity::prelude::*;

use crate::values::{ContentHash, Embedding, ServerId, ToolEmbeddingMetadata, ToolId};

/// One row of `tool_embedding`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tool_embedding")]
pub struct Model {
    /// The tool. Removed with it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tool_id: ToolId,
    /// Its server, repeated here so that a search can be limited to servers without a join.
    pub server_id: ServerId,
    /// Its name on that server.
    #[sea_orm(column_type = "Text")]
    pub tool_name: String,
    /// The vector: 1024 components, searched by cosine distance.
    #[sea_orm(column_type = "Vector(Some(1024))")]
    pub embedding: Embedding,
    /// What the vector was made from.
    pub metadata: Option<ToolEmbeddingMetadata>,
    /// When the vector was made. Database default: now.
    pub created_at: DateTimeUtc,
    /// Id of the model that made the vector; `bge-m3` for rows of older systems.
    #[sea_orm(column_type = "Text")]
    pub model: String,
    /// SHA-256 of what was embedded, or [`ContentHash::unknown`] for rows of older systems: differs from the tool's hash
    /// when the vector is out of date. Database default: unknown.
    pub content_hash: ContentHash,
    /// The tool itself.
    #[sea_orm(belongs_to, from = "tool_id", to = "tool_id", on_delete = "Cascade")]
    pub tool: BelongsTo<super::tool_schema::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
