//! How varied the learned graph was at a moment.

use sea_orm::entity::prelude::*;

use crate::values::{EntropyByOrder, EntropyId, HealthStatus, UserId};

/// One row of `entropy_history`. All entropies are normalised to 0..=1.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "entropy_history")]
pub struct Model {
    /// Handed out by the database.
    #[sea_orm(primary_key)]
    pub id: EntropyId,
    /// When it was measured. Database default: now.
    pub recorded_at: DateTimeUtc,
    /// Quadratic approximation of the von Neumann entropy.
    pub von_neumann_entropy: f64,
    /// Entropy of the degrees.
    pub structural_entropy: f64,
    /// Structural entropy, mixed with that of the hyperedges if there are any.
    pub normalized_entropy: f64,
    /// Entropy of the pairwise similarities of embeddings. Null: embeddings were not read.
    pub semantic_entropy: Option<f64>,
    /// 1 minus the mean similarity.
    pub semantic_diversity: Option<f64>,
    /// Mean cosine similarity, −1..=1.
    pub avg_cosine_similarity: Option<f64>,
    /// Structural and semantic entropy, 6 to 4.
    pub dual_entropy: Option<f64>,
    /// The verdict.
    pub health_status: HealthStatus,
    /// Below it: rigid.
    pub threshold_low: f64,
    /// Above it: chaotic.
    pub threshold_high: f64,
    /// Nodes of the graph, at least 0.
    pub node_count: i64,
    /// Its edges, at least 0.
    pub edge_count: i64,
    /// Its hyperedges, at least 0. Database default: 0.
    pub hyperedge_count: i64,
    /// Entropy per order of hyperedge.
    pub entropy_by_order: Option<EntropyByOrder>,
    /// Whose graph, in words, as older rows recorded it.
    #[sea_orm(column_type = "Text", nullable)]
    pub created_by: Option<String>,
    /// How long the measurement took, in milliseconds.
    pub compute_time_ms: Option<f64>,
    /// Whose graph. Null: everyone's.
    pub user_id: Option<UserId>,
    /// Whose graph.
    #[sea_orm(belongs_to, from = "user_id", to = "id", on_delete = "SetNull")]
    pub user: BelongsTo<Option<crate::identity::users::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
