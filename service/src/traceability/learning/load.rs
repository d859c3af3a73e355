//! Reading the executions of a batch with what hangs on them: five statements, whatever their number.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use pml_entity::values::{
    CorrelationId, ExecutionTraceId, HookStatus, SuccessPatternId, TraceStatus,
};
use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult, Value};
use serde_json::Value as Json;

use super::observation::{Delegation, Observation, ObservedCall, ObservedHook};
use crate::Error;
use crate::sql::statement;

/// Hooks and calls of one execution that are looked at; no pattern is made of more.
const MAX_STEPS: i64 = 500;
/// Delegated executions of a batch that are looked at.
const MAX_DELEGATED: i64 = 20_000;
/// A body that is stored in more bytes has no shape worth keeping.
const MAX_BODY_BYTES: i64 = 256 << 10;
/// Levels of delegation that are followed.
const MAX_DEPTH: i64 = 32;

#[derive(FromQueryResult)]
struct TraceRow {
    id: ExecutionTraceId,
    correlation_id: CorrelationId,
    parent_id: Option<CorrelationId>,
    prompt_text: Option<String>,
    context: Option<Json>,
    completed_at: Option<DateTime<Utc>>,
    status: TraceStatus,
    success: Option<bool>,
    error_message: Option<String>,
    error_type: Option<String>,
    duration_ms: Option<i32>,
}

#[derive(FromQueryResult)]
struct DelegatedRow {
    id: ExecutionTraceId,
    correlation_id: CorrelationId,
    parent_id: CorrelationId,
    started_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
}

#[derive(FromQueryResult)]
struct DecisionRow {
    trace_id: ExecutionTraceId,
    query_text: Option<String>,
    agent_selected: String,
    routing_strategy: String,
    pattern_id: Option<SuccessPatternId>,
}

#[derive(FromQueryResult)]
struct HookRow {
    trace_id: ExecutionTraceId,
    hook_type: String,
    tool_name: Option<String>,
    status: HookStatus,
    error_message: Option<String>,
    error_type: Option<String>,
    duration_ms: Option<i32>,
    rag_query_performed: bool,
    quality_results: Option<Json>,
    intelligence_functions_executed: Option<Vec<String>>,
    quality_gates_validated: Option<Vec<String>>,
}

#[derive(FromQueryResult)]
struct CallRow {
    trace_id: ExecutionTraceId,
    service_name: String,
    endpoint_path: String,
    http_method: String,
    request_body: Option<Json>,
    response_body: Option<Json>,
    success: bool,
    error_message: Option<String>,
    error_type: Option<String>,
    duration_ms: Option<i32>,
}

/// The executions, in the order in which they ended. One that was archived in the meantime is missing.
pub(super) async fn observations<C: ConnectionTrait>(
    db: &C,
    ids: &[ExecutionTraceId],
) -> Result<Vec<(ExecutionTraceId, Observation)>, Error> {
    let traces: Vec<TraceRow> = rows(db, TRACES, vec![ids.to_vec().into()]).await?;
    let correlations: Vec<CorrelationId> =
        traces.iter().map(|trace| trace.correlation_id).collect();
    let delegated: Vec<DelegatedRow> = rows(
        db,
        DELEGATED,
        vec![correlations.into(), MAX_DEPTH.into(), MAX_DELEGATED.into()],
    )
    .await?;
    let all: Vec<ExecutionTraceId> = ids
        .iter()
        .copied()
        .chain(delegated.iter().map(|row| row.id))
        .collect();
    let mut decisions: HashMap<ExecutionTraceId, DecisionRow> =
        rows(db, DECISIONS, vec![all.into()])
            .await?
            .into_iter()
            .map(|row: DecisionRow| (row.trace_id, row))
            .collect();
    let mut hooks: HashMap<ExecutionTraceId, Vec<ObservedHook>> = HashMap::new();
    for row in rows::<_, HookRow>(db, HOOKS, vec![ids.to_vec().into(), MAX_STEPS.into()]).await? {
        hooks.entry(row.trace_id).or_default().push(row.into());
    }
    let mut calls: HashMap<ExecutionTraceId, Vec<ObservedCall>> = HashMap::new();
    let values = vec![ids.to_vec().into(), MAX_STEPS.into(), MAX_BODY_BYTES.into()];
    for row in rows::<_, CallRow>(db, CALLS, values).await? {
        calls.entry(row.trace_id).or_default().push(row.into());
    }
    let mut children: HashMap<CorrelationId, Vec<&DelegatedRow>> = HashMap::new();
    for row in &delegated {
        children.entry(row.parent_id).or_default().push(row);
    }
    for siblings in children.values_mut() {
        siblings.sort_by_key(|row| (row.started_at, row.correlation_id));
        siblings.dedup_by_key(|row| row.correlation_id);
    }
    let observations = traces.into_iter().map(|trace| {
        let delegations = delegations(trace.correlation_id, &children, &decisions);
        (trace, delegations)
    });
    let observations: Vec<_> = observations.collect();
    Ok(observations
        .into_iter()
        .map(|(trace, delegations)| {
            let decision = decisions.remove(&trace.id);
            let id = trace.id;
            let observation = observation(
                trace,
                decision,
                hooks.remove(&id).unwrap_or_default(),
                calls.remove(&id).unwrap_or_default(),
                delegations,
            );
            (id, observation)
        })
        .collect())
}

fn observation(
    trace: TraceRow,
    decision: Option<DecisionRow>,
    hooks: Vec<ObservedHook>,
    calls: Vec<ObservedCall>,
    delegations: Vec<Delegation>,
) -> Observation {
    // An execution that ended without a verdict has the one its status says.
    let success = trace.success.or(match trace.status {
        TraceStatus::Completed => Some(true),
        TraceStatus::Failed => Some(false),
        _ => None,
    });
    let (query, agent, strategy, pattern) = match decision {
        Some(row) => (
            row.query_text,
            Some(row.agent_selected),
            Some(row.routing_strategy),
            row.pattern_id,
        ),
        None => (None, None, None, None),
    };
    Observation {
        correlation_id: Some(trace.correlation_id),
        delegated: trace.parent_id.is_some(),
        prompt: trace.prompt_text.or(query),
        context: trace.context,
        completed_at: trace.completed_at,
        success,
        cancelled: trace.status == TraceStatus::Cancelled,
        error_message: trace.error_message,
        error_type: trace.error_type,
        duration_ms: trace.duration_ms,
        routing_strategy: strategy,
        replayed_pattern: pattern,
        agent,
        hooks,
        calls,
        delegations,
    }
}

/// From the top down and from left to right. An id that comes up again ends its branch.
fn delegations(
    top: CorrelationId,
    children: &HashMap<CorrelationId, Vec<&DelegatedRow>>,
    decisions: &HashMap<ExecutionTraceId, DecisionRow>,
) -> Vec<Delegation> {
    let below = |parent: CorrelationId, depth: u32| {
        children
            .get(&parent)
            .into_iter()
            .flatten()
            .rev()
            .map(move |row| (*row, depth))
    };
    let mut found = Vec::new();
    let mut met = HashSet::from([top]);
    let mut waiting: Vec<(&DelegatedRow, u32)> = below(top, 1).collect();
    while let Some((row, depth)) = waiting.pop() {
        if !met.insert(row.correlation_id) {
            continue;
        }
        found.push(Delegation {
            depth,
            agent: decisions
                .get(&row.id)
                .map(|decision| decision.agent_selected.clone()),
            started_at: Some(row.started_at),
            completed_at: row.completed_at,
        });
        waiting.extend(below(row.correlation_id, depth + 1));
    }
    found
}

impl From<HookRow> for ObservedHook {
    fn from(row: HookRow) -> Self {
        Self {
            hook_type: row.hook_type,
            tool_name: row.tool_name,
            succeeded: row.status == HookStatus::Completed && row.error_message.is_none(),
            error_message: row.error_message,
            error_type: row.error_type,
            duration_ms: row.duration_ms,
            rag_query_performed: row.rag_query_performed,
            quality_results: row.quality_results,
            intelligence_functions: row.intelligence_functions_executed.unwrap_or_default(),
            quality_gates: row.quality_gates_validated.unwrap_or_default(),
        }
    }
}

impl From<CallRow> for ObservedCall {
    fn from(row: CallRow) -> Self {
        Self {
            service: row.service_name,
            endpoint: row.endpoint_path,
            method: row.http_method,
            request_body: row.request_body,
            response_body: row.response_body,
            success: row.success,
            error_message: row.error_message,
            error_type: row.error_type,
            duration_ms: row.duration_ms,
        }
    }
}

async fn rows<C: ConnectionTrait, R: FromQueryResult>(
    db: &C,
    sql: &'static str,
    values: Vec<Value>,
) -> Result<Vec<R>, Error> {
    let rows: Vec<QueryResult> = db.query_all_raw(statement(sql, values)).await?;
    Ok(rows
        .iter()
        .map(|row| R::from_query_result(row, ""))
        .collect::<Result<_, _>>()?)
}

const TRACES: &str = "\
    SELECT id, correlation_id, parent_id, prompt_text, context, completed_at, status, success, error_message, error_type, duration_ms \
    FROM execution_traces WHERE id = ANY($1) ORDER BY completed_at, id";

const DELEGATED: &str = "\
    WITH RECURSIVE below AS ( \
        SELECT c.id, c.correlation_id, c.parent_id, c.started_at, c.completed_at, 1 AS depth, ARRAY[c.parent_id, c.correlation_id] AS path \
        FROM execution_traces c WHERE c.parent_id = ANY($1) \
        UNION ALL \
        SELECT c.id, c.correlation_id, c.parent_id, c.started_at, c.completed_at, b.depth + 1, b.path || c.correlation_id \
        FROM below b JOIN execution_traces c ON c.parent_id = b.correlation_id \
        WHERE b.depth < $2 AND c.correlation_id <> ALL (b.path) \
    ) SELECT DISTINCT id, correlation_id, parent_id, started_at, completed_at FROM (SELECT * FROM below LIMIT $3) AS bounded";

const DECISIONS: &str = "\
    SELECT DISTINCT ON (trace_id) trace_id, query_text, agent_selected, routing_strategy, pattern_id \
    FROM agent_routing_decisions WHERE trace_id = ANY($1) ORDER BY trace_id, created_at DESC, id DESC";

const HOOKS: &str = "\
    SELECT h.* FROM unnest($1::uuid[]) AS t (id) CROSS JOIN LATERAL ( \
        SELECT trace_id, hook_type, tool_name, status, error_message, error_type, duration_ms, rag_query_performed, quality_results, \
               intelligence_functions_executed, quality_gates_validated \
        FROM hook_executions WHERE trace_id = t.id ORDER BY execution_order, started_at, id LIMIT $2 \
    ) AS h";

const CALLS: &str = "\
    SELECT c.* FROM unnest($1::uuid[]) AS t (id) CROSS JOIN LATERAL ( \
        SELECT trace_id, service_name, endpoint_path, http_method, success, error_message, error_type, duration_ms, \
               CASE WHEN pg_column_size(request_body) <= $3 THEN request_body END AS request_body, \
               CASE WHEN pg_column_size(response_body) <= $3 THEN response_body END AS response_body \
        FROM endpoint_calls WHERE trace_id = t.id ORDER BY started_at, id LIMIT $2 \
    ) AS c";
