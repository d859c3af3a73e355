//! What the POST routes store and answer.

use super::{ApiServer, Value, json, post_with, started, text, told};

#[tokio::test]
async fn one_correlation_id_tells_the_whole_story() {
    let api = ApiServer::start().await;
    let id = told(&api).await;
    let trace = api.get(&format!("/api/v1/traces/{id}")).await.assert_ok();
    assert_eq!(
        (&trace["status"], &trace["success"]),
        (&json!("completed"), &json!(true))
    );
    assert_eq!(
        trace["routing_decision"]["agent_selected"],
        "agent-debugging"
    );
    assert_eq!(trace["routing_decision"]["confidence_score"], 0.92);
    let orders: Vec<&Value> = trace["hook_executions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hook| &hook["execution_order"])
        .collect();
    assert_eq!(orders, [1, 2]);
    assert_eq!(trace["hook_executions"][0]["duration_ms"], 3);
    assert_eq!(trace["endpoint_calls"][0]["success"], true);
    assert_eq!(
        (
            &trace["total_hooks"],
            &trace["total_endpoints"],
            &trace["total_quality_gates"],
            &trace["truncated"]
        ),
        (&json!(2), &json!(1), &json!(2), &json!(false))
    );
}

#[tokio::test]
async fn a_child_belongs_to_the_chain_of_its_parent() {
    let api = ApiServer::start().await;
    let root = started(&api, &json!({"prompt_text": "build it"})).await;
    let child = started(
        &api,
        &json!({"parent_id": root, "source": "agent_delegation"}),
    )
    .await;
    let grandchild = started(
        &api,
        &json!({"parent_id": child, "source": "agent_delegation"}),
    )
    .await;
    let tree = api.get(&format!("/api/v1/traces/{root}")).await.assert_ok();
    let below = &tree["child_traces"][0];
    assert_eq!(
        (
            text(&below["correlation_id"]),
            text(&below["root_id"]),
            text(&below["parent_id"])
        ),
        (child.clone(), root.clone(), root.clone())
    );
    let deepest = &below["child_traces"][0];
    assert_eq!(
        (text(&deepest["root_id"]), text(&deepest["parent_id"])),
        (root.clone(), child)
    );
    let flat = api
        .get(&format!("/api/v1/traces/{root}/hierarchy"))
        .await
        .assert_ok();
    assert_eq!(text(&flat["nodes"][2]["correlation_id"]), grandchild);
    assert_eq!(flat["nodes"][2]["depth"], 2);
}

#[tokio::test]
async fn a_repeated_request_writes_nothing_twice() {
    let api = ApiServer::start().await;
    let start = json!({"correlation_id": "0190b5a0-0000-7000-8000-000000000001", "session_id": "0190b5a0-0000-7000-8000-0000000000aa",
        "started_at": "2026-11-27T09:00:00Z", "prompt_text": "once"});
    assert_eq!(api.post("/api/v1/traces/start", &start).await.status, 201);
    let again = api.post("/api/v1/traces/start", &start).await.assert_ok();
    let hook = json!({"correlation_id": again["correlation_id"], "id": "0190b5a0-0000-7000-8000-000000000002", "hook_type": "Stop", "hook_name": "stop",
        "started_at": "2026-11-27T09:00:01Z"});
    let first = api.post("/api/v1/traces/hook", &hook).await.json();
    let second = api.post("/api/v1/traces/hook", &hook).await.json();
    assert_eq!(first, second);
    let end = json!({"correlation_id": again["correlation_id"], "success": false, "error_type": "timeout"});
    let first = api.post("/api/v1/traces/complete", &end).await.assert_ok();
    let second = api.post("/api/v1/traces/complete", &end).await.assert_ok();
    assert_eq!((first["status"].clone(), first), (json!("failed"), second));
    let trace = api
        .get("/api/v1/traces/0190b5a0-0000-7000-8000-000000000001")
        .await
        .assert_ok();
    assert_eq!(trace["total_hooks"], 1);
}

#[tokio::test]
async fn who_prefers_not_to_wait_is_answered_at_once_and_it_is_stored_all_the_same() {
    let api = ApiServer::start().await;
    let prefer = [("prefer", "respond-async")];
    let answer = post_with(
        &api,
        "/api/v1/traces/start",
        &prefer,
        &json!({"prompt_text": "later"}),
    )
    .await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(answer.headers["preference-applied"], "respond-async");
    let id = text(&answer.json()["correlation_id"]);
    let hook = json!({"correlation_id": id, "hook_type": "Stop", "hook_name": "stop"});
    let hook = post_with(&api, "/api/v1/traces/hook", &prefer, &hook).await;
    let end = post_with(
        &api,
        "/api/v1/traces/complete",
        &prefer,
        &json!({"correlation_id": id, "success": true}),
    )
    .await;
    assert_eq!((hook.status, end.status), (202, 202));
    for _ in 0..200 {
        let answer = api.get(&format!("/api/v1/traces/{id}")).await;
        if answer.status == 200 && answer.json()["success"] == true {
            assert_eq!(answer.json()["hook_executions"][0]["id"], hook.json()["id"]);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("it never arrived");
}

#[tokio::test]
async fn what_was_queued_is_stored_when_the_server_stops() {
    let database = pml_testkit::database().await;
    let api = ApiServer::serve(
        database.db().clone(),
        pml_api::http::metrics::Metrics::new(),
    )
    .await;
    let mut ids = Vec::new();
    for _ in 0..50 {
        let answer = post_with(
            &api,
            "/api/v1/traces/start",
            &[("prefer", "respond-async")],
            &json!({}),
        )
        .await;
        ids.push(text(&answer.json()["correlation_id"]));
    }
    api.stop().await.unwrap();
    let rows = pml_service::traceability::read::list(
        database.db(),
        &pml_service::traceability::read::TraceFilter::default(),
        pml_service::PageRequest::default(),
    )
    .await
    .unwrap();
    let mut stored: Vec<String> = rows
        .items
        .iter()
        .map(|row| row.correlation_id.to_string())
        .collect();
    stored.sort();
    ids.sort();
    assert_eq!(stored, ids);
}

#[tokio::test]
async fn secrets_are_not_stored_wherever_they_stand() {
    let api = ApiServer::start().await;
    let id = started(&api, &json!({})).await;
    let body = json!({"correlation_id": id, "service_name": "s", "endpoint_path": "/", "http_method": "POST", "response_status": 200,
        "request_body": {"rows": [[[{"password": "hunter2", "keep": 1}]]], "token": {"a": "hunter2"}},
        "headers": {"Authorization": "Bearer hunter2", "x-api-key": "hunter2"}});
    let stored = api.post("/api/v1/traces/endpoint", &body).await;
    assert_eq!(stored.status, 201, "{stored:?}");
    assert!(!stored.text.contains("hunter2"), "{stored:?}");
    let call = stored.json();
    assert_eq!(
        call["request_body"]["rows"][0][0][0],
        json!({"password": "[REDACTED]", "keep": 1})
    );
}
