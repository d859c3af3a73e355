//! The parts of executions: newest decision, hooks and calls, each in one statement for any number of executions.

use std::collections::HashMap;

use pml_entity::traceability::{endpoint_calls, hook_executions};
use pml_entity::values::{
    ExecutionTraceId, RoutingAlternatives, RoutingDecisionId, Score, SuccessPatternId,
};
use sea_orm::prelude::DateTimeUtc;
use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::Error;
use crate::sql::statement;

/// Hooks of one answer, and calls of one answer. More are left out, those of the deepest executions first.
pub const MAX_PARTS: usize = 10_000;

/// A routing decision without the embedding of its request, which no reader needs and which is larger than all the rest.
#[derive(Clone, Debug, PartialEq, serde::Serialize, FromQueryResult)]
pub struct RoutingDecision {
    /// The row.
    pub id: RoutingDecisionId,
    /// The execution it is part of.
    pub trace_id: ExecutionTraceId,
    /// The request that was routed.
    pub query_text: Option<String>,
    /// The agent that was chosen.
    pub agent_selected: String,
    /// Why, in words.
    pub selection_reason: Option<String>,
    /// How sure the choice was.
    pub confidence_score: Score,
    /// Part of it: how well the request fits what the agent reacts to.
    pub confidence_trigger: Option<Score>,
    /// Part of it: how well the context fits.
    pub confidence_context: Option<Score>,
    /// Part of it: how well the agent's abilities fit.
    pub confidence_capability: Option<Score>,
    /// Part of it: how well it went before.
    pub confidence_historical: Option<Score>,
    /// The agents that were not chosen, best first.
    pub alternatives: Option<RoutingAlternatives>,
    /// How it was chosen.
    pub routing_strategy: String,
    /// The pattern it was taken from.
    pub pattern_id: Option<SuccessPatternId>,
    /// Whether a cache answered.
    pub cache_hit: bool,
    /// How long the choice took in milliseconds.
    pub decision_duration_ms: Option<i32>,
    /// When the agent began.
    pub execution_started_at: Option<DateTimeUtc>,
    /// When the agent ended.
    pub execution_completed_at: Option<DateTimeUtc>,
    /// When it was decided.
    pub created_at: DateTimeUtc,
    /// When the row last changed.
    pub updated_at: DateTimeUtc,
}

// Each execution is one look-up in an index on `trace_id`: a limit in a lateral subquery cannot be planned in any other way.
const DECISIONS: &str = "\
    SELECT d.* FROM unnest($1::uuid[]) AS wanted (id) CROSS JOIN LATERAL ( \
        SELECT r.id, r.trace_id, r.query_text, r.agent_selected, r.selection_reason, r.confidence_score, r.confidence_trigger, \
               r.confidence_context, r.confidence_capability, r.confidence_historical, r.alternatives, r.routing_strategy, \
               r.pattern_id, r.cache_hit, r.decision_duration_ms, r.execution_started_at, r.execution_completed_at, \
               r.created_at, r.updated_at \
        FROM agent_routing_decisions r WHERE r.trace_id = wanted.id ORDER BY r.created_at DESC, r.id DESC LIMIT 1 \
    ) d";
const HOOKS: &str = "\
    SELECT h.* FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, place) CROSS JOIN LATERAL ( \
        SELECT x.* FROM hook_executions x WHERE x.trace_id = wanted.id \
        ORDER BY x.execution_order, x.started_at, x.id LIMIT $2 \
    ) h ORDER BY wanted.place, h.execution_order, h.started_at, h.id LIMIT $2";
const CALLS: &str = "\
    SELECT c.* FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, place) CROSS JOIN LATERAL ( \
        SELECT x.* FROM endpoint_calls x WHERE x.trace_id = wanted.id ORDER BY x.started_at, x.id LIMIT $2 \
    ) c ORDER BY wanted.place, c.started_at, c.id LIMIT $2";

/// What belongs to a set of executions, taken out one execution at a time.
pub(super) struct Parts {
    pub decisions: HashMap<ExecutionTraceId, RoutingDecision>,
    pub hooks: HashMap<ExecutionTraceId, Vec<hook_executions::Model>>,
    pub calls: HashMap<ExecutionTraceId, Vec<endpoint_calls::Model>>,
    /// Whether some were left out.
    pub truncated: bool,
}

/// Reads the parts of these executions. Three statements.
pub(super) async fn read<C: ConnectionTrait>(
    db: &C,
    traces: &[ExecutionTraceId],
) -> Result<Parts, Error> {
    let ids: Vec<uuid::Uuid> = traces.iter().map(ExecutionTraceId::as_uuid).collect();
    let one_more = i64::try_from(MAX_PARTS + 1).unwrap_or(i64::MAX);
    let bounded = |sql| statement(sql, [ids.clone().into(), one_more.into()]);

    let decisions = RoutingDecision::find_by_statement(statement(DECISIONS, [ids.clone().into()]))
        .all(db)
        .await?;
    let mut hooks = hook_executions::Model::find_by_statement(bounded(HOOKS))
        .all(db)
        .await?;
    let mut calls = endpoint_calls::Model::find_by_statement(bounded(CALLS))
        .all(db)
        .await?;
    let truncated = hooks.len() > MAX_PARTS || calls.len() > MAX_PARTS;
    hooks.truncate(MAX_PARTS);
    calls.truncate(MAX_PARTS);
    Ok(Parts {
        decisions: decisions
            .into_iter()
            .map(|decision| (decision.trace_id, decision))
            .collect(),
        hooks: by_trace(hooks, |hook| hook.trace_id),
        calls: by_trace(calls, |call| call.trace_id),
        truncated,
    })
}

fn by_trace<T>(
    rows: Vec<T>,
    trace: impl Fn(&T) -> ExecutionTraceId,
) -> HashMap<ExecutionTraceId, Vec<T>> {
    let mut grouped: HashMap<ExecutionTraceId, Vec<T>> = HashMap::new();
    for row in rows {
        grouped.entry(trace(&row)).or_default().push(row);
    }
    grouped
}
