//! An execution that was assembled already, as the rules see it.

use pml_entity::values::{HookStatus, TraceStatus};

use super::observation::{Delegation, Observation, ObservedCall, ObservedHook};
use crate::traceability::read::AssembledTrace;

impl From<&AssembledTrace> for Observation {
    fn from(assembled: &AssembledTrace) -> Self {
        let trace = &assembled.trace;
        let decision = assembled.routing_decision.as_ref();
        let mut delegations = Vec::new();
        delegated(assembled, 1, &mut delegations);
        Self {
            correlation_id: Some(trace.correlation_id),
            delegated: trace.parent_id.is_some(),
            prompt: trace
                .prompt_text
                .clone()
                .or_else(|| decision?.query_text.clone()),
            context: trace.context.clone(),
            completed_at: trace.completed_at,
            success: trace.success.or(match trace.status {
                TraceStatus::Completed => Some(true),
                TraceStatus::Failed => Some(false),
                _ => None,
            }),
            cancelled: trace.status == TraceStatus::Cancelled,
            error_message: trace.error_message.clone(),
            error_type: trace.error_type.clone(),
            duration_ms: trace.duration_ms,
            routing_strategy: decision.map(|decision| decision.routing_strategy.clone()),
            replayed_pattern: decision.and_then(|decision| decision.pattern_id),
            agent: decision.map(|decision| decision.agent_selected.clone()),
            hooks: assembled
                .hook_executions
                .iter()
                .map(|hook| ObservedHook {
                    hook_type: hook.hook_type.clone(),
                    tool_name: hook.tool_name.clone(),
                    succeeded: hook.status == HookStatus::Completed && hook.error_message.is_none(),
                    error_message: hook.error_message.clone(),
                    error_type: hook.error_type.clone(),
                    duration_ms: hook.duration_ms,
                    rag_query_performed: hook.rag_query_performed,
                    quality_results: hook.quality_results.clone(),
                    intelligence_functions: hook
                        .intelligence_functions_executed
                        .clone()
                        .unwrap_or_default(),
                    quality_gates: hook.quality_gates_validated.clone().unwrap_or_default(),
                })
                .collect(),
            calls: assembled
                .endpoint_calls
                .iter()
                .map(|call| ObservedCall {
                    service: call.service_name.clone(),
                    endpoint: call.endpoint_path.clone(),
                    method: call.http_method.clone(),
                    request_body: call.request_body.clone(),
                    response_body: call.response_body.clone(),
                    success: call.success,
                    error_message: call.error_message.clone(),
                    error_type: call.error_type.clone(),
                    duration_ms: call.duration_ms,
                })
                .collect(),
            delegations,
        }
    }
}

fn delegated(parent: &AssembledTrace, depth: u32, found: &mut Vec<Delegation>) {
    for child in &parent.child_traces {
        found.push(Delegation {
            depth,
            agent: child
                .routing_decision
                .as_ref()
                .map(|decision| decision.agent_selected.clone()),
            started_at: Some(child.trace.started_at),
            completed_at: child.trace.completed_at,
        });
        delegated(child, depth + 1, found);
    }
}
