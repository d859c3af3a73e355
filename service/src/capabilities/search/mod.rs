//! Finding the right capability: by what it is for, by the tools at hand, and by what is known to go with it.

mod context;
mod matching;
mod related;
pub mod reliability;
mod statements;

use pml_entity::values::{CapabilityId, Embedding, PatternId};
use sea_orm::ConnectionTrait;
use serde_json::Value;

pub use context::{ContextHit, ContextOptions, by_context};
pub use matching::{Match, MatchOptions, best_match};
pub use related::{
    Alternative, CoOccurring, Follower, HitWithDependencies, SearchWithDependencies, alternatives,
    co_occurring, search_with_dependencies,
};

pub use crate::tools::{SearchMode, SearchTarget};

use statements::{CANDIDATES_PER_RESULT, Nearest, Ranking, Scope};

use crate::embedding::Embedder;
use crate::{Error, Limit, Principal, sql};

/// Results of a search that asks for no number.
pub const DEFAULT_LIMIT: u32 = 5;
/// The score of everything that the literal search finds.
const LITERAL_SCORE: f64 = 0.5;
/// Who sees no more entries than this is answered exactly: some 25 ms for each thousand, and nothing is missed.
const EXACT_ENTRIES: i64 = 2_000;

/// A search for capabilities.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchRequest {
    /// What is searched for.
    pub target: SearchTarget,
    /// Most results, 1–500. `None`: 5.
    pub limit: Option<i64>,
    /// Lowest score of a result, 0–1, inclusive. `None`: for a text what suits the model ([`Embedder::default_min_score`]), for a vector 0.
    pub min_score: Option<f64>,
}

impl SearchRequest {
    /// A search for a text with everything else left open.
    pub fn query(text: impl Into<String>) -> Self {
        Self {
            target: SearchTarget::Query(text.into()),
            limit: None,
            min_score: None,
        }
    }

    /// A search for a vector with everything else left open.
    pub fn embedding(embedding: Embedding) -> Self {
        Self {
            target: SearchTarget::Embedding(embedding),
            limit: None,
            min_score: None,
        }
    }
}

/// A capability that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Its registry entry: of several for the same code the searcher's own, then one of their project, of their organisation, the first by id.
    pub id: CapabilityId,
    /// Its pattern.
    pub pattern_id: PatternId,
    /// `org.project.namespace.action.hash` of that entry.
    pub fqdn: String,
    /// `namespace:action` of that entry.
    pub display_name: String,
    /// What it does.
    pub description: Option<String>,
    /// `min(0.95, semantic_score × reliability)`; 0.5 for every hit of a literal search.
    pub score: f64,
    /// Cosine similarity of query and intent, −1–1; 0.5 in a literal search.
    pub semantic_score: f64,
    /// Its own record and that of what it depends on, 0–1.2 ([`reliability`]).
    pub reliability: f64,
    /// Share of its uses that succeeded, 0–1; 0 without uses.
    pub success_rate: f64,
    /// How often it was used.
    pub usage_count: i64,
    /// The tools it uses, as `server:action`, each once, sorted.
    pub tools: Vec<String>,
    /// JSON Schema of its arguments.
    pub parameters_schema: Option<Value>,
}

/// The answer to a search.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchResponse {
    /// The capabilities, best first; equal scores by similarity, then by pattern id.
    pub results: Vec<Hit>,
    /// How they were found.
    pub mode: SearchMode,
}

/// Finds the capabilities that fit a text or a vector, among those that the principal sees (spec of capabilities, SEARCH-1 and SEARCH-3).
///
/// The score is `min(0.95, semantic × base × transitive)`: `1 − cosine distance` of query and intent; the capability's own record
/// ([`reliability::base`]); and the lowest success rate among what it depends on. The results are the best scored among the nearest, of which
/// four for each result are looked at, and more where `min_score` leaves too few. Each pattern comes once, whatever the number of its entries.
/// A blank text finds nothing. When the embedder fails, capabilities whose name or description contains the text are found instead, with a score of 0.5
/// each, whatever `min_score` says.
///
/// Never fewer than `limit` results where so many match: who sees few entries is answered exactly, otherwise the vector index is used, and
/// what it misses is searched for exactly. One statement for the person of a local installation, two for others; one more where fewer than
/// `limit` were found.
///
/// # Errors
/// [`Error::InvalidLimit`], [`Error::InvalidMinScore`], [`Error::InvalidQuery`] (a null character, or over 32 KiB); [`Error::MixedModels`] if
/// the stored vectors are of another model than the embedder's.
pub async fn search<C: ConnectionTrait>(
    db: &C,
    embedder: &dyn Embedder,
    who: &Principal,
    request: &SearchRequest,
) -> Result<SearchResponse, Error> {
    let limit = Limit::or(request.limit, DEFAULT_LIMIT)?;
    let min_score = request.min_score.unwrap_or_else(|| match request.target {
        SearchTarget::Query(_) => embedder.default_min_score(),
        SearchTarget::Embedding(_) => 0.0,
    });
    if !(0.0..=1.0).contains(&min_score) {
        return Err(Error::InvalidMinScore);
    }
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
            tracing::debug!(query = %text.chars().take(100).collect::<String>(), "capability search started");
            match embedder.embed(&[text.to_owned()]).await.map(first) {
                Ok(Some(embedding)) => (embedding, Some(embedder.model_id())),
                Ok(None) => return literal(db, who, text, limit).await,
                Err(error) => {
                    tracing::warn!(%error, "no embedding of the query; searching its letters instead");
                    return literal(db, who, text, limit).await;
                }
            }
        }
    };
    let search = Nearest {
        who,
        embedding: &embedding,
        candidates: limit.get() * CANDIDATES_PER_RESULT,
        limit: limit.get(),
    };
    let ranking = nearest(db, search, min_score).await?;
    refuse_other_models(&ranking, model)?;
    let results: Vec<Hit> = ranking
        .hits
        .into_iter()
        .filter(|hit| hit.score >= min_score)
        .collect();
    tracing::debug!(
        results = results.len(),
        top_score = results.first().map_or(0.0, |hit| hit.score),
        "capability search completed"
    );
    Ok(SearchResponse {
        results,
        mode: SearchMode::Semantic,
    })
}

fn first(embeddings: Vec<Embedding>) -> Option<Embedding> {
    embeddings.into_iter().next()
}

/// Vectors that a caller passed have no model, and are compared with anything.
fn refuse_other_models(ranking: &Ranking, model: Option<&str>) -> Result<(), Error> {
    let Some(model) = model else { return Ok(()) };
    match ranking.models.iter().find(|stored| *stored != model) {
        None => Ok(()),
        Some(stored) => Err(Error::MixedModels {
            stored: stored.clone(),
            requested: model.to_owned(),
        }),
    }
}

/// Chooses the plan by the size of what the principal sees.
async fn nearest<C: ConnectionTrait>(
    db: &C,
    search: Nearest<'_>,
    min_score: f64,
) -> Result<Ranking, Error> {
    let all = matches!(search.who, Principal::Local);
    let scope = if !all
        && statements::visible_entries(db, search.who, EXACT_ENTRIES + 1).await? <= EXACT_ENTRIES
    {
        Scope::Few
    } else {
        Scope::Many
    };
    let found = match scope {
        Scope::Few => statements::exact(db, search, scope, None).await?,
        Scope::Many => statements::approximate(db, search).await?,
    };
    // Who sees everything and gets fewer candidates than asked for has seen them all; with results to fill the page that is enough.
    let wanted = i64::from(if all { search.limit } else { search.candidates });
    let index_fell_short = scope == Scope::Many && found.considered < wanted;
    let matching = found
        .hits
        .iter()
        .filter(|hit| hit.score >= min_score)
        .count();
    let others_may_match = found.considered >= i64::from(search.candidates)
        && matching < search.limit as usize
        && (1.0 - found.furthest) * reliability::PROVEN_FACTOR >= min_score;
    if index_fell_short || others_may_match {
        tracing::debug!(
            considered = found.considered,
            matching,
            "too few among the nearest; searching exactly"
        );
        let mut all = statements::exact(db, search, scope, Some(min_score)).await?;
        all.models.extend(found.models);
        return Ok(all);
    }
    Ok(found)
}

async fn literal<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    text: &str,
    limit: Limit,
) -> Result<SearchResponse, Error> {
    Ok(SearchResponse {
        results: statements::literal(db, who, text, limit, LITERAL_SCORE).await?,
        mode: SearchMode::Literal,
    })
}
