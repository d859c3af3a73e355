//! An edge between two patterns: the second was seen, or is known, to follow the first.
//!
//! At most one edge stands for an ordered pair, whatever its type, and none leads from a pattern to itself.

use sea_orm::entity::prelude::*;

use crate::values::{EdgeSource, EdgeType, PatternId};

/// One row of `capability_dependency`. In spite of the column names both ends are patterns, not registry entries.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "capability_dependency")]
pub struct Model {
    /// The earlier pattern.
    #[sea_orm(primary_key, auto_increment = false)]
    pub from_capability_id: PatternId,
    /// The later pattern.
    #[sea_orm(primary_key, auto_increment = false)]
    pub to_capability_id: PatternId,
    /// How often the pair was seen, at least 0. Database default: 1.
    pub observed_count: i64,
    /// Trust in the edge, 0..=1. Database default: 0.5.
    pub confidence_score: f64,
    /// What the edge means. Database default: `sequence`.
    pub edge_type: EdgeType,
    /// How it became known. Database default: `inferred`.
    pub edge_source: EdgeSource,
    /// When the pair was first seen. Database default: now.
    pub created_at: DateTimeUtc,
    /// When the pair was last seen. Database default: now.
    pub last_observed: DateTimeUtc,
    /// The earlier pattern.
    #[sea_orm(
        belongs_to,
        relation_enum = "From",
        from = "from_capability_id",
        to = "pattern_id",
        on_delete = "Cascade"
    )]
    pub from: BelongsTo<super::workflow_pattern::Entity>,
    /// The later pattern.
    #[sea_orm(
        belongs_to,
        relation_enum = "To",
        from = "to_capability_id",
        to = "pattern_id",
        on_delete = "Cascade"
    )]
    pub to: BelongsTo<super::workflow_pattern::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
