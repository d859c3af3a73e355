//! From text to vector: the trait, an offline stand-in, and the client of an embedding service.

mod hashing;
mod http;

use std::sync::Arc;

use async_trait::async_trait;
use pml_entity::values::Embedding;

pub use hashing::HashingEmbedder;
pub use http::{HttpEmbedder, HttpEmbedderOptions};

use crate::{Error, Settings};

/// Makes embeddings of texts. Callers share one as `Arc<dyn Embedder>`.
#[async_trait]
pub trait Embedder: std::fmt::Debug + Send + Sync {
    /// Names the model, for the row beside each vector: vectors of different models are never compared.
    fn model_id(&self) -> &str;

    /// The lowest score that a search keeps when its caller names none. Scores of different models are not on one scale.
    fn default_min_score(&self) -> f64 {
        0.7
    }

    /// Embeds the texts, in their order: as many vectors as texts.
    ///
    /// # Errors
    /// [`EmbedderError`]; there are no partial results.
    async fn embed(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedderError>;
}

/// Why texts could not be embedded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbedderError {
    /// The service could not be reached, or did not answer in time.
    #[error("the embedding service does not answer")]
    Unreachable(#[source] reqwest::Error),
    /// The service answered with an error. Its own words are left out: they may repeat the request, key and all.
    #[error("the embedding service answered with status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// The service answered something that is no list of usable vectors.
    #[error("the embedding service gave an unusable answer: {0}")]
    Unusable(String),
    /// The client could not be set up.
    #[error("the embedding client cannot be set up: {0}")]
    Setup(String),
}

impl EmbedderError {
    /// Whether the same texts may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Status { status } => *status == 429 || *status >= 500,
            Self::Unusable(_) | Self::Setup(_) => false,
        }
    }
}

/// The embedder that the settings ask for: the service at `embedding_url`, or the built-in one when that is unset.
///
/// # Errors
/// [`Error::Embedder`] if the HTTP client cannot be set up.
pub fn from_settings(settings: &Settings) -> Result<Arc<dyn Embedder>, Error> {
    let Some(url) = &settings.embedding_url else {
        return Ok(Arc::new(HashingEmbedder));
    };
    let options = HttpEmbedderOptions {
        api_key: settings.embedding_api_key.clone(),
        ..HttpEmbedderOptions::new(url.clone(), settings.embedding_model.clone())
    };
    Ok(Arc::new(HttpEmbedder::new(options)?))
}
