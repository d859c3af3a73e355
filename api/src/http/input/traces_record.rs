//! From bodies and headers to what is recorded.

use axum::http::HeaderMap;
use pml_entity::values::{
    CorrelationId, EndpointCallId, ExecutionId, HookExecutionId, RoutingAlternatives,
    RoutingDecisionId, SessionId, SuccessPatternId, TraceabilityEmbedding,
};
use pml_service::{
    Error,
    traceability::{
        Completion, NewEndpointCall, NewHook, NewRouting, NewTrace, TraceContext, TraceabilityError,
    },
};
use sea_orm::prelude::Uuid;

use super::super::problem::Problem;
use crate::wire::traceability::{CompleteBody, EndpointBody, HookBody, RoutingBody, StartBody};

/// What sets an execution off that does not say so.
const DEFAULT_SOURCE: &str = "user_prompt";

/// Reads a start. Ids of the body win over those of the headers; a root is only taken from the headers where they name another execution
/// than this, so that a parent's root is inherited.
pub fn start_request(body: StartBody, headers: &HeaderMap) -> NewTrace {
    let named = TraceContext::of_headers(headers);
    let named = named.filter(|ids| {
        body.correlation_id
            .is_none_or(|own| own == ids.correlation_id.as_uuid())
    });
    let source = body.source.or_else(|| named.as_ref()?.source.clone());
    let named_root = named
        .as_ref()
        .map(|ids| ids.root_id)
        .filter(|root| Some(*root) != named.as_ref().map(|ids| ids.correlation_id));
    NewTrace {
        correlation_id: body
            .correlation_id
            .map(CorrelationId::new)
            .or(named.as_ref().map(|ids| ids.correlation_id)),
        root_id: body.root_id.map(CorrelationId::new).or(named_root),
        parent_id: body
            .parent_id
            .map(CorrelationId::new)
            .or_else(|| named.as_ref()?.parent_id),
        session_id: body.session_id.map(SessionId::new),
        user_id: body.user_id,
        source: source.unwrap_or_else(|| DEFAULT_SOURCE.to_owned()),
        prompt_text: body.prompt_text,
        started_at: body.started_at,
        context: body.context,
        tags: body.tags,
    }
}

/// Which execution a part belongs to.
///
/// # Errors
/// `invalid_parameter` when neither body nor headers name one.
pub fn execution(body: Option<Uuid>, headers: &HeaderMap) -> Result<CorrelationId, Problem> {
    let named = || TraceContext::of_headers(headers).map(|ids| ids.correlation_id);
    body.map(CorrelationId::new).or_else(named).ok_or_else(|| {
        Problem::new(
            "invalid_parameter",
            "correlation_id must be given as a UUID, in the body or in the header X-Correlation-ID",
        )
    })
}

/// Reads a routing decision.
///
/// # Errors
/// `invalid_embedding`, `invalid_field`.
pub fn routing_request(body: RoutingBody) -> Result<NewRouting, Error> {
    let alternatives = body
        .alternatives
        .map(serde_json::from_value::<RoutingAlternatives>);
    Ok(NewRouting {
        id: body.id.map(RoutingDecisionId::new),
        query_text: body.query_text,
        query_embedding: body
            .query_embedding
            .map(TraceabilityEmbedding::new)
            .transpose()?,
        agent_selected: body.agent_selected,
        selection_reason: body.selection_reason,
        confidence_score: body.confidence_score,
        confidence_trigger: body.confidence_trigger,
        confidence_context: body.confidence_context,
        confidence_capability: body.confidence_capability,
        confidence_historical: body.confidence_historical,
        alternatives: alternatives.transpose().map_err(|error| {
            invalid(
                "alternatives",
                format!("must be a list of {{agent, confidence}}: {error}"),
            )
        })?,
        routing_strategy: body.routing_strategy,
        pattern_id: body.pattern_id.map(SuccessPatternId::new),
        cache_hit: body.cache_hit,
        decision_duration_ms: body.decision_duration_ms.map(f64::from),
        execution_started_at: body.execution_started_at,
        execution_completed_at: body.execution_completed_at,
    })
}

/// Reads a hook. The header `X-Execution-ID` names it where the body does not.
///
/// # Errors
/// `invalid_field` for an unknown status.
pub fn hook_request(body: HookBody, headers: &HeaderMap) -> Result<NewHook, Error> {
    let named = headers
        .get("x-execution-id")
        .and_then(|id| id.to_str().ok()?.trim().parse().ok());
    let status = body.status.map(|word| word.parse());
    Ok(NewHook {
        id: body.id.map(HookExecutionId::new),
        execution_id: body.execution_id.or(named).map(ExecutionId::new),
        parent_id: body.parent_id.map(ExecutionId::new),
        hook_type: body.hook_type,
        hook_name: body.hook_name,
        execution_order: None,
        tool_name: body.tool_name,
        file_path: body.file_path,
        started_at: body.started_at,
        completed_at: body.completed_at,
        duration_ms: body.duration_ms,
        status: status
            .transpose()
            .map_err(|error: pml_entity::values::UnknownWord| {
                invalid("status", error.to_string())
            })?,
        input_data: body.input_data,
        output_data: body.output_data,
        modifications_made: body.modifications_made,
        rag_query_performed: body.rag_query_performed,
        rag_results: body.rag_results,
        quality_check_performed: body.quality_check_performed,
        quality_results: body.quality_results,
        intelligence_functions_executed: body.intelligence_functions_executed,
        quality_gates_validated: body.quality_gates_validated,
        error_message: body.error_message,
        error_type: body.error_type,
        error_stack: body.error_stack,
        metadata: body.metadata,
    })
}

/// Reads a call.
pub fn endpoint_request(body: EndpointBody) -> NewEndpointCall {
    NewEndpointCall {
        id: body.id.map(EndpointCallId::new),
        hook_execution_id: body.hook_execution_id.map(HookExecutionId::new),
        service_name: body.service_name,
        endpoint_path: body.endpoint_path,
        http_method: body.http_method,
        request_body: body.request_body,
        response_body: body.response_body,
        response_status: body.response_status,
        rag_query: body.rag_query,
        quality_score: body.quality_score,
        started_at: body.started_at,
        completed_at: body.completed_at,
        duration_ms: body.duration_ms,
        success: body.success,
        error_message: body.error_message,
        error_type: body.error_type,
        retry_count: body.retry_count,
        headers: body.headers,
        context: body.context,
    }
}

/// Reads an end.
///
/// # Errors
/// `invalid_field` for an unknown or unfinished status, and without any outcome.
pub fn completion_request(body: CompleteBody) -> Result<Completion, Error> {
    let outcome = Completion::of_words(body.status.as_deref(), body.success)?;
    Ok(Completion {
        error_message: body.error_message,
        error_type: body.error_type.or(outcome.error_type),
        completed_at: body.completed_at,
        ..outcome
    })
}

fn invalid(field: &'static str, problem: String) -> TraceabilityError {
    TraceabilityError::InvalidField { field, problem }
}
