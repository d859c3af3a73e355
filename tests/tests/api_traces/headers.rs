//! Ids in headers.

use super::{ApiServer, json, post_with, text};

const CORRELATION: &str = "0190b5a0-0000-7000-8000-000000000001";
const ROOT: &str = "0190b5a0-0000-7000-8000-000000000002";

#[tokio::test]
async fn the_headers_name_the_execution_and_come_back() {
    let api = ApiServer::start().await;
    let headers = [
        ("x-correlation-id", CORRELATION),
        ("x-root-id", ROOT),
        ("x-source", "agent_delegation"),
    ];
    let answer = post_with(&api, "/api/v1/traces/start", &headers, &json!({})).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let trace = answer.json();
    assert_eq!(
        (
            text(&trace["correlation_id"]),
            text(&trace["root_id"]),
            text(&trace["source"])
        ),
        (CORRELATION.into(), ROOT.into(), "agent_delegation".into())
    );
    assert_eq!(trace["parent_id"], json!(null));
    assert_eq!(
        (
            answer.headers["x-correlation-id"].to_str().unwrap(),
            answer.headers["x-root-id"].to_str().unwrap()
        ),
        (CORRELATION, ROOT)
    );
    let hook = post_with(
        &api,
        "/api/v1/traces/hook",
        &headers[..1],
        &json!({"hook_type": "Stop", "hook_name": "stop"}),
    )
    .await;
    assert_eq!(hook.status, 201, "{hook:?}");
}

#[tokio::test]
async fn the_body_wins_over_the_headers() {
    let api = ApiServer::start().await;
    let answer = post_with(
        &api,
        "/api/v1/traces/start",
        &[("x-correlation-id", ROOT)],
        &json!({"correlation_id": CORRELATION}),
    )
    .await;
    assert_eq!(text(&answer.json()["correlation_id"]), CORRELATION);
}

#[tokio::test]
async fn a_traceparent_names_the_execution_too() {
    let api = ApiServer::start().await;
    let traceparent = "00-0190b5a0000070008000000000000001-00f067aa0ba902b7-01";
    let answer = post_with(
        &api,
        "/api/v1/traces/start",
        &[("traceparent", traceparent)],
        &json!({}),
    )
    .await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(text(&answer.json()["correlation_id"]), CORRELATION);
    assert!(
        answer.headers["traceparent"]
            .to_str()
            .unwrap()
            .starts_with("00-0190b5a0000070008000000000000001-")
    );
}

#[tokio::test]
async fn a_header_that_is_no_uuid_begins_a_new_execution_and_names_no_other() {
    let api = ApiServer::start().await;
    let start = post_with(
        &api,
        "/api/v1/traces/start",
        &[("x-correlation-id", "nonsense")],
        &json!({}),
    )
    .await;
    assert_eq!(start.status, 201, "{start:?}");
    let hook = post_with(
        &api,
        "/api/v1/traces/hook",
        &[("x-correlation-id", "nonsense")],
        &json!({"hook_type": "Stop", "hook_name": "stop"}),
    )
    .await;
    hook.assert_problem(422, "invalid_parameter");
}
