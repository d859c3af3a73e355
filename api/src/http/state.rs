//! What every handler can reach.

use std::sync::Arc;

use pml_service::{Db, embedding::Embedder};

use super::metrics::Metrics;

/// The database, the embedder and the metrics of one server. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The connected database.
    pub db: Db,
    /// Makes embeddings of texts.
    pub embedder: Arc<dyn Embedder>,
    /// Counts what happens.
    pub metrics: Metrics,
}

impl AppState {
    /// A state with metrics of its own. Pass the [`Metrics`] whose hook the database got to have its statements counted.
    pub fn new(db: Db, embedder: Arc<dyn Embedder>, metrics: Metrics) -> Self {
        Self {
            db,
            embedder,
            metrics,
        }
    }
}

impl std::fmt::Debug for AppState {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("AppState")
            .field("embedding_model", &self.embedder.model_id())
            .finish_non_exhaustive()
    }
}
