//! Patterns and analytics over HTTP.

use pml_api::http::metrics::Metrics;
use pml_service::embedding::HashingPromptEmbedder;
use pml_service::traceability::learning::{ExtractionOptions, extract_batch};
use pml_testkit::TestDatabase;

use super::{ApiServer, Value, json, started, text, told};

/// A server on a database that has learned from one told execution.
async fn learned() -> (ApiServer, TestDatabase, Value) {
    let database = pml_testkit::database().await;
    let api = ApiServer::serve(database.db().clone(), Metrics::new()).await;
    told(&api).await;
    let extracted = extract_batch(
        database.db(),
        &HashingPromptEmbedder,
        &ExtractionOptions::default(),
    )
    .await
    .unwrap();
    assert_eq!((extracted.traces, extracted.patterns), (1, 1));
    let patterns = api.get("/api/v1/patterns").await.assert_ok();
    let pattern = patterns["items"][0].clone();
    (api, database, pattern)
}

#[tokio::test]
async fn what_worked_is_found_for_the_same_prompt_and_replayed() {
    let (api, _database, pattern) = learned().await;
    let request = json!({"request": "Why does the login test fail?"});
    let advice = api
        .post("/api/v1/patterns/match", &request)
        .await
        .assert_ok();
    assert_eq!(advice["decision"], "replay", "{advice}");
    assert_eq!(advice["matches"][0]["pattern_id"], pattern["pattern_id"]);
    assert_eq!(advice["plan"]["agent"], "agent-debugging");
    let plan = api
        .get(&format!(
            "/api/v1/patterns/{}/plan",
            text(&pattern["pattern_id"])
        ))
        .await
        .assert_ok();
    assert_eq!(plan, advice["plan"]);
    let other = json!({"request": "water the plants on the balcony"});
    let advice = api.post("/api/v1/patterns/match", &other).await.assert_ok();
    assert_eq!(
        (&advice["decision"], &advice["matches"], &advice["plan"]),
        (&json!("normal"), &json!([]), &json!(null))
    );
}

#[tokio::test]
async fn a_replay_is_counted_once_and_a_mere_match_never() {
    let (api, _database, pattern) = learned().await;
    let id = text(&pattern["pattern_id"]);
    let replay = json!({"id": "0190b5a0-0000-7000-8000-0000000000f1", "correlation_id": "0190b5a0-0000-7000-8000-000000000001",
        "user_request": "again", "match_score": 0.9, "success": true, "expected_duration_ms": 1000, "actual_duration_ms": 1250,
        "deviations": [{"kind": "intelligence_missing", "function": "IC-001"}]});
    let first = api
        .post(&format!("/api/v1/patterns/{id}/replays"), &replay)
        .await;
    assert_eq!(first.status, 201, "{first:?}");
    let first = first.json();
    assert_eq!(
        (
            &first["usage"]["outcome"],
            &first["usage"]["performance_variance"]
        ),
        (&json!("partial_success"), &json!(0.25))
    );
    assert_eq!(first["stats"]["total_usage_count"], 1);
    let again = api
        .post(&format!("/api/v1/patterns/{id}/replays"), &replay)
        .await
        .json();
    assert_eq!(
        (&again["usage"]["id"], &again["stats"]),
        (&first["usage"]["id"], &json!(null))
    );
    let matched = json!({"correlation_id": "0190b5a0-0000-7000-8000-000000000002", "user_request": "similar", "match_score": 0.8});
    let matched = api
        .post(&format!("/api/v1/patterns/{id}/usage"), &matched)
        .await;
    assert_eq!(
        (matched.status, &matched.json()["used"]),
        (201, &json!(false))
    );
    let usage = api
        .get(&format!("/api/v1/patterns/{id}/usage"))
        .await
        .assert_ok();
    assert_eq!(
        (
            &usage["total_count"],
            usage["days"].as_array().unwrap().len()
        ),
        (&json!(1), 30)
    );
    let patterns = api
        .get("/api/v1/patterns?min_usage_count=1")
        .await
        .assert_ok();
    assert_eq!(patterns["items"][0]["total_usage_count"], 1);
}

#[tokio::test]
async fn bad_questions_about_patterns_are_refused() {
    let (api, _database, pattern) = learned().await;
    let (known, unknown) = (
        text(&pattern["pattern_id"]),
        "0190b5a0-0000-7000-8000-00000000dead",
    );
    let replay = json!({"correlation_id": unknown, "user_request": "x", "match_score": 0.9, "success": true});
    for path in ["plan", "usage"] {
        api.get(&format!("/api/v1/patterns/{unknown}/{path}"))
            .await
            .assert_problem(404, "unknown_pattern");
        api.get(&format!("/api/v1/patterns/nonsense/{path}"))
            .await
            .assert_problem(422, "invalid_parameter");
    }
    api.post(&format!("/api/v1/patterns/{unknown}/replays"), &replay)
        .await
        .assert_problem(404, "unknown_pattern");
    for (field, value, code) in [
        ("match_score", json!(1.5), "invalid_field"),
        ("actual_duration_ms", json!(-1), "invalid_field"),
        ("deviations", json!([{"kind": "colour"}]), "invalid_field"),
        ("user_request", json!(7), "invalid_body"),
    ] {
        let mut bad = replay.clone();
        bad[field] = value;
        api.post(&format!("/api/v1/patterns/{known}/replays"), &bad)
            .await
            .assert_problem(422, code);
    }
    api.post(
        "/api/v1/patterns/match",
        &json!({"request": "x", "embedding": [1, 2]}),
    )
    .await
    .assert_problem(422, "invalid_embedding");
    api.get("/api/v1/patterns?min_success_rate=2")
        .await
        .assert_problem(422, "invalid_field");
    api.get("/api/v1/patterns?min_usage_count=few")
        .await
        .assert_problem(422, "invalid_parameter");
}

#[tokio::test]
async fn the_dashboard_adds_up_and_stands_on_an_empty_database() {
    let api = ApiServer::start().await;
    let empty = api
        .get("/api/v1/analytics/dashboard/summary")
        .await
        .assert_ok();
    assert_eq!(
        (
            &empty["total_traces"],
            &empty["overall_success_rate"],
            &empty["most_used_agent"]
        ),
        (&json!(0), &json!(0.0), &json!(null))
    );
    told(&api).await;
    let failed = started(&api, &json!({})).await;
    let end = json!({"correlation_id": failed, "success": false, "error_type": "timeout"});
    api.post("/api/v1/traces/complete", &end).await.assert_ok();
    let summary = api
        .get("/api/v1/analytics/dashboard/summary")
        .await
        .assert_ok();
    assert_eq!(
        (
            &summary["total_traces"],
            &summary["overall_success_rate"],
            &summary["most_used_agent"],
            &summary["errors_24h"]
        ),
        (
            &json!(2),
            &json!(50.0),
            &json!("agent-debugging"),
            &json!(1)
        )
    );
    let agents = api
        .get("/api/v1/analytics/agents/effectiveness")
        .await
        .assert_ok();
    assert_eq!(
        (
            &agents["items"][0]["agent_name"],
            &agents["items"][0]["success_rate_pct"]
        ),
        (&json!("agent-debugging"), &json!(100.0))
    );
    let events = api
        .get("/api/v1/analytics/events?event_type=error")
        .await
        .assert_ok();
    assert_eq!(
        (&events["total"], &events["items"][0]["error_type"]),
        (&json!(1), &json!("timeout"))
    );
    let metrics = api
        .get("/api/v1/analytics/developer-metrics?window_days=7")
        .await
        .assert_ok();
    assert_eq!(
        (&metrics["success_rate"], &metrics["window_days"]),
        (&json!(0.5), &json!(7))
    );
    for list in ["agents/chaining", "errors", "alerts"] {
        assert!(
            api.get(&format!("/api/v1/analytics/{list}"))
                .await
                .assert_ok()["items"]
                .is_array()
        );
    }
    api.get("/api/v1/analytics/events?hours=500")
        .await
        .assert_problem(422, "invalid_field");
    api.get("/api/v1/analytics/errors?time_range=1y")
        .await
        .assert_problem(422, "invalid_field");
    api.get("/api/v1/analytics/developer-metrics?window_days=0")
        .await
        .assert_problem(422, "invalid_field");
}
