//! All routes, and what happens around every one of them.

use std::{any::Any, time::Duration};

use axum::{
    Json, Router,
    extract::Request,
    http::{HeaderName, Method, Uri},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, put},
};
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    trace::TraceLayer,
};
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{
    capabilities, health, metrics::measure, openapi, problem::Problem, state::AppState, tools,
    traceability,
};

/// How long a request may take before it is answered with `timeout`.
pub const REQUEST_TIME_LIMIT: Duration = Duration::from_secs(30);

/// Names a request in the answer and in the log. A client may send its own.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The whole API as a service, ready for [`axum::serve()`] or for a larger application to merge.
pub fn router(state: AppState) -> Router {
    let (mut routes, _) = documented().split_for_parts();
    for verb in capabilities::VERBS {
        let path = format!("/api/v1/capabilities/{verb}");
        routes = routes.route(&path, capabilities::called(verb));
    }
    let document = openapi::document();
    let swagger = SwaggerUi::new("/docs").config(
        Config::from("/openapi.json")
            .validator_url("none")
            .deep_linking(true)
            .try_it_out_enabled(true),
    );
    routes
        // A server may be called `search`: its address is taken by the search, but PUT is free there.
        .route("/api/v1/tools/search", put(tools::sync_server_named_search))
        .route("/openapi.json", get(|| async move { Json(document) }))
        .merge(swagger)
        .fallback(unknown_route)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(
            ServiceBuilder::new()
                .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
                .layer(TraceLayer::new_for_http().make_span_with(span))
                .layer(PropagateRequestIdLayer::new(REQUEST_ID))
                .layer(middleware::from_fn_with_state(
                    state.metrics.clone(),
                    measure,
                ))
                .layer(middleware::from_fn(name_instance))
                .layer(CatchPanicLayer::custom(panicked))
                .layer(middleware::from_fn(limit_time)),
        )
        .with_state(state)
}

/// The routes that stand in the OpenAPI document.
pub(super) fn documented() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(tools::list_tools))
        .routes(routes!(tools::search_tools))
        .routes(routes!(
            tools::sync_server,
            tools::get_tool,
            tools::remove_tool
        ))
        .routes(routes!(
            capabilities::read::list_capabilities,
            capabilities::change::save_capability
        ))
        .routes(routes!(capabilities::search::search_capabilities))
        .routes(routes!(capabilities::change::merge_capabilities))
        .routes(routes!(capabilities::search::capability_embeddings))
        .routes(routes!(capabilities::change::verify_capability))
        .routes(routes!(capabilities::permissions::permission_audit))
        .routes(routes!(
            capabilities::read::get_capability,
            capabilities::change::rename_capability,
            capabilities::change::delete_capability
        ))
        .routes(routes!(
            capabilities::dependencies::list_dependencies,
            capabilities::dependencies::add_dependency,
            capabilities::dependencies::remove_dependency
        ))
        .routes(routes!(
            capabilities::permissions::get_permissions,
            capabilities::permissions::decide_permission
        ))
        .routes(routes!(traceability::read::list_traces))
        .routes(routes!(traceability::record::start_trace))
        .routes(routes!(traceability::record::record_routing))
        .routes(routes!(traceability::record::record_hook))
        .routes(routes!(traceability::record::record_endpoint))
        .routes(routes!(traceability::record::complete_trace))
        .routes(routes!(traceability::read::get_trace))
        .routes(routes!(traceability::read::trace_timeline))
        .routes(routes!(traceability::read::trace_hierarchy))
        .routes(routes!(traceability::analytics::list_patterns))
        .routes(routes!(
            traceability::analytics::pattern_usage,
            traceability::patterns::log_usage
        ))
        .routes(routes!(traceability::patterns::match_patterns))
        .routes(routes!(traceability::patterns::replay_plan))
        .routes(routes!(traceability::patterns::finish_replay))
        .routes(routes!(traceability::analytics::agent_effectiveness))
        .routes(routes!(traceability::analytics::agent_chaining))
        .routes(routes!(traceability::analytics::list_errors))
        .routes(routes!(traceability::analytics::event_stream))
        .routes(routes!(traceability::analytics::dashboard_summary))
        .routes(routes!(traceability::analytics::developer_metrics))
        .routes(routes!(traceability::analytics::list_alerts))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
}

fn span(request: &Request) -> tracing::Span {
    let id = request
        .extensions()
        .get::<RequestId>()
        .and_then(|id| id.header_value().to_str().ok());
    tracing::info_span!("request", method = %request.method(), path = request.uri().path(), id = id.unwrap_or_default())
}

async fn unknown_route(uri: Uri) -> Problem {
    Problem::new(
        "unknown_route",
        format!(
            "there is nothing at {}; the routes are listed at /docs",
            uri.path()
        ),
    )
}

async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(
        "method_not_allowed",
        format!("{} does not answer {method}", uri.path()),
    )
}

/// Tells every problem which path it is about.
async fn name_instance(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    match response.extensions_mut().remove::<Problem>() {
        None => response,
        Some(problem) => {
            let named = problem.at(&path).into_response();
            let (mut parts, _) = response.into_parts();
            parts.headers.remove(axum::http::header::CONTENT_LENGTH);
            Response::from_parts(parts, named.into_body())
        }
    }
}

async fn limit_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(REQUEST_TIME_LIMIT, next.run(request))
        .await
        .unwrap_or_else(|_| {
            let limit = REQUEST_TIME_LIMIT.as_secs();
            Problem::new(
                "timeout",
                format!("the request was not finished within {limit} s and was given up"),
            )
            .into_response()
        })
}

/// A panic is a defect; it must cost one request and not the connection, and its text is for the log only.
// The signature is given by the trait of the layer.
#[allow(clippy::needless_pass_by_value)]
fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied());
    tracing::error!(
        message = message.unwrap_or("(no message)"),
        "a handler panicked"
    );
    Problem::internal().into_response()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use axum::{body::Body, http::StatusCode};
    use tower::ServiceExt;

    #[tokio::test]
    async fn a_panic_becomes_a_problem_that_does_not_repeat_it() {
        async fn broken() -> &'static str {
            panic!("the secret is 42")
        }
        let app = Router::new().route("/broken", get(broken)).layer(
            ServiceBuilder::new()
                .layer(middleware::from_fn(name_instance))
                .layer(CatchPanicLayer::custom(panicked)),
        );
        let response = app
            .oneshot(Request::get("/broken").body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(response.into_body(), 4096)
            .await
            .unwrap();
        let problem: crate::wire::problem::ProblemDocument = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (problem.code.as_str(), problem.instance.as_deref()),
            ("internal", Some("/broken"))
        );
        assert!(!problem.detail.contains("42"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_takes_too_long_is_given_up() {
        let app = Router::new()
            .route("/slow", get(std::future::pending::<&'static str>))
            .layer(middleware::from_fn(limit_time));
        let response = app
            .oneshot(Request::get("/slow").body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
    }
}
