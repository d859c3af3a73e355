//! Bad input gets a stable code, and nothing of it is stored.

use pml_entity::values::{
    CorrelationId, HookExecutionId, HookStatus, RoutingAlternative, RoutingAlternatives,
};
use pml_service::Error;
use pml_service::traceability::{self, Completion, NewEndpointCall, NewHook, NewRouting, NewTrace};
use pml_testkit::database;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::{at, counts, prompt, quality_hook, rag_call, routing, started};

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().code()
}

#[tokio::test]
async fn an_unknown_execution_takes_no_parts() {
    let test = database().await;
    let db = test.db();
    let id = CorrelationId::generate();
    assert_eq!(
        code(traceability::route(db, id, routing()).await),
        "unknown_correlation"
    );
    assert_eq!(
        code(traceability::hook(db, id, quality_hook()).await),
        "unknown_correlation"
    );
    assert_eq!(
        code(traceability::endpoint(db, id, rag_call()).await),
        "unknown_correlation"
    );
    let complete = traceability::complete(db, id, Completion::succeeded()).await;
    assert_eq!(code(complete), "unknown_correlation");
    assert_eq!(counts(db).await, (0, 0, 0, 0));
}

#[tokio::test]
async fn a_child_before_its_parent_needs_its_root() {
    let test = database().await;
    let child = NewTrace {
        parent_id: Some(CorrelationId::generate()),
        ..prompt()
    };
    assert_eq!(
        code(traceability::start(test.db(), child.clone()).await),
        "unknown_parent"
    );
    let root = CorrelationId::generate();
    let rooted = NewTrace {
        root_id: Some(root),
        ..child
    };
    let stored = traceability::start(test.db(), rooted).await.unwrap().trace;
    assert_eq!(stored.root_id, root);
}

#[tokio::test]
async fn an_end_before_the_beginning_is_refused_and_told() {
    let test = database().await;
    let db = test.db();
    let start = NewTrace {
        started_at: Some(at("2025-10-01T10:00:00Z")),
        ..prompt()
    };
    let id = traceability::start(db, start)
        .await
        .unwrap()
        .trace
        .correlation_id;
    let completion = Completion {
        completed_at: Some(at("2025-10-01T09:59:59.999Z")),
        ..Completion::succeeded()
    };
    let error = traceability::complete(db, id, completion)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "clock_skew");
    assert!(
        error.to_string().contains("2025-10-01T09:59:59.999Z"),
        "{error}"
    );
    let hook = NewHook {
        started_at: Some(at("2025-10-01T10:00:00Z")),
        completed_at: Some(at("2025-10-01T09:00:00Z")),
        ..quality_hook()
    };
    assert_eq!(code(traceability::hook(db, id, hook).await), "clock_skew");
    let call = NewEndpointCall {
        started_at: Some(at("2025-10-01T10:00:00Z")),
        completed_at: Some(at("2025-10-01T09:00:00Z")),
        ..rag_call()
    };
    assert_eq!(
        code(traceability::endpoint(db, id, call).await),
        "clock_skew"
    );
    // A clock ahead of ours: without an end of its own the execution ends when it began.
    let start = NewTrace {
        started_at: Some(chrono::Utc::now() + chrono::Duration::hours(1)),
        ..prompt()
    };
    let id = traceability::start(db, start)
        .await
        .unwrap()
        .trace
        .correlation_id;
    let done = traceability::complete(db, id, Completion::succeeded())
        .await
        .unwrap();
    assert_eq!(done.trace.duration_ms, Some(0));
}

#[tokio::test]
async fn a_body_of_five_mebibytes_is_refused() {
    let test = database().await;
    let db = test.db();
    let id = started(db).await;
    let huge = || Some(json!({"text": "x".repeat(5 << 20)}));
    let call = NewEndpointCall {
        request_body: huge(),
        ..rag_call()
    };
    let error = traceability::endpoint(db, id, call).await.unwrap_err();
    assert_eq!(error.code(), "body_too_large");
    assert!(error.to_string().contains("5242891"), "{error}");
    let hook = NewHook {
        output_data: huge(),
        ..quality_hook()
    };
    assert_eq!(
        code(traceability::hook(db, id, hook).await),
        "body_too_large"
    );
    let start = NewTrace {
        context: huge(),
        ..prompt()
    };
    assert_eq!(code(traceability::start(db, start).await), "body_too_large");
    let decision = NewRouting {
        alternatives: Some(RoutingAlternatives(vec![RoutingAlternative {
            agent: "a".to_owned(),
            extra: huge()
                .and_then(|value| value.as_object().cloned())
                .unwrap()
                .into_iter()
                .collect(),
            ..RoutingAlternative::default()
        }])),
        ..routing()
    };
    assert_eq!(
        code(traceability::route(db, id, decision).await),
        "body_too_large"
    );
    assert_eq!(counts(db).await, (1, 0, 0, 0));
    let largest = NewEndpointCall {
        request_body: Some(Value::String("x".repeat((1 << 20) - 2))),
        ..rag_call()
    };
    traceability::endpoint(db, id, largest).await.unwrap();
}

#[tokio::test]
#[allow(clippy::too_many_lines)]
async fn a_field_that_breaks_a_rule_is_named() {
    async fn refused<T: std::fmt::Debug>(
        field: &str,
        result: impl Future<Output = Result<T, Error>>,
    ) {
        let error = result.await.unwrap_err();
        assert_eq!(error.code(), "invalid_field", "{field}");
        assert!(error.to_string().starts_with(field), "{field}: {error}");
    }
    let test = database().await;
    let db = test.db();
    let id = started(db).await;
    for source in ["", "  ", "a\0", &"x".repeat(257)] {
        let new = NewTrace {
            source: source.to_owned(),
            ..prompt()
        };
        refused("source", traceability::start(db, new)).await;
    }
    let new = NewTrace {
        prompt_text: Some("x".repeat((256 << 10) + 1)),
        ..prompt()
    };
    refused("prompt_text", traceability::start(db, new)).await;
    let new = NewTrace {
        context: Some(json!({"a": ["\0"]})),
        ..prompt()
    };
    refused("context", traceability::start(db, new)).await;
    let new = NewTrace {
        tags: Some(vec![String::new()]),
        ..prompt()
    };
    refused("tags", traceability::start(db, new)).await;

    for score in [-0.01, 1.01, f64::NAN] {
        let new = NewRouting {
            confidence_score: score,
            ..routing()
        };
        refused("confidence_score", traceability::route(db, id, new)).await;
        let new = NewRouting {
            confidence_context: Some(score),
            ..routing()
        };
        refused("confidence_context", traceability::route(db, id, new)).await;
    }
    let new = NewRouting {
        agent_selected: " ".to_owned(),
        ..routing()
    };
    refused("agent_selected", traceability::route(db, id, new)).await;
    let new = NewRouting {
        decision_duration_ms: Some(-1.0),
        ..routing()
    };
    refused("decision_duration_ms", traceability::route(db, id, new)).await;

    let new = NewHook {
        hook_name: String::new(),
        ..quality_hook()
    };
    refused("hook_name", traceability::hook(db, id, new)).await;
    let new = NewHook {
        execution_order: Some(0),
        ..quality_hook()
    };
    refused("execution_order", traceability::hook(db, id, new)).await;
    let new = NewHook {
        duration_ms: Some(-0.5),
        ..quality_hook()
    };
    refused("duration_ms", traceability::hook(db, id, new)).await;
    let new = NewHook {
        status: Some(HookStatus::InProgress),
        completed_at: Some(at("2025-10-01T10:00:00Z")),
        ..quality_hook()
    };
    refused("completed_at", traceability::hook(db, id, new)).await;

    let new = NewEndpointCall {
        service_name: String::new(),
        ..rag_call()
    };
    refused("service_name", traceability::endpoint(db, id, new)).await;
    let new = NewEndpointCall {
        endpoint_path: "/".repeat(2_049),
        ..rag_call()
    };
    refused("endpoint_path", traceability::endpoint(db, id, new)).await;
    let new = NewEndpointCall {
        http_method: " ".to_owned(),
        ..rag_call()
    };
    refused("http_method", traceability::endpoint(db, id, new)).await;
    let new = NewEndpointCall {
        response_status: Some(99),
        ..rag_call()
    };
    refused("response_status", traceability::endpoint(db, id, new)).await;
    let new = NewEndpointCall {
        retry_count: -1,
        ..rag_call()
    };
    refused("retry_count", traceability::endpoint(db, id, new)).await;
    let new = NewEndpointCall {
        hook_execution_id: Some(HookExecutionId::generate()),
        ..rag_call()
    };
    refused("hook_execution_id", traceability::endpoint(db, id, new)).await;
    let new = Completion {
        cancelled: true,
        ..Completion::succeeded()
    };
    refused("success", traceability::complete(db, id, new)).await;
    assert_eq!(counts(db).await, (1, 0, 0, 0));
}

#[tokio::test]
async fn an_archived_id_is_not_used_again() {
    let test = database().await;
    let id = started(test.db()).await;
    let archive = "WITH gone AS (DELETE FROM execution_traces RETURNING *) INSERT INTO execution_traces_archive SELECT * FROM gone";
    test.conn().execute_unprepared(archive).await.unwrap();
    let again = NewTrace {
        correlation_id: Some(id),
        ..prompt()
    };
    assert_eq!(
        code(traceability::start(test.db(), again).await),
        "correlation_taken"
    );
    assert_eq!(counts(test.db()).await.0, 0);
}
