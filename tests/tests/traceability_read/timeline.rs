//! What happened, in the order of time.

use pml_service::traceability::read::{get, timeline};
use pml_testkit::database;
use serde_json::json;

use super::given::*;

/// Example 13.
#[tokio::test]
async fn events_stand_in_the_order_of_time_and_those_of_one_moment_in_the_order_of_their_kind() {
    let test = database().await;
    let db = test.db();
    trace(db, 1, None).await;
    trace(db, 2, Some(1)).await;
    sql(
        db,
        "UPDATE execution_traces SET started_at = '2026-01-01T10:00:00Z', completed_at = '2026-01-01T10:00:05Z', duration_ms = 5000, \
         status = 'completed', success = true, prompt_text = 'mend it'",
    )
    .await;
    decision(db, 1, 1, "agent-testing", 1).await;
    hook(db, 1, 1, 1, 2).await;
    hook(db, 1, 2, 2, 3).await;
    call(db, 1, 1, 2).await;
    // A child has a timeline of its own.
    hook(db, 2, 3, 1, 2).await;

    let before = db.statements().snapshot();
    let events = timeline(db, correlation(1)).await.unwrap();
    assert_eq!(statements(db, &before), 4);

    assert_eq!(
        serde_json::to_value(&events).unwrap(),
        json!([
            {"timestamp": "2026-01-01T10:00:00Z", "event_type": "prompt_submitted", "data": {"prompt": "mend it"}},
            {"timestamp": "2026-01-01T10:00:01Z", "event_type": "agent_routed", "data": {"agent": "agent-testing", "confidence": 0.9}},
            {"timestamp": "2026-01-01T10:00:02Z", "event_type": "hook_executed", "data": {"hook_type": "PreToolUse", "tool": "Write", "duration_ms": 5}},
            {"timestamp": "2026-01-01T10:00:02Z", "event_type": "endpoint_called", "data": {"service": "rag", "endpoint": "/1", "status": 200, "duration_ms": 7}},
            {"timestamp": "2026-01-01T10:00:03Z", "event_type": "hook_executed", "data": {"hook_type": "PreToolUse", "tool": "Write", "duration_ms": 5}},
            {"timestamp": "2026-01-01T10:00:05Z", "event_type": "execution_completed", "data": {"status": "completed", "success": true, "total_duration_ms": 5000}},
        ])
    );
    assert_eq!(get(db, correlation(1)).await.unwrap().timeline(), events);
    assert_eq!(events[3].event.event_type(), "endpoint_called");
}

#[tokio::test]
async fn everything_at_one_moment_keeps_the_order_of_the_lists() {
    let test = database().await;
    let db = test.db();
    trace(db, 1, None).await;
    sql(db, "UPDATE execution_traces SET completed_at = started_at").await;
    decision(db, 1, 1, "a", 1).await;
    for number in [2, 1, 3] {
        hook(db, 1, number, number, 1).await;
        call(db, 1, number, 1).await;
    }
    let events = timeline(db, correlation(1)).await.unwrap();
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event.event.event_type())
        .collect();
    assert_eq!(
        kinds,
        [
            "prompt_submitted",
            "agent_routed",
            "hook_executed",
            "hook_executed",
            "hook_executed",
            "endpoint_called",
            "endpoint_called",
            "endpoint_called",
            "execution_completed"
        ]
    );
}

#[tokio::test]
async fn what_runs_without_an_agent_has_one_event() {
    let test = database().await;
    trace(test.db(), 1, None).await;
    assert_eq!(timeline(test.db(), correlation(1)).await.unwrap().len(), 1);
}
