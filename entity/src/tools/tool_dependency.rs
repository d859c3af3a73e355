//! An edge between two tools: the second was seen, or is known, to follow the first.
//!
//! At most one edge stands for an ordered pair, whatever its type.

use sea_orm::entity::prelude::*;

use crate::values::{EdgeSource, EdgeType, ToolId};

/// One row of `tool_dependency`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tool_dependency")]
pub struct Model {
    /// The earlier tool.
    #[sea_orm(primary_key, auto_increment = false)]
    pub from_tool_id: ToolId,
    /// The later tool.
    #[sea_orm(primary_key, auto_increment = false)]
    pub to_tool_id: ToolId,
    /// How often the pair was seen, at least 0. Database default: 1.
    pub observed_count: i64,
    /// Trust in the edge, 0..=1. Database default: 0.5.
    pub confidence_score: f64,
    /// When the pair was last seen. Database default: now.
    pub last_observed: DateTimeUtc,
    /// What the edge means. Database default: `sequence`.
    pub edge_type: EdgeType,
    /// How it became known. Database default: `inferred`.
    pub edge_source: EdgeSource,
    /// The earlier tool.
    #[sea_orm(
        belongs_to,
        relation_enum = "From",
        from = "from_tool_id",
        to = "tool_id",
        on_delete = "Cascade"
    )]
    pub from: BelongsTo<super::tool_schema::Entity>,
    /// The later tool.
    #[sea_orm(
        belongs_to,
        relation_enum = "To",
        from = "to_tool_id",
        to = "tool_id",
        on_delete = "Cascade"
    )]
    pub to: BelongsTo<super::tool_schema::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
