//! Writing through the recorder: the same rows, soon after, in any order, each once.

use std::time::Duration;

use pml_entity::values::{
    CorrelationId, EndpointCallId, HookExecutionId, RoutingDecisionId, TraceStatus,
    TraceabilityEmbedding,
};
use pml_service::recorder::RecorderOptions;
use pml_service::traceability::{
    self, Completion, NewEndpointCall, NewHook, NewRouting, NewTrace, TraceContext, TraceEvent,
    TraceRecorder,
};
use pml_testkit::{TestDatabase, database};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};

use super::{at, counts, number, prompt, quality_hook, rag_call, routing, trace};

fn recorder(test: &TestDatabase) -> TraceRecorder {
    let options = RecorderOptions {
        interval: Duration::from_millis(5),
        first_pause: Duration::from_millis(20),
        ..RecorderOptions::named("traces")
    };
    TraceRecorder::start(test.db().clone(), options)
}

async fn texts(db: &impl ConnectionTrait, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect()
}

#[tokio::test]
async fn a_whole_execution_is_written_behind_its_back() {
    let test = database().await;
    let recorder = recorder(&test);
    let mut components = vec![0.25_f32; 1536];
    components[1] = -0.1;
    let embedding = TraceabilityEmbedding::new(components).unwrap();
    let id = recorder.record_start(prompt()).await.unwrap();
    let decision = NewRouting {
        query_embedding: Some(embedding),
        ..routing()
    };
    recorder.record_routing(id, decision).await.unwrap();
    let mut hooks = Vec::new();
    for _ in 0..3 {
        hooks.push(recorder.record_hook(id, quality_hook()).await.unwrap());
    }
    let call = NewEndpointCall {
        hook_execution_id: Some(hooks[1]),
        ..rag_call()
    };
    recorder.record_endpoint(id, call).await.unwrap();
    recorder
        .record_completion(id, Completion::succeeded())
        .await
        .unwrap();
    recorder.flush().await.unwrap();
    assert_eq!(counts(test.db()).await, (1, 1, 3, 1));
    let stored = trace(test.db(), id).await;
    assert_eq!(
        (stored.status, stored.success, stored.duration_ms.is_some()),
        (TraceStatus::Completed, Some(true), true)
    );
    let places = texts(
        test.db(),
        "SELECT id::text FROM hook_executions ORDER BY execution_order",
    )
    .await;
    let order: Vec<String> = hooks.iter().map(ToString::to_string).collect();
    assert_eq!(places, order, "places follow the order of recording");
    let linked = "SELECT count(*) FROM endpoint_calls c JOIN hook_executions h ON h.id = c.hook_execution_id AND h.execution_order = 2";
    assert_eq!(number(test.db(), linked).await, 1);
    let vectors = "SELECT count(*) FROM agent_routing_decisions WHERE (query_embedding::real[])[2] = -0.1::real";
    assert_eq!(number(test.db(), vectors).await, 1);
    let stats = recorder.shutdown().await.unwrap();
    assert_eq!((stats.written, stats.poisoned, stats.dropped), (7, 0, 0));
    let late = recorder.record_start(prompt()).await.unwrap_err();
    assert_eq!(late.code(), "refused");
}

#[tokio::test]
async fn a_batch_of_hundreds_takes_a_constant_number_of_statements() {
    let test = database().await;
    let options = RecorderOptions {
        interval: Duration::from_mins(1),
        ..RecorderOptions::named("traces")
    };
    let recorder = TraceRecorder::start(test.db().clone(), options);
    let before = test.db().statements().snapshot();
    for _ in 0..80 {
        let id = recorder.record_start(prompt()).await.unwrap();
        recorder.record_routing(id, routing()).await.unwrap();
        recorder.record_hook(id, quality_hook()).await.unwrap();
        recorder.record_hook(id, quality_hook()).await.unwrap();
        recorder.record_endpoint(id, rag_call()).await.unwrap();
        recorder
            .record_completion(id, Completion::succeeded())
            .await
            .unwrap();
    }
    recorder.flush().await.unwrap();
    let statements = test.db().statements().since(&before).statements;
    // The identity, what is there, and one per kind. Nothing but locked executions here.
    assert_eq!(statements, 7);
    assert_eq!(counts(test.db()).await, (80, 80, 160, 80));
    let places = "SELECT count(*) FROM (SELECT trace_id FROM hook_executions GROUP BY trace_id \
                  HAVING array_agg(execution_order ORDER BY execution_order) = '{1,2}') AS exact";
    assert_eq!(number(test.db(), places).await, 80);
}

#[tokio::test]
async fn parts_may_come_before_their_execution_from_another_recorder() {
    let test = database().await;
    let (parts, starts) = (recorder(&test), recorder(&test));
    let id = CorrelationId::generate();
    parts.record_routing(id, routing()).await.unwrap();
    parts.record_hook(id, quality_hook()).await.unwrap();
    parts.record_endpoint(id, rag_call()).await.unwrap();
    parts
        .record_completion(id, Completion::succeeded())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(counts(test.db()).await, (0, 0, 0, 0));
    let start = NewTrace {
        correlation_id: Some(id),
        ..prompt()
    };
    starts.record_start(start).await.unwrap();
    starts.flush().await.unwrap();
    parts.flush().await.unwrap();
    assert_eq!(counts(test.db()).await, (1, 1, 1, 1));
    assert_eq!(trace(test.db(), id).await.status, TraceStatus::Completed);
    assert_eq!(parts.stats().poisoned, 0);
}

#[tokio::test]
async fn a_part_of_nothing_goes_to_the_error_log_without_its_secrets_and_blocks_nobody() {
    let test = database().await;
    let recorder = recorder(&test);
    let lost = NewHook {
        input_data: Some(json!({"password": "hush-hush", "text": "private"})),
        ..quality_hook()
    };
    let row = recorder
        .record_hook(CorrelationId::generate(), lost)
        .await
        .unwrap();
    let id = recorder.record_start(prompt()).await.unwrap();
    recorder.record_hook(id, quality_hook()).await.unwrap();
    recorder.flush().await.unwrap();
    assert_eq!(counts(test.db()).await, (1, 0, 1, 0));
    let logged = texts(test.db(), "SELECT context::text FROM error_log").await;
    assert_eq!(logged.len(), 1);
    assert!(logged[0].contains(&row.to_string()), "{logged:?}");
    assert!(
        !logged[0].contains("hush-hush") && !logged[0].contains("private"),
        "{logged:?}"
    );
    assert_eq!(recorder.stats().poisoned, 1);
}

#[tokio::test]
async fn what_is_recorded_twice_is_written_once() {
    let test = database().await;
    let id = CorrelationId::generate();
    let start = NewTrace {
        correlation_id: Some(id),
        ..prompt()
    };
    let decision = NewRouting {
        id: Some(RoutingDecisionId::generate()),
        ..routing()
    };
    let hook = NewHook {
        id: Some(HookExecutionId::generate()),
        ..quality_hook()
    };
    let call = NewEndpointCall {
        id: Some(EndpointCallId::generate()),
        ..rag_call()
    };
    let events = [
        TraceEvent::Start(start),
        TraceEvent::Routing(id, decision),
        TraceEvent::Hook(id, hook),
        TraceEvent::Endpoint(id, call),
        TraceEvent::Completion(id, Completion::succeeded()),
    ];
    let mut stored = Vec::new();
    for _ in 0..2 {
        let recorder = recorder(&test);
        // Twice in one batch, and once more in another.
        for event in events.iter().chain(&events) {
            recorder.record(event.clone()).await.unwrap();
        }
        recorder.flush().await.unwrap();
        assert_eq!(counts(test.db()).await, (1, 1, 1, 1));
        stored.push(trace(test.db(), id).await);
    }
    assert_eq!(stored[0], stored[1], "not even updated_at changes");
}

#[tokio::test]
async fn an_end_before_its_beginning_is_kept_and_marked() {
    let test = database().await;
    let recorder = recorder(&test);
    let start = NewTrace {
        started_at: Some(at("2025-10-01T10:00:05Z")),
        context: Some(json!({"domain": "testing"})),
        ..prompt()
    };
    let id = recorder.record_start(start).await.unwrap();
    let hook = NewHook {
        started_at: Some(at("2025-10-01T10:00:05Z")),
        completed_at: Some(at("2025-10-01T10:00:03Z")),
        duration_ms: None,
        ..quality_hook()
    };
    recorder.record_hook(id, hook).await.unwrap();
    let call = NewEndpointCall {
        started_at: Some(at("2025-10-01T10:00:05Z")),
        completed_at: Some(at("2025-10-01T10:00:04Z")),
        ..rag_call()
    };
    recorder.record_endpoint(id, call).await.unwrap();
    let completion = Completion {
        completed_at: Some(at("2025-10-01T10:00:01Z")),
        ..Completion::succeeded()
    };
    recorder.record_completion(id, completion).await.unwrap();
    recorder.flush().await.unwrap();
    let stored = trace(test.db(), id).await;
    assert_eq!(
        (stored.completed_at, stored.duration_ms),
        (Some(stored.started_at), Some(0))
    );
    assert_eq!(
        stored.context,
        Some(json!({"domain": "testing", "clock_skew_ms": 4000}))
    );
    let skewed = "SELECT (metadata ->> 'clock_skew_ms') || ' ' || duration_ms FROM hook_executions \
                  UNION ALL SELECT (context ->> 'clock_skew_ms') || ' ' || duration_ms FROM endpoint_calls";
    assert_eq!(texts(test.db(), skewed).await, ["2000 0", "1000 0"]);
}

#[tokio::test]
async fn a_child_takes_from_its_parent_in_the_same_batch_and_from_the_database() {
    let test = database().await;
    let recorder = recorder(&test);
    let start = |parent: CorrelationId| NewTrace {
        parent_id: Some(parent),
        ..prompt()
    };
    let owned = NewTrace {
        user_id: Some("alice".to_owned()),
        ..prompt()
    };
    let root = recorder.record_start(owned).await.unwrap();
    let child = recorder.record_start(start(root)).await.unwrap();
    let grandchild = recorder.record_start(start(child)).await.unwrap();
    recorder.flush().await.unwrap();
    let late = recorder.record_start(start(grandchild)).await.unwrap();
    recorder.flush().await.unwrap();
    let session = trace(test.db(), root).await.session_id;
    for id in [child, grandchild, late] {
        let stored = trace(test.db(), id).await;
        assert_eq!((stored.root_id, stored.session_id), (root, session));
        assert_eq!(stored.user_id.as_deref(), Some("alice"));
    }
}

#[tokio::test]
async fn a_child_of_an_unknown_parent_is_kept_with_the_root_of_its_context() {
    let test = database().await;
    let recorder = recorder(&test);
    let parent = TraceContext::root();
    let child = parent.child();
    recorder
        .record_start(child.to_start("user_prompt"))
        .await
        .unwrap();
    recorder.flush().await.unwrap();
    let stored = trace(test.db(), child.correlation_id).await;
    assert_eq!(
        (stored.root_id, stored.parent_id, stored.source.as_str()),
        (
            parent.root_id,
            Some(parent.correlation_id),
            "agent_delegation"
        )
    );
    // Without a root it waits for its parent.
    let waiting = NewTrace {
        parent_id: Some(parent.correlation_id),
        ..prompt()
    };
    let waiting = recorder.record_start(waiting).await.unwrap();
    tokio::time::sleep(Duration::from_millis(30)).await;
    traceability::start(test.db(), parent.to_start("user_prompt"))
        .await
        .unwrap();
    recorder.flush().await.unwrap();
    assert_eq!(trace(test.db(), waiting).await.root_id, parent.root_id);
}

#[tokio::test]
async fn bad_input_is_refused_when_it_is_recorded() {
    let test = database().await;
    let recorder = recorder(&test);
    let huge = NewEndpointCall {
        request_body: Some(Value::String("x".repeat(5 << 20))),
        ..rag_call()
    };
    let error = recorder
        .record_endpoint(CorrelationId::generate(), huge)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "body_too_large");
    let blank = NewTrace {
        source: String::new(),
        ..prompt()
    };
    let error = recorder.record_start(blank).await.unwrap_err();
    assert_eq!(error.code(), "invalid_field");
    assert_eq!(recorder.stats().queued, 0);
}

#[tokio::test]
async fn large_bodies_are_written_in_pieces() {
    let test = database().await;
    let recorder = recorder(&test);
    let id = recorder.record_start(prompt()).await.unwrap();
    for _ in 0..20 {
        let call = NewEndpointCall {
            request_body: Some(Value::String("x".repeat(1_000_000))),
            ..rag_call()
        };
        recorder.record_endpoint(id, call).await.unwrap();
    }
    recorder.flush().await.unwrap();
    assert_eq!(counts(test.db()).await, (1, 0, 0, 20));
}

#[tokio::test]
async fn hooks_of_several_recorders_at_once_get_exact_places() {
    let test = TestDatabase::with_pool(8).await;
    if test.is_embedded() {
        return;
    }
    let first = recorder(&test);
    let id = first.record_start(prompt()).await.unwrap();
    first.flush().await.unwrap();
    let recorders = [first, recorder(&test), recorder(&test), recorder(&test)];
    for _ in 0..25 {
        for recorder in &recorders {
            recorder.record_hook(id, quality_hook()).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for recorder in &recorders {
        recorder.flush().await.unwrap();
    }
    let exact = "SELECT count(DISTINCT execution_order) FROM hook_executions WHERE execution_order BETWEEN 1 AND 100";
    assert_eq!(number(test.db(), exact).await, 100);
}
