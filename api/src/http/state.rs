//! What every handler can reach.

use std::sync::Arc;

use pml_service::{
    Db,
    capabilities::CachedCapabilities,
    embedding::{Embedder, HashingPromptEmbedder, PROMPT_DIMENSIONS},
    recorder::RecorderOptions,
    traceability::{TraceRecorder, learning::TopPatterns},
};

use super::metrics::Metrics;

/// The database, the embedder, the cache and the metrics of one server. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The connected database.
    pub db: Db,
    /// Makes embeddings of texts.
    pub embedder: Arc<dyn Embedder>,
    /// Makes embeddings of prompts.
    pub prompts: Arc<dyn Embedder<PROMPT_DIMENSIONS>>,
    /// The steps of the patterns that are replayed most.
    pub top_patterns: TopPatterns,
    /// Single capabilities as they were last read, and every change of one.
    pub capabilities: Arc<CachedCapabilities>,
    /// Writes down executions behind the caller's back. The server flushes it when it stops.
    pub recorder: TraceRecorder,
    /// Counts what happens.
    pub metrics: Metrics,
}

impl AppState {
    /// A state with a recorder of its own and the offline embedder for prompts (another one: [`with_prompts`](Self::with_prompts)). Pass the [`Metrics`] whose hook the database got to have its statements counted.
    ///
    /// # Panics
    /// Outside a tokio runtime, which the recorder works on.
    pub fn new(db: Db, embedder: Arc<dyn Embedder>, metrics: Metrics) -> Self {
        Self {
            capabilities: Arc::new(CachedCapabilities::new(db.clone(), embedder.clone())),
            prompts: Arc::new(HashingPromptEmbedder),
            top_patterns: TopPatterns::default(),
            recorder: TraceRecorder::start(db.clone(), RecorderOptions::named("traces")),
            db,
            embedder,
            metrics,
        }
    }

    /// The same with another embedder for prompts.
    #[must_use]
    pub fn with_prompts(mut self, prompts: Arc<dyn Embedder<PROMPT_DIMENSIONS>>) -> Self {
        self.prompts = prompts;
        self
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
