//! The traceability routes, through a real socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../api_server/mod.rs"]
mod api_server;

mod bad_input;
mod headers;
mod patterns;
mod reading;
mod recording;

use api_server::{Answer, ApiServer};
use reqwest::Method;
use serde_json::{Value, json};

/// Starts an execution and gives its correlation id.
async fn started(api: &ApiServer, body: &Value) -> String {
    let answer = api.post("/api/v1/traces/start", body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    text(&answer.json()["correlation_id"])
}

/// A prompt with a decision, two hooks, a call and a good end.
async fn told(api: &ApiServer) -> String {
    let id = started(
        api,
        &json!({"source": "user_prompt", "prompt_text": "Why does the login test fail?"}),
    )
    .await;
    let with = |mut body: Value| {
        body["correlation_id"] = json!(id);
        body
    };
    for (route, body) in [
        (
            "routing",
            json!({"agent_selected": "agent-debugging", "confidence_score": 0.92, "routing_strategy": "fuzzy_match"}),
        ),
        (
            "hook",
            json!({"hook_type": "UserPromptSubmit", "hook_name": "user-prompt", "status": "completed", "duration_ms": 3.9}),
        ),
        (
            "hook",
            json!({"hook_type": "PreToolUse", "hook_name": "quality-enforcer", "tool_name": "Write", "status": "completed",
            "quality_gates_validated": ["SV-001", "SV-002"]}),
        ),
        (
            "endpoint",
            json!({"service_name": "archon-intelligence", "endpoint_path": "/api/rag/query", "http_method": "POST", "response_status": 200}),
        ),
    ] {
        let answer = api
            .post(&format!("/api/v1/traces/{route}"), &with(body))
            .await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    api.post("/api/v1/traces/complete", &with(json!({"success": true})))
        .await
        .assert_ok();
    id
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}

/// A request with headers of its own.
async fn post_with(api: &ApiServer, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let mut request = api.request(Method::POST, path).json(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request).await
}
