//! Finding the patterns that fit a request, and saying what the router should do.

use pml_entity::values::{Score, SuccessPatternId, TraceabilityEmbedding};
use sea_orm::ConnectionTrait;
use serde_json::Value;

use super::keywords::{intent, keywords};
use super::masking::StoredPrompt;
use super::model;
use super::nearest::{self, Near};
use super::observation::domain;
use super::plan::ReplayPlan;
use super::score::{
    DEFAULT_MAX_RESULTS, DEFAULT_MIN_CONFIDENCE, Decision, LOW_CONFIDENCE_RATE, MatchScore,
    PatternFeatures, ROUTER_MAX_RESULTS, ROUTER_MIN_CONFIDENCE, RequestFeatures, decide, rank,
};
use super::top::TopPatterns;
use crate::embedding::{Embedder, PROMPT_DIMENSIONS};
use crate::traceability::TraceabilityError;
use crate::{Error, sql};

/// Most matches of one search. Twice as many are fetched, and the index gives that many at once.
pub const MAX_RESULTS: i64 = 100;

/// What patterns are looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatchRequest {
    /// The request. Words and intent are taken from it, and the vector unless one is given.
    pub request: String,
    /// Its vector, of the model of the stored ones.
    pub embedding: Option<TraceabilityEmbedding>,
    /// The context it is made in; the key `domain` counts.
    pub context: Option<Value>,
    /// Lowest total of a match, 0–1. `None`: 0.70.
    pub min_confidence: Option<f64>,
    /// Most matches, 1–100. `None`: 5.
    pub max_results: Option<i64>,
    /// How the patterns were stored: the request is treated the same way before it is compared.
    pub stored_prompt: StoredPrompt,
}

impl MatchRequest {
    /// A request with everything else left open.
    pub fn new(request: impl Into<String>) -> Self {
        Self {
            request: request.into(),
            ..Self::default()
        }
    }
}

/// A pattern that fits.
#[derive(Clone, Debug, PartialEq)]
pub struct PatternMatch {
    /// The pattern.
    pub pattern_id: SuccessPatternId,
    /// The hash of its steps.
    pub pattern_hash: String,
    /// Its prompt.
    pub prompt_text: String,
    /// What its prompt wanted.
    pub intent_classification: Option<String>,
    /// Its words.
    pub keywords: Vec<String>,
    /// Its agents.
    pub agent_sequence: Vec<String>,
    /// How its first agent was chosen.
    pub routing_strategy: Option<String>,
    /// Share of its replays that worked.
    pub success_rate: Score,
    /// Trust in it.
    pub confidence_score: Score,
    /// How often it was replayed.
    pub total_usage_count: i32,
    /// Mean duration in milliseconds.
    pub avg_duration_ms: i32,
    /// Longest duration in milliseconds.
    pub max_duration_ms: i32,
    /// How well it fits. A decision that follows it takes its confidences from here: total; trigger = semantic; context; capability = keyword;
    /// historical.
    pub score: MatchScore,
}

impl PatternMatch {
    /// Whether it failed too often to be replayed without asking.
    pub fn is_low_confidence(&self) -> bool {
        self.success_rate.as_f64() < LOW_CONFIDENCE_RATE
    }
}

/// What the router should do with a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// What to do.
    pub decision: Decision,
    /// The matches, best first; at most three.
    pub matches: Vec<PatternMatch>,
    /// How to replay the first of them, where that is the decision.
    pub plan: Option<ReplayPlan>,
}

/// Finds the patterns that fit a request, best first (section 12.3).
///
/// Embeds the request unless it brings a vector, takes the `2 × max_results` nearest patterns, scores each, drops those below
/// `min_confidence`, sorts by total × success rate and keeps `max_results`. One statement; a second one, exact, where the index gave less than
/// there is. A blank request finds nothing. A given vector is taken to be of the right model.
///
/// # Errors
/// [`Error::InvalidLimit`], [`Error::InvalidQuery`], [`TraceabilityError::InvalidField`] for a `min_confidence` outside 0–1; [`Error::Embedder`];
/// [`Error::MixedModels`].
pub async fn find_matches<C: ConnectionTrait>(
    db: &C,
    prompts: &dyn Embedder<PROMPT_DIMENSIONS>,
    request: &MatchRequest,
) -> Result<Vec<PatternMatch>, Error> {
    let max_results = max_results(request.max_results)?;
    let min_confidence = request.min_confidence.unwrap_or(DEFAULT_MIN_CONFIDENCE);
    if !(0.0..=1.0).contains(&min_confidence) {
        return Err(TraceabilityError::InvalidField {
            field: "min_confidence",
            problem: "must be a number from 0 to 1".to_owned(),
        }
        .into());
    }
    sql::check_query(&request.request)?;
    let text = request.stored_prompt.apply(&request.request);
    let (embedding, requested) = match &request.embedding {
        Some(embedding) => (embedding.clone(), None),
        None if text.is_empty() => return Ok(Vec::new()),
        None => {
            let made = prompts.embed(std::slice::from_ref(&text)).await?;
            match made.into_iter().next() {
                Some(embedding) => (embedding, Some(prompts.model_id())),
                None => return Ok(Vec::new()),
            }
        }
    };
    let features = RequestFeatures {
        keywords: keywords(&text),
        intent: intent(&text).map(str::to_owned),
        domain: domain(request.context.as_ref()).to_owned(),
    };
    let near = nearest::nearest(db, &embedding, max_results * 2).await?;
    if let (Some(requested), Some(stored)) =
        (requested, near.first().and_then(|near| near.model.clone()))
    {
        model::compare(stored, requested)?;
    }
    let matches = near
        .into_iter()
        .map(|near| scored(near, &features))
        .collect();
    Ok(rank(
        matches,
        min_confidence,
        max_results as usize,
        |it: &PatternMatch| (it.score, it.pattern_id),
    ))
}

/// Says what the router should do: replay the first match, suggest it, or route normally. With a plan where it is a replay.
///
/// `min_confidence` and `max_results` of the request are left aside: the router looks at 3 matches of 0.75 and more. An embedder that does not answer is no
/// reason to fail: the advice is to route normally.
///
/// # Errors
/// As [`find_matches`], without [`Error::Embedder`].
pub async fn advise<C: ConnectionTrait>(
    db: &C,
    prompts: &dyn Embedder<PROMPT_DIMENSIONS>,
    top: &TopPatterns,
    request: &MatchRequest,
) -> Result<Advice, Error> {
    let request = MatchRequest {
        min_confidence: Some(ROUTER_MIN_CONFIDENCE),
        max_results: Some(ROUTER_MAX_RESULTS.into()),
        ..request.clone()
    };
    let matches = match find_matches(db, prompts, &request).await {
        Err(Error::Embedder(error)) => {
            tracing::warn!(%error, "no embedding of the request; routing normally");
            Vec::new()
        }
        matches => matches?,
    };
    let mut decision = decide(matches.first().map(|best| &best.score));
    let mut plan = None;
    if let (Decision::Replay, Some(best)) = (decision, matches.first()) {
        match top.plan(db, best.pattern_id).await {
            Ok(found) => plan = Some(found),
            // Deleted between the two statements.
            Err(Error::Traceability(_)) => decision = Decision::Normal,
            Err(error) => return Err(error),
        }
    }
    Ok(Advice {
        decision,
        matches,
        plan,
    })
}

fn max_results(asked: Option<i64>) -> Result<u32, Error> {
    let asked = asked.unwrap_or(DEFAULT_MAX_RESULTS.into());
    match u32::try_from(asked) {
        Ok(results) if (1..=MAX_RESULTS).contains(&asked) => Ok(results),
        _ => Err(Error::InvalidLimit {
            given: asked,
            min: 1,
            max: u32::try_from(MAX_RESULTS).unwrap_or(u32::MAX),
        }),
    }
}

fn scored(near: Near, request: &RequestFeatures) -> PatternMatch {
    let score = MatchScore::of(
        near.similarity,
        request,
        &PatternFeatures {
            keywords: &near.keywords,
            intent: near.intent_classification.as_deref(),
            domain: near
                .domain
                .as_deref()
                .filter(|domain| !domain.is_empty())
                .unwrap_or("general"),
            success_rate: near.success_rate.as_f64(),
        },
    );
    PatternMatch {
        pattern_id: near.pattern_id,
        pattern_hash: near.pattern_hash,
        prompt_text: near.prompt_text,
        intent_classification: near.intent_classification,
        keywords: near.keywords,
        agent_sequence: near.agent_sequence,
        routing_strategy: near.routing_strategy,
        success_rate: near.success_rate,
        confidence_score: near.confidence_score,
        total_usage_count: near.total_usage_count,
        avg_duration_ms: near.avg_duration_ms,
        max_duration_ms: near.max_duration_ms,
        score,
    }
}
