//! What is refused, and with which code.

use super::{ApiServer, json, started};

const UNKNOWN: &str = "0190b5a0-0000-7000-8000-00000000dead";

#[tokio::test]
async fn an_unknown_execution_is_named() {
    let api = ApiServer::start().await;
    for (route, body) in [
        (
            "routing",
            json!({"agent_selected": "a", "confidence_score": 1, "routing_strategy": "normal"}),
        ),
        ("hook", json!({"hook_type": "Stop", "hook_name": "stop"})),
        (
            "endpoint",
            json!({"service_name": "s", "endpoint_path": "/", "http_method": "GET"}),
        ),
        ("complete", json!({"success": true})),
    ] {
        let mut body = body;
        body["correlation_id"] = json!(UNKNOWN);
        api.post(&format!("/api/v1/traces/{route}"), &body)
            .await
            .assert_problem(404, "unknown_correlation");
    }
    for path in ["", "/timeline", "/hierarchy"] {
        api.get(&format!("/api/v1/traces/{UNKNOWN}{path}"))
            .await
            .assert_problem(404, "not_found");
    }
    api.post(
        "/api/v1/traces/hook",
        &json!({"hook_type": "Stop", "hook_name": "stop"}),
    )
    .await
    .assert_problem(422, "invalid_parameter");
    api.get("/api/v1/traces/nonsense")
        .await
        .assert_problem(422, "invalid_parameter");
}

#[tokio::test]
async fn a_child_before_its_parent_is_refused() {
    let api = ApiServer::start().await;
    api.post("/api/v1/traces/start", &json!({"parent_id": UNKNOWN}))
        .await
        .assert_problem(409, "unknown_parent");
}

#[tokio::test]
async fn a_second_end_with_another_outcome_is_refused() {
    let api = ApiServer::start().await;
    let id = started(&api, &json!({})).await;
    api.post(
        "/api/v1/traces/complete",
        &json!({"correlation_id": id, "success": true}),
    )
    .await
    .assert_ok();
    api.post(
        "/api/v1/traces/complete",
        &json!({"correlation_id": id, "success": false}),
    )
    .await
    .assert_problem(409, "already_completed");
}

#[tokio::test]
async fn an_end_before_the_beginning_is_refused() {
    let api = ApiServer::start().await;
    let id = started(&api, &json!({"started_at": "2026-11-27T09:00:00Z"})).await;
    let end =
        json!({"correlation_id": id, "success": true, "completed_at": "2026-11-27T08:59:59Z"});
    api.post("/api/v1/traces/complete", &end)
        .await
        .assert_problem(422, "clock_skew");
    let hook = json!({"correlation_id": id, "hook_type": "Stop", "hook_name": "stop",
        "started_at": "2026-11-27T09:00:00Z", "completed_at": "2026-11-27T08:00:00Z"});
    api.post("/api/v1/traces/hook", &hook)
        .await
        .assert_problem(422, "clock_skew");
}

#[tokio::test]
async fn five_mebibytes_are_refused() {
    let api = ApiServer::start().await;
    let id = started(&api, &json!({})).await;
    let body = json!({"correlation_id": id, "service_name": "s", "endpoint_path": "/", "http_method": "POST", "request_body": {"a": "x".repeat(5 << 20)}});
    api.post("/api/v1/traces/endpoint", &body)
        .await
        .assert_problem(413, "body_too_large");
}

#[tokio::test]
async fn a_bad_field_is_named() {
    let api = ApiServer::start().await;
    let id = started(&api, &json!({})).await;
    for (route, body, code) in [
        (
            "routing",
            json!({"agent_selected": " ", "confidence_score": 1, "routing_strategy": "normal"}),
            "invalid_field",
        ),
        (
            "routing",
            json!({"agent_selected": "a", "confidence_score": 1.1, "routing_strategy": "normal"}),
            "invalid_field",
        ),
        (
            "routing",
            json!({"agent_selected": "a", "confidence_score": "high", "routing_strategy": "normal"}),
            "invalid_body",
        ),
        (
            "routing",
            json!({"agent_selected": "a", "confidence_score": 1, "routing_strategy": "normal", "query_embedding": [1]}),
            "invalid_embedding",
        ),
        (
            "routing",
            json!({"agent_selected": "a", "confidence_score": 1, "routing_strategy": "normal", "alternatives": "none"}),
            "invalid_field",
        ),
        (
            "hook",
            json!({"hook_type": "Stop", "hook_name": "stop", "duration_ms": -1}),
            "invalid_field",
        ),
        (
            "hook",
            json!({"hook_type": "Stop", "hook_name": "stop", "status": "done"}),
            "invalid_field",
        ),
        (
            "endpoint",
            json!({"service_name": "", "endpoint_path": "/", "http_method": "GET"}),
            "invalid_field",
        ),
        ("complete", json!({}), "invalid_field"),
        (
            "complete",
            json!({"status": "in_progress"}),
            "invalid_field",
        ),
        (
            "complete",
            json!({"success": true, "status": "cancelled"}),
            "invalid_field",
        ),
        (
            "complete",
            json!({"success": true, "colour": "red"}),
            "invalid_body",
        ),
    ] {
        let mut body = body;
        body["correlation_id"] = json!(id);
        let answer = api.post(&format!("/api/v1/traces/{route}"), &body).await;
        answer.assert_problem(422, code);
    }
}

#[tokio::test]
async fn a_bad_filter_or_cursor_is_refused() {
    let api = ApiServer::start().await;
    api.get("/api/v1/traces?status=done")
        .await
        .assert_problem(400, "invalid_filter");
    api.get("/api/v1/traces?success=maybe")
        .await
        .assert_problem(400, "invalid_filter");
    api.get("/api/v1/traces?session_id=x")
        .await
        .assert_problem(422, "invalid_parameter");
    api.get("/api/v1/traces?since=yesterday")
        .await
        .assert_problem(422, "invalid_parameter");
    api.get("/api/v1/traces?limit=501")
        .await
        .assert_problem(422, "invalid_limit");
    api.get("/api/v1/traces?cursor=forged")
        .await
        .assert_problem(422, "invalid_cursor");
    api.get("/api/v1/traces?offset=3")
        .await
        .assert_problem(422, "invalid_parameter");
}
