//! The whole story of an execution: what it decided, ran and called, and the same for all it delegated.

use std::collections::HashMap;

use pml_entity::traceability::{endpoint_calls, execution_traces, hook_executions};
use pml_entity::values::CorrelationId;
use sea_orm::{ConnectionTrait, FromQueryResult};

use super::parts::{self, Parts, RoutingDecision};
use super::{not_found, tree};
use crate::Error;

/// An execution with its parts and with everything it delegated.
#[derive(Clone, Debug, PartialEq)]
pub struct AssembledTrace {
    /// The execution itself.
    pub trace: execution_traces::Model,
    /// Its newest routing decision, by time and then id.
    pub routing_decision: Option<RoutingDecision>,
    /// Its hooks by execution order, start and id.
    pub hook_executions: Vec<hook_executions::Model>,
    /// Its calls by start and id.
    pub endpoint_calls: Vec<endpoint_calls::Model>,
    /// The executions it delegated to, by start and correlation id.
    pub child_traces: Vec<AssembledTrace>,
    /// Number of its own hooks.
    pub total_hooks: u32,
    /// Number of its own calls.
    pub total_endpoints: u32,
    /// Number of its own hooks that asked a retrieval service.
    pub total_rag_queries: u32,
    /// Quality gates that its own hooks passed. A hook that checked quality and lists no gate counts as one.
    pub total_quality_gates: u32,
    /// Whether something was left out below the execution that was asked for, which alone says so: executions beyond
    /// [`MAX_DEPTH`](super::MAX_DEPTH) levels or [`MAX_TRACES`](super::MAX_TRACES), or parts beyond
    /// [`MAX_PARTS`](super::MAX_PARTS) hooks or calls in all.
    pub truncated: bool,
}

/// The execution with this id and everything below it. Four statements whatever the size of the tree.
///
/// A cycle among the parents ends where it meets itself. What the caller may not see is not there, nor is what lies below it.
/// Source: spec of traceability, section 11.1.
///
/// # Errors
/// [`Error::NotFound`] if there is none, or none that the caller may see.
pub async fn get<C: ConnectionTrait>(
    db: &C,
    correlation: CorrelationId,
) -> Result<AssembledTrace, Error> {
    let found = tree::read(db, correlation, "*").await?;
    let traces = found
        .rows
        .iter()
        .map(|row| execution_traces::Model::from_query_result(row, ""))
        .collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<_> = traces.iter().map(|trace| trace.id).collect();
    let mut top = match ids.as_slice() {
        [] => None,
        ids => assemble(traces, &mut parts::read(db, ids).await?),
    }
    .ok_or_else(|| not_found(correlation))?;
    top.truncated |= found.truncated;
    Ok(top)
}

/// The execution with this id and its own parts, without what it delegated. Four statements.
pub(super) async fn get_alone<C: ConnectionTrait>(
    db: &C,
    correlation: CorrelationId,
) -> Result<AssembledTrace, Error> {
    use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

    let trace = execution_traces::Entity::find()
        .filter(execution_traces::Column::CorrelationId.eq(correlation))
        .one(db)
        .await?
        .ok_or_else(|| not_found(correlation))?;
    let mut parts = parts::read(db, &[trace.id]).await?;
    assemble(vec![trace], &mut parts).ok_or_else(|| not_found(correlation))
}

/// Builds the tree from the bottom: the rows stand level by level, so that the last one has no children that were not built before.
fn assemble(traces: Vec<execution_traces::Model>, parts: &mut Parts) -> Option<AssembledTrace> {
    let mut waiting: HashMap<CorrelationId, Vec<AssembledTrace>> = HashMap::new();
    let mut top = None;
    for (place, trace) in traces.into_iter().enumerate().rev() {
        let parent = trace.parent_id;
        let mut children = waiting.remove(&trace.correlation_id).unwrap_or_default();
        children.reverse();
        let built = one(trace, children, parts);
        match parent {
            // The first may have a parent in a cycle below itself.
            Some(parent) if place > 0 => waiting.entry(parent).or_default().push(built),
            _ => top = Some(built),
        }
    }
    top.map(|top| AssembledTrace {
        truncated: parts.truncated,
        ..top
    })
}

fn one(
    trace: execution_traces::Model,
    child_traces: Vec<AssembledTrace>,
    parts: &mut Parts,
) -> AssembledTrace {
    let hook_executions = parts.hooks.remove(&trace.id).unwrap_or_default();
    let endpoint_calls = parts.calls.remove(&trace.id).unwrap_or_default();
    AssembledTrace {
        routing_decision: parts.decisions.remove(&trace.id),
        total_hooks: count(hook_executions.len()),
        total_endpoints: count(endpoint_calls.len()),
        total_rag_queries: count(
            hook_executions
                .iter()
                .filter(|hook| hook.rag_query_performed)
                .count(),
        ),
        total_quality_gates: count(hook_executions.iter().map(quality_gates).sum()),
        truncated: false,
        trace,
        hook_executions,
        endpoint_calls,
        child_traces,
    }
}

fn quality_gates(hook: &hook_executions::Model) -> usize {
    match hook.quality_gates_validated.as_deref() {
        None | Some([]) => usize::from(hook.quality_check_performed),
        Some(gates) => gates.len(),
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
