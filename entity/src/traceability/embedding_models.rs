//! Of which model the vectors of a column are. Vectors of two models are never compared.

use sea_orm::entity::prelude::*;

/// One row of `embedding_models`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "embedding_models")]
pub struct Model {
    /// Table and column, for example `success_patterns.prompt_embedding`.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub vectors: String,
    /// The model.
    #[sea_orm(column_type = "Text")]
    pub model: String,
    /// Since when. Database default: now.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
