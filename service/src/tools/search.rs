//! Finding the right tool.

use std::collections::BTreeSet;

use pml_entity::values::{Embedding, ServerId, ToolId};
use sea_orm::ConnectionTrait;
use serde_json::Value;

use super::definition::validate_server_id;
use super::search_sql::{self, Hits};
use crate::embedding::Embedder;
use crate::{Error, Limit, sql};

/// Results of a search that asks for no number.
pub const DEFAULT_LIMIT: u32 = 5;
/// The score of everything that the literal search finds.
const LITERAL_SCORE: f64 = 0.5;
/// A filter that keeps no more rows than this is searched exactly: some 10 ms, and no approximate search comes near on such a part.
const EXACT_ROWS: i64 = 2_000;
/// A filter that keeps less than this part of all rows is searched exactly as well: the index would wade through the rest.
const EXACT_FRACTION: f64 = 0.02;

/// What is searched for.
#[derive(Clone, Debug, PartialEq)]
pub enum SearchTarget {
    /// A text, which is embedded first.
    Query(String),
    /// A vector of the same model as the stored ones.
    Embedding(Embedding),
}

/// A search for tools.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchRequest {
    /// What is searched for.
    pub target: SearchTarget,
    /// Most results, 1–500. `None`: 5.
    pub limit: Option<i64>,
    /// Lowest score of a result, 0–1, inclusive. `None`: what suits the model ([`Embedder::default_min_score`]).
    pub min_score: Option<f64>,
    /// Only tools of these servers. Empty: of all.
    pub server_ids: Vec<String>,
}

impl SearchRequest {
    /// A search for a text with everything else left open.
    pub fn query(text: impl Into<String>) -> Self {
        Self {
            target: SearchTarget::Query(text.into()),
            limit: None,
            min_score: None,
            server_ids: Vec::new(),
        }
    }

    /// A search for a vector with everything else left open.
    pub fn embedding(embedding: Embedding) -> Self {
        Self {
            target: SearchTarget::Embedding(embedding),
            limit: None,
            min_score: None,
            server_ids: Vec::new(),
        }
    }
}

/// How a search was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchMode {
    /// By the distance of vectors.
    Semantic,
    /// By the letters of name and description, because no embedding of the query could be made.
    Literal,
}

/// A tool that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolHit {
    /// The tool.
    pub tool_id: ToolId,
    /// Its server.
    pub server_id: ServerId,
    /// Its name on the server.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// Cosine similarity of query and tool, −1–1, not rounded; 0.5 for every hit of a literal search.
    pub score: f64,
    /// JSON Schema of its arguments.
    pub input_schema: Value,
}

/// The answer to a search.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchResponse {
    /// The tools, best first; equal scores in the order of their ids.
    pub results: Vec<ToolHit>,
    /// How they were found.
    pub mode: SearchMode,
}

/// Finds the tools nearest to a text or a vector.
///
/// The score is `1 − cosine distance`, taken from the whole vectors. Tools that are removed or unresolved are never found. A blank text finds
/// nothing. When the embedder fails, tools whose name or description contains the text are found instead, with a score of 0.5 each, whatever
/// `min_score` says.
///
/// Never fewer than `limit` results where so many match: a small part of the tools (by `server_ids`) is searched exactly, otherwise the vector
/// index is used, and what it misses is searched for exactly. One statement without a server filter, two with one; one
/// more where fewer than `limit` were found.
///
/// # Errors
/// [`Error::InvalidLimit`], [`Error::InvalidMinScore`], [`Error::InvalidServerId`], [`Error::InvalidQuery`] (a null character, or over 32 KiB);
/// [`Error::MixedModels`] if the stored vectors are of another model than the embedder's.
pub async fn search<C: ConnectionTrait>(
    db: &C,
    embedder: &dyn Embedder,
    request: &SearchRequest,
) -> Result<SearchResponse, Error> {
    let limit = Limit::or(request.limit, DEFAULT_LIMIT)?;
    let min_score = request
        .min_score
        .unwrap_or_else(|| embedder.default_min_score());
    if !(0.0..=1.0).contains(&min_score) {
        return Err(Error::InvalidMinScore);
    }
    let servers = servers(&request.server_ids)?;

    let (embedding, model) = match &request.target {
        SearchTarget::Embedding(embedding) => (embedding.clone(), None),
        SearchTarget::Query(text) => {
            sql::check_query(text)?;
            let text = text.trim();
            if text.is_empty() {
                return Ok(SearchResponse {
                    results: Vec::new(),
                    mode: SearchMode::Semantic,
                });
            }
            tracing::debug!(query = %text.chars().take(100).collect::<String>(), "vector search started");
            match embed(embedder, text).await {
                Some(embedding) => (embedding, Some(embedder.model_id())),
                None => return literal(db, text, limit, servers).await,
            }
        }
    };
    let Hits { hits, models } = nearest(db, &embedding, limit, &servers).await?;
    if let Some((requested, stored)) =
        model.and_then(|model| Some((model, models.into_iter().find(|stored| stored != model)?)))
    {
        return Err(Error::MixedModels {
            stored,
            requested: requested.to_owned(),
        });
    }
    let results: Vec<ToolHit> = hits
        .into_iter()
        .filter(|hit| hit.score >= min_score)
        .collect();
    tracing::debug!(
        results = results.len(),
        top_score = results.first().map_or(0.0, |hit| hit.score),
        "vector search completed"
    );
    Ok(SearchResponse {
        results,
        mode: SearchMode::Semantic,
    })
}

fn servers(server_ids: &[String]) -> Result<Vec<String>, Error> {
    for server in server_ids {
        validate_server_id(server)?;
    }
    Ok(server_ids
        .iter()
        .cloned()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect())
}

/// `None` when the embedder fails, which is no reason to find nothing.
async fn embed(embedder: &dyn Embedder, text: &str) -> Option<Embedding> {
    match embedder.embed(&[text.to_owned()]).await {
        Ok(embeddings) => embeddings.into_iter().next(),
        Err(error) => {
            tracing::warn!(%error, "no embedding of the query; searching its letters instead");
            None
        }
    }
}

/// Chooses the plan by the size of what the filter keeps.
async fn nearest<C: ConnectionTrait>(
    db: &C,
    embedding: &Embedding,
    limit: Limit,
    servers: &[String],
) -> Result<Hits, Error> {
    if !servers.is_empty() {
        let scope = search_sql::scope(db, servers, EXACT_ROWS + 1).await?;
        #[allow(clippy::cast_precision_loss, reason = "an estimate")]
        let share = scope.total as f64 * EXACT_FRACTION;
        #[allow(clippy::cast_precision_loss, reason = "an estimate")]
        if scope.kept <= EXACT_ROWS || (scope.kept as f64) <= share {
            return search_sql::exact(db, embedding, limit, servers).await;
        }
    }
    let found = search_sql::approximate(db, embedding, limit, servers).await?;
    if found.hits.len() < limit.get() as usize {
        tracing::debug!(
            found = found.hits.len(),
            "the index gave less than asked for; searching exactly"
        );
        return search_sql::exact(db, embedding, limit, servers).await;
    }
    Ok(found)
}

async fn literal<C: ConnectionTrait>(
    db: &C,
    text: &str,
    limit: Limit,
    servers: Vec<String>,
) -> Result<SearchResponse, Error> {
    let results = search_sql::literal(db, text, limit, &servers, LITERAL_SCORE).await?;
    Ok(SearchResponse {
        results,
        mode: SearchMode::Literal,
    })
}
