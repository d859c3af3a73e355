//! Recording executions: start, routing, hook, endpoint, complete.
//!
//! Each route waits until the row is stored and answers it. With `Prefer: respond-async` (RFC 7240) it only queues the row.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use pml_entity::values::CorrelationId;
use pml_service::{
    Principal,
    traceability::{self, TraceContext},
};
use sea_orm::prelude::Uuid;

use super::super::{
    extract::{Caller, JsonBody},
    input::traces_record as input,
    problem::Problem,
    state::AppState,
};
use crate::wire::{
    problem::ProblemDocument,
    traceability::{
        Accepted, CompleteBody, EndpointBody, EndpointCall, HookBody, HookExecution, RoutingBody,
        RoutingDecision, StartBody, Trace,
    },
};

const RESPOND_ASYNC: &str = "respond-async";
const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Start an execution.
///
/// Ids may also come in the headers `X-Correlation-ID`, `X-Root-ID`, `X-Parent-ID`, `X-Source` or `traceparent`; the body wins. An unreadable
/// header counts as none. The answer carries the same headers, to be passed on.
#[utoipa::path(
    post,
    path = "/api/v1/traces/start",
    tag = "traces",
    request_body = StartBody,
    responses(
        (status = 201, description = "The execution runs", body = Trace),
        (status = 200, description = "It ran already, started in the same way", body = Trace),
        (status = 202, description = "It is queued: the request said `Prefer: respond-async`", body = Accepted),
        (status = 400, description = "`malformed_json`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`correlation_taken`, `unknown_parent`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_body`, `invalid_field`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn start_trace(
    State(state): State<AppState>,
    Caller(who): Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody<StartBody>,
) -> Result<Response, Problem> {
    ensure_recording(&who)?;
    let new = input::start_request(body, &headers);
    if prefers_async(&headers) {
        let id = state.recorder.record_start(new).await?;
        return Ok(accepted(id, None));
    }
    let started = state
        .db
        .as_service(async |tx| traceability::start(tx, new).await)
        .await?;
    let status = if started.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let ids = TraceContext {
        correlation_id: started.trace.correlation_id,
        root_id: started.trace.root_id,
        parent_id: started.trace.parent_id,
        session_id: started.trace.session_id,
        source: Some(started.trace.source.clone()),
        ..TraceContext::from_headers(&headers)
    };
    let mut response = (status, Json(Trace::from(started.trace))).into_response();
    ids.write_headers(response.headers_mut());
    Ok(response)
}

/// Record which agent an execution is given to.
#[utoipa::path(
    post,
    path = "/api/v1/traces/routing",
    tag = "traces",
    request_body = RoutingBody,
    responses(
        (status = 201, description = "The decision is stored", body = RoutingDecision),
        (status = 202, description = "It is queued: the request said `Prefer: respond-async`", body = Accepted),
        (status = 400, description = "`malformed_json`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_correlation`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`id_taken`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_body`, `invalid_field`, `invalid_embedding`, `invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn record_routing(
    State(state): State<AppState>,
    Caller(who): Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody<RoutingBody>,
) -> Result<Response, Problem> {
    ensure_recording(&who)?;
    let id = input::execution(body.correlation_id, &headers)?;
    let new = input::routing_request(body)?;
    if prefers_async(&headers) {
        let decision = state.recorder.record_routing(id, new).await?;
        return Ok(accepted(id, Some(decision.as_uuid())));
    }
    let decision = state
        .db
        .as_service(async |tx| traceability::route(tx, id, new).await)
        .await?;
    Ok(created(RoutingDecision::from(decision)))
}

/// Record a hook that ran.
///
/// It gets the next place among the hooks of its execution.
#[utoipa::path(
    post,
    path = "/api/v1/traces/hook",
    tag = "traces",
    request_body = HookBody,
    responses(
        (status = 201, description = "The hook is stored", body = HookExecution),
        (status = 202, description = "It is queued: the request said `Prefer: respond-async`", body = Accepted),
        (status = 400, description = "`malformed_json`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_correlation`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`id_taken`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_body`, `invalid_field`, `invalid_parameter`, `clock_skew`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn record_hook(
    State(state): State<AppState>,
    Caller(who): Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody<HookBody>,
) -> Result<Response, Problem> {
    ensure_recording(&who)?;
    let id = input::execution(body.correlation_id, &headers)?;
    let new = input::hook_request(body, &headers)?;
    if prefers_async(&headers) {
        let hook = state.recorder.record_hook(id, new).await?;
        return Ok(accepted(id, Some(hook.as_uuid())));
    }
    let hook = state
        .db
        .as_service(async |tx| traceability::hook(tx, id, new).await)
        .await?;
    Ok(created(HookExecution::from(hook)))
}

/// Record a call of a service.
#[utoipa::path(
    post,
    path = "/api/v1/traces/endpoint",
    tag = "traces",
    request_body = EndpointBody,
    responses(
        (status = 201, description = "The call is stored", body = EndpointCall),
        (status = 202, description = "It is queued: the request said `Prefer: respond-async`", body = Accepted),
        (status = 400, description = "`malformed_json`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_correlation`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`id_taken`, `refused` for a hook that is not known", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_body`, `invalid_field`, `invalid_parameter`, `clock_skew`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn record_endpoint(
    State(state): State<AppState>,
    Caller(who): Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody<EndpointBody>,
) -> Result<Response, Problem> {
    ensure_recording(&who)?;
    let id = input::execution(body.correlation_id, &headers)?;
    let new = input::endpoint_request(body);
    if prefers_async(&headers) {
        let call = state.recorder.record_endpoint(id, new).await?;
        return Ok(accepted(id, Some(call.as_uuid())));
    }
    let call = state
        .db
        .as_service(async |tx| traceability::endpoint(tx, id, new).await)
        .await?;
    Ok(created(EndpointCall::from(call)))
}

/// End an execution.
///
/// The same end again answers the same; another one is refused.
#[utoipa::path(
    post,
    path = "/api/v1/traces/complete",
    tag = "traces",
    request_body = CompleteBody,
    responses(
        (status = 200, description = "The execution is completed", body = Trace),
        (status = 202, description = "It is queued: the request said `Prefer: respond-async`", body = Accepted),
        (status = 400, description = "`malformed_json`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_correlation`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`already_completed`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_body`, `invalid_field`, `invalid_parameter`, `clock_skew`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn complete_trace(
    State(state): State<AppState>,
    Caller(who): Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody<CompleteBody>,
) -> Result<Response, Problem> {
    ensure_recording(&who)?;
    let id = input::execution(body.correlation_id, &headers)?;
    let completion = input::completion_request(body)?;
    if prefers_async(&headers) {
        state.recorder.record_completion(id, completion).await?;
        return Ok(accepted(id, None));
    }
    let completed = state
        .db
        .as_service(async |tx| traceability::complete(tx, id, completion).await)
        .await?;
    Ok(Json(Trace::from(completed.trace)).into_response())
}

/// Recording is the platform's own work: it may name any owner. A signed-in user reads.
pub(super) fn ensure_recording(who: &Principal) -> Result<(), Problem> {
    match who {
        Principal::Local => Ok(()),
        Principal::User { .. } | Principal::Anonymous => Err(Problem::new(
            "forbidden",
            "executions are recorded by the platform itself, not by its users",
        )),
    }
}

/// Whether the client asks not to wait (RFC 7240, section 4.1).
fn prefers_async(headers: &HeaderMap) -> bool {
    let values = headers
        .get_all(PREFER)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut wishes = values
        .flat_map(|value| value.split(','))
        .map(|wish| wish.split(';').next().unwrap_or_default());
    wishes.any(|wish| wish.trim().eq_ignore_ascii_case(RESPOND_ASYNC))
}

fn accepted(correlation_id: CorrelationId, id: Option<Uuid>) -> Response {
    let answer = Accepted {
        correlation_id: correlation_id.as_uuid(),
        id,
    };
    let mut response = (StatusCode::ACCEPTED, Json(answer)).into_response();
    response
        .headers_mut()
        .insert(PREFERENCE_APPLIED, HeaderValue::from_static(RESPOND_ASYNC));
    response
}

fn created<T: serde::Serialize>(row: T) -> Response {
    (StatusCode::CREATED, Json(row)).into_response()
}
