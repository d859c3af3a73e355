//! Writing down which agent an execution was given to.

use chrono::{DateTime, Utc};
use pml_entity::traceability::agent_routing_decisions;
use pml_entity::values::{
    CorrelationId, RoutingAlternatives, RoutingDecisionId, Score, SuccessPatternId,
    TraceabilityEmbedding,
};
use sea_orm::ConnectionTrait;
use sea_orm::prelude::Json;
use serde::Serialize;

use super::super::rules::cut_ms;
use super::super::{Sanitizer, TraceabilityError};
use super::check;
use super::record::{Kind, Outcome, Prepared, field, json, stored};
use super::times::{Skew, clock_skew};
use crate::Error;
use crate::sql::statement;

/// A routing decision to write down.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewRouting {
    /// Makes a retry harmless. Default: a new one.
    pub id: Option<RoutingDecisionId>,
    /// The request that was routed, at most 256 KiB.
    pub query_text: Option<String>,
    /// Its embedding.
    pub query_embedding: Option<TraceabilityEmbedding>,
    /// The agent that was chosen.
    pub agent_selected: String,
    /// Why, in words.
    pub selection_reason: Option<String>,
    /// How sure the choice was, 0..=1. Like all scores it is kept to four places.
    pub confidence_score: f64,
    /// Part of it: how well the request fits what the agent reacts to.
    pub confidence_trigger: Option<f64>,
    /// Part of it: how well the context fits.
    pub confidence_context: Option<f64>,
    /// Part of it: how well the agent's abilities fit.
    pub confidence_capability: Option<f64>,
    /// Part of it: how well it went before.
    pub confidence_historical: Option<f64>,
    /// The agents that were not chosen, best first; at most 100.
    pub alternatives: Option<RoutingAlternatives>,
    /// How it was chosen: `explicit`, `fuzzy_match`, `learned_pattern`, `pattern_replay`, `normal`, `fallback` or another word.
    pub routing_strategy: String,
    /// The pattern it was taken from.
    pub pattern_id: Option<SuccessPatternId>,
    /// Whether a cache answered.
    pub cache_hit: bool,
    /// How long the choice took in milliseconds; the fraction is cut.
    pub decision_duration_ms: Option<f64>,
    /// When the agent began.
    pub execution_started_at: Option<DateTime<Utc>>,
    /// When the agent ended.
    pub execution_completed_at: Option<DateTime<Utc>>,
}

/// A decision as it is written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct RoutingRow {
    pub(crate) id: RoutingDecisionId,
    pub(crate) correlation_id: CorrelationId,
    query_text: Option<String>,
    query_embedding: Option<TraceabilityEmbedding>,
    agent_selected: String,
    selection_reason: Option<String>,
    confidence_score: Score,
    confidence_trigger: Option<Score>,
    confidence_context: Option<Score>,
    confidence_capability: Option<Score>,
    confidence_historical: Option<Score>,
    alternatives: Option<Json>,
    routing_strategy: String,
    pattern_id: Option<SuccessPatternId>,
    cache_hit: bool,
    decision_duration_ms: Option<i32>,
    execution_started_at: Option<DateTime<Utc>>,
    execution_completed_at: Option<DateTime<Utc>>,
}

const ROUTING: Kind = Kind {
    table: "agent_routing_decisions",
    entity: "routing decision",
    part: true,
    fields: &[
        field("id", "uuid"),
        field("query_text", "text"),
        field("query_embedding", "text"),
        field("agent_selected", "text"),
        field("selection_reason", "text"),
        field("confidence_score", "numeric"),
        field("confidence_trigger", "numeric"),
        field("confidence_context", "numeric"),
        field("confidence_capability", "numeric"),
        field("confidence_historical", "numeric"),
        field("alternatives", "jsonb"),
        field("routing_strategy", "text"),
        field("pattern_id", "uuid"),
        field("cache_hit", "boolean"),
        field("decision_duration_ms", "integer"),
        field("execution_started_at", "timestamptz"),
        field("execution_completed_at", "timestamptz"),
    ],
};

/// Every column of a decision but its embedding, which the caller has.
const COLUMNS: &str = "t.id, t.trace_id, t.query_text, NULL::vector AS query_embedding, t.agent_selected, t.selection_reason, \
    t.confidence_score, t.confidence_trigger, t.confidence_context, t.confidence_capability, t.confidence_historical, t.alternatives, \
    t.routing_strategy, t.pattern_id, t.cache_hit, t.decision_duration_ms, t.execution_started_at, t.execution_completed_at, \
    t.created_at, t.updated_at";
/// The execution `e` that it is part of.
const TRACE: (&str, &str) = ("trace_id", "e.id");
const VECTOR: (&str, &str) = ("query_embedding", "new.query_embedding::vector");

impl NewRouting {
    /// Checks it and takes its secrets out.
    pub(crate) fn prepare(
        self,
        correlation_id: CorrelationId,
        sanitizer: Sanitizer,
        skew: Skew,
    ) -> Result<Prepared<RoutingRow>, TraceabilityError> {
        check::name("agent_selected", &self.agent_selected)?;
        check::name("routing_strategy", &self.routing_strategy)?;
        check::text("query_text", self.query_text.as_deref())?;
        check::text("selection_reason", self.selection_reason.as_deref())?;
        let started = check::moment("execution_started_at", self.execution_started_at)?;
        let mut completed = check::moment("execution_completed_at", self.execution_completed_at)?;
        if let (Some(start), Some(end)) = (started, completed)
            && end < start
        {
            if skew == Skew::Refuse {
                return Err(clock_skew(start, end));
            }
            completed = started;
        }
        let row = RoutingRow {
            id: self.id.unwrap_or_else(RoutingDecisionId::generate),
            correlation_id,
            query_text: self.query_text,
            query_embedding: self.query_embedding,
            agent_selected: self.agent_selected,
            selection_reason: self.selection_reason,
            confidence_score: check::score("confidence_score", self.confidence_score)?,
            confidence_trigger: check::optional_score(
                "confidence_trigger",
                self.confidence_trigger,
            )?,
            confidence_context: check::optional_score(
                "confidence_context",
                self.confidence_context,
            )?,
            confidence_capability: check::optional_score(
                "confidence_capability",
                self.confidence_capability,
            )?,
            confidence_historical: check::optional_score(
                "confidence_historical",
                self.confidence_historical,
            )?,
            alternatives: alternatives(self.alternatives, sanitizer)?,
            routing_strategy: self.routing_strategy,
            pattern_id: self.pattern_id,
            cache_hit: self.cache_hit,
            decision_duration_ms: self
                .decision_duration_ms
                .map(|duration| cut_ms("decision_duration_ms", duration))
                .transpose()?,
            execution_started_at: started,
            execution_completed_at: completed,
        };
        Ok(Prepared::new(row, &[]))
    }
}

fn alternatives(
    given: Option<RoutingAlternatives>,
    sanitizer: Sanitizer,
) -> Result<Option<Json>, TraceabilityError> {
    const FIELD: &str = "alternatives";
    let Some(given) = given else {
        return Ok(None);
    };
    if given.0.len() > check::MAX_LABELS {
        return Err(TraceabilityError::InvalidField {
            field: FIELD,
            problem: format!("has more than {} entries", check::MAX_LABELS),
        });
    }
    for alternative in &given.0 {
        check::name("alternatives.agent", &alternative.agent)?;
        check::score("alternatives.confidence", alternative.confidence)?;
    }
    let mut document = serde_json::to_value(given).ok();
    check::document(FIELD, &mut document, sanitizer)?;
    Ok(document)
}

/// The statement that writes the decisions of `$1`, which know their executions. What has its id stays.
pub(crate) fn bulk_sql() -> String {
    format!(
        "{} FROM {} JOIN execution_traces e USING (correlation_id) ON CONFLICT (id) DO NOTHING",
        ROUTING.insert(&[VECTOR, TRACE]),
        ROUTING.records()
    )
}

/// Writes down which agent an execution was given to. One statement; a second one if the id is taken.
///
/// An execution may have several decisions; the newest counts. The row that comes back holds the embedding that was given, it is not read
/// again.
///
/// # Errors
/// [`TraceabilityError::UnknownCorrelation`] if nobody started the execution; [`TraceabilityError::IdTaken`] if the id was used for
/// something else; [`TraceabilityError::InvalidField`], [`TraceabilityError::BodyTooLarge`] and [`TraceabilityError::ClockSkew`].
pub async fn route<C: ConnectionTrait>(
    db: &C,
    correlation: CorrelationId,
    new: NewRouting,
) -> Result<agent_routing_decisions::Model, Error> {
    let may_be_taken = new.id.is_some();
    let Prepared { row, assumed } =
        new.prepare(correlation, Sanitizer::hardened(), Skew::Refuse)?;
    let (id, embedding) = (row.id, row.query_embedding.clone());
    let rows = json(&[row])?;
    let sql = format!(
        "WITH known AS (SELECT id FROM execution_traces WHERE correlation_id = $2), \
         written AS ({} FROM {} CROSS JOIN known ON CONFLICT (id) DO NOTHING RETURNING {COLUMNS}) \
         SELECT known.id AS known_id, written.* FROM known LEFT JOIN written ON true",
        ROUTING.insert(&[VECTOR, ("trace_id", "known.id")]),
        ROUTING.records(),
    );
    let values = [rows.clone().into(), correlation.into()];
    let answer = db.query_one_raw(statement(sql, values)).await?;
    let mut model: agent_routing_decisions::Model = match Outcome::of(answer)? {
        Outcome::Written(model) => *model,
        Outcome::UnknownTrace => {
            return Err(TraceabilityError::UnknownCorrelation(correlation).into());
        }
        Outcome::NotWritten => {
            let values = [rows.into(), assumed.into()];
            let casts = [("query_embedding", "::vector")];
            let stored = stored(db, ROUTING, COLUMNS, &casts, values).await?;
            match stored {
                Some((model, true)) if may_be_taken => model,
                _ => return Err(ROUTING.taken(&id)),
            }
        }
    };
    model.query_embedding = embedding;
    Ok(model)
}
