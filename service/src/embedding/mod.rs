//! From text to vector: the trait, an offline stand-in, and the client of an embedding service.

mod hashing;
mod http;

use std::sync::Arc;

use async_trait::async_trait;
use pml_entity::values::{DIMENSIONS, EmbeddingOf};

pub use hashing::{HashingEmbedder, HashingPromptEmbedder};
pub use http::{HttpEmbedder, HttpEmbedderOptions};

use crate::{Error, Settings};

/// Dimension of the prompt embeddings of the traceability tables.
pub const PROMPT_DIMENSIONS: usize = 1536;

/// Makes embeddings of texts: of 1,024 dimensions unless it says otherwise. Callers share one as `Arc<dyn Embedder>`, or for prompts as
/// `Arc<dyn Embedder<PROMPT_DIMENSIONS>>`.
#[async_trait]
pub trait Embedder<const N: usize = DIMENSIONS>: std::fmt::Debug + Send + Sync {
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
    async fn embed(&self, texts: &[String]) -> Result<Vec<EmbeddingOf<N>>, EmbedderError>;
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
    let options = service(settings, url, &settings.embedding_model);
    Ok(Arc::new(HttpEmbedder::new(options)?))
}

/// The same for prompts: the model `trace_embedding_model` of that service, or the built-in one.
///
/// # Errors
/// [`Error::Embedder`] if the HTTP client cannot be set up.
pub fn prompts_from_settings(
    settings: &Settings,
) -> Result<Arc<dyn Embedder<PROMPT_DIMENSIONS>>, Error> {
    let Some(url) = &settings.embedding_url else {
        return Ok(Arc::new(HashingPromptEmbedder));
    };
    let options = service(settings, url, &settings.trace_embedding_model);
    Ok(Arc::new(HttpEmbedder::for_prompts(options)?))
}

fn service(settings: &Settings, url: &str, model: &str) -> HttpEmbedderOptions {
    HttpEmbedderOptions {
        api_key: settings.embedding_api_key.clone(),
        ..HttpEmbedderOptions::new(url.to_owned(), model.to_owned())
    }
}
