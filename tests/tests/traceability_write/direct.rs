//! What the writes store, and in how many statements.

use pml_entity::values::{
    CorrelationId, EndpointCallId, HookExecutionId, HookStatus, RoutingAlternative,
    RoutingAlternatives, RoutingDecisionId, SessionId, TraceStatus, TraceabilityEmbedding,
};
use pml_service::traceability::{
    self, Completion, NewEndpointCall, NewHook, NewRouting, NewTrace, TraceContext,
    TraceabilityError,
};
use pml_service::{Db, Error};
use pml_testkit::database;
use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};
use serde_json::json;

use super::{at, counts, number, prompt, quality_hook, rag_call, routing, started, trace};

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().code()
}

/// Example 3.
#[tokio::test]
async fn a_completion_sets_status_success_and_the_whole_milliseconds() {
    let test = database().await;
    let new = NewTrace {
        started_at: Some(at("2025-10-01T10:00:00Z")),
        ..prompt()
    };
    let started = traceability::start(test.db(), new).await.unwrap();
    assert_eq!(
        (started.trace.status, started.trace.success, started.created),
        (TraceStatus::InProgress, None, true)
    );
    let completion = Completion {
        completed_at: Some(at("2025-10-01T10:00:01.250Z")),
        ..Completion::succeeded()
    };
    let done = traceability::complete(test.db(), started.trace.correlation_id, completion)
        .await
        .unwrap();
    assert!(done.changed);
    assert_eq!(
        (
            done.trace.status,
            done.trace.success,
            done.trace.duration_ms
        ),
        (TraceStatus::Completed, Some(true), Some(1250))
    );
}

/// Example 5.
#[tokio::test]
async fn the_documented_smoke_insert_is_accepted_and_counts_as_not_completed() {
    let test = database().await;
    let sql = "INSERT INTO execution_traces (correlation_id, root_id, session_id, source, status) \
               VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'local_test', 'completed')";
    test.conn().execute_unprepared(sql).await.unwrap();
    let summary = "SELECT total_traces::bigint, completed_traces::bigint, overall_success_rate::bigint FROM dashboard_summary";
    let row = test
        .conn()
        .query_one_raw(Statement::from_string(DbBackend::Postgres, summary))
        .await
        .unwrap()
        .unwrap();
    let column = |index| row.try_get_by_index::<i64>(index).unwrap();
    assert_eq!((column(0), column(1), column(2)), (1, 0, 0));
}

/// Example 7.
#[tokio::test]
async fn a_child_takes_root_and_session_from_its_parent() {
    let test = database().await;
    let root = traceability::start(
        test.db(),
        NewTrace {
            user_id: Some("alice".to_owned()),
            ..prompt()
        },
    )
    .await
    .unwrap()
    .trace;
    assert_eq!((root.root_id, root.parent_id), (root.correlation_id, None));
    let child = NewTrace {
        parent_id: Some(root.correlation_id),
        ..prompt()
    };
    let child = traceability::start(test.db(), child).await.unwrap().trace;
    assert_eq!(
        (child.root_id, child.parent_id, child.session_id),
        (
            root.correlation_id,
            Some(root.correlation_id),
            root.session_id
        )
    );
    assert_eq!(
        child.user_id.as_deref(),
        Some("alice"),
        "no more people see it than its parent"
    );
    assert_ne!(child.correlation_id, root.correlation_id);
    let session = SessionId::generate();
    let grandchild = NewTrace {
        parent_id: Some(child.correlation_id),
        session_id: Some(session),
        ..prompt()
    };
    let grandchild = traceability::start(test.db(), grandchild)
        .await
        .unwrap()
        .trace;
    assert_eq!(
        (
            grandchild.root_id,
            grandchild.parent_id,
            grandchild.session_id
        ),
        (root.correlation_id, Some(child.correlation_id), session)
    );
}

#[tokio::test]
async fn a_start_that_names_itself_as_its_parent_is_a_root() {
    let test = database().await;
    let id = CorrelationId::generate();
    let new = NewTrace {
        correlation_id: Some(id),
        parent_id: Some(id),
        ..prompt()
    };
    let root = traceability::start(test.db(), new).await.unwrap().trace;
    assert_eq!((root.parent_id, root.root_id), (None, id));
}

/// Example 11.
#[tokio::test]
async fn updated_at_is_the_time_of_the_transaction_whatever_a_client_writes() {
    let test = database().await;
    started(test.db()).await;
    let tx = test.conn().begin().await.unwrap();
    tx.execute_unprepared("UPDATE execution_traces SET updated_at = '2000-01-01'")
        .await
        .unwrap();
    let equal = "SELECT count(*) FROM execution_traces WHERE updated_at = now()";
    assert_eq!(number(&tx, equal).await, 1);
    tx.execute_unprepared("SELECT pg_sleep(0.01); UPDATE execution_traces SET tags = '{a}'")
        .await
        .unwrap();
    assert_eq!(
        number(&tx, equal).await,
        1,
        "two updates in one transaction give equal values"
    );
    tx.commit().await.unwrap();
}

#[tokio::test]
#[allow(clippy::too_many_lines)]
async fn every_field_is_stored_as_it_was_given() {
    let test = database().await;
    let context = TraceContext::root();
    let new = NewTrace {
        user_id: Some("alice".to_owned()),
        context: Some(json!({"domain": "testing", "n": 1.5})),
        tags: Some(vec!["a".to_owned(), "b,\"c\"".to_owned()]),
        ..context.to_start("user_prompt")
    };
    let stored = traceability::start(test.db(), new.clone())
        .await
        .unwrap()
        .trace;
    assert_eq!((stored.context, stored.tags), (new.context, new.tags));
    assert_eq!(stored.session_id, context.session_id);

    let mut components = vec![0.0_f32; 1536];
    components[3] = 0.123_456_79;
    let embedding = TraceabilityEmbedding::new(components).unwrap();
    let alternative = RoutingAlternative {
        agent: "agent-docs".to_owned(),
        confidence: 0.4,
        ..RoutingAlternative::default()
    };
    let new = NewRouting {
        query_text: Some("write tests".to_owned()),
        query_embedding: Some(embedding.clone()),
        confidence_trigger: Some(0.123_456),
        alternatives: Some(RoutingAlternatives(vec![alternative])),
        cache_hit: true,
        decision_duration_ms: Some(7.8),
        ..routing()
    };
    let stored = traceability::route(test.db(), context.correlation_id, new.clone())
        .await
        .unwrap();
    assert_eq!(stored.confidence_trigger.unwrap().to_string(), "0.1235");
    assert_eq!(stored.query_embedding.as_ref(), Some(&embedding));
    assert_eq!(
        (stored.alternatives, stored.decision_duration_ms),
        (new.alternatives, Some(7))
    );
    let exact = "SELECT count(*) FROM agent_routing_decisions WHERE (query_embedding::real[])[4] = 0.12345679::real";
    assert_eq!(number(test.conn(), exact).await, 1);

    let new = NewHook {
        input_data: Some(json!({"path": "a.rs", "list": [[{"api_key": "k"}]]})),
        metadata: Some(json!("text")),
        intelligence_functions_executed: Some(vec!["IC-001".to_owned()]),
        rag_query_performed: true,
        ..quality_hook()
    };
    let hook = traceability::hook(test.db(), context.correlation_id, new)
        .await
        .unwrap();
    assert_eq!(
        (
            hook.hook_type.as_str(),
            hook.status,
            hook.execution_order,
            hook.duration_ms
        ),
        ("PreToolUse", HookStatus::Completed, 1, Some(12))
    );
    assert_eq!(
        hook.input_data,
        Some(json!({"path": "a.rs", "list": [[{"api_key": "[REDACTED]"}]]}))
    );
    assert_eq!(hook.metadata, Some(json!("text")));
    assert!(hook.completed_at.unwrap() > hook.started_at);

    let new = NewEndpointCall {
        hook_execution_id: Some(hook.id),
        request_body: Some(json!([{"password": "x"}])),
        quality_score: Some(0.5),
        ..rag_call()
    };
    let call = traceability::endpoint(test.db(), context.correlation_id, new)
        .await
        .unwrap();
    assert_eq!((call.http_method.as_str(), call.success), ("POST", true));
    assert_eq!(call.request_body, Some(json!([{"password": "[REDACTED]"}])));
    assert_eq!(call.hook_execution_id, Some(hook.id));
    assert_eq!(call.trace_id, hook.trace_id);
}

#[tokio::test]
async fn a_call_fails_by_its_status_or_its_error() {
    let test = database().await;
    let id = started(test.db()).await;
    for (status, error_type, success) in [
        (Some(200), None, true),
        (Some(399), None, true),
        (Some(400), None, false),
        (Some(200), Some("client_closed"), false),
        (None, None, false),
    ] {
        let new = NewEndpointCall {
            response_status: status,
            error_type: error_type.map(str::to_owned),
            ..rag_call()
        };
        let call = traceability::endpoint(test.db(), id, new).await.unwrap();
        assert_eq!(call.success, success, "{status:?} {error_type:?}");
    }
}

/// How many statements it takes.
async fn counted<T>(db: &Db, work: impl Future<Output = T>) -> u64 {
    let before = db.statements().snapshot();
    work.await;
    db.statements().since(&before).statements
}

#[tokio::test]
async fn each_write_takes_few_statements() {
    let test = database().await;
    let db = test.db();
    let id = started(db).await;
    assert_eq!(counted(db, traceability::start(db, prompt())).await, 1);
    assert_eq!(counted(db, traceability::route(db, id, routing())).await, 1);
    assert_eq!(
        counted(db, traceability::hook(db, id, quality_hook())).await,
        2
    );
    assert_eq!(
        counted(db, traceability::endpoint(db, id, rag_call())).await,
        1
    );
    assert_eq!(
        counted(db, traceability::complete(db, id, Completion::succeeded())).await,
        1
    );
    assert_eq!(
        counted(db, traceability::complete(db, id, Completion::succeeded())).await,
        2
    );
    assert_eq!(counts(db).await, (2, 1, 1, 1));
}

#[tokio::test]
async fn the_writes_work_inside_a_transaction_of_the_caller() {
    let test = database().await;
    let tx = test.db().begin().await.unwrap();
    let id = traceability::start(&tx, prompt())
        .await
        .unwrap()
        .trace
        .correlation_id;
    traceability::route(&tx, id, routing()).await.unwrap();
    traceability::hook(&tx, id, quality_hook()).await.unwrap();
    traceability::endpoint(&tx, id, rag_call()).await.unwrap();
    traceability::complete(&tx, id, Completion::succeeded())
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(counts(test.db()).await, (0, 0, 0, 0));
}

#[tokio::test]
async fn a_retry_by_id_writes_nothing_and_answers_what_is_stored() {
    let test = database().await;
    let db = test.db();
    let id = CorrelationId::generate();
    let new = NewTrace {
        correlation_id: Some(id),
        context: Some(json!({"secret": "x", "number": 1.0})),
        ..prompt()
    };
    let first = traceability::start(db, new.clone()).await.unwrap();
    let again = traceability::start(db, new).await.unwrap();
    assert_eq!((again.created, again.trace), (false, first.trace));

    let mut components = vec![0.1_f32; 1536];
    components[0] = 0.3;
    let new = NewRouting {
        id: Some(RoutingDecisionId::generate()),
        query_embedding: Some(TraceabilityEmbedding::new(components).unwrap()),
        ..routing()
    };
    let first = traceability::route(db, id, new.clone()).await.unwrap();
    assert_eq!(traceability::route(db, id, new).await.unwrap(), first);

    let new = NewHook {
        id: Some(HookExecutionId::generate()),
        output_data: Some(json!({"a": [1, 2.50, 1e3]})),
        ..quality_hook()
    };
    let first = traceability::hook(db, id, new.clone()).await.unwrap();
    assert_eq!(traceability::hook(db, id, new).await.unwrap(), first);

    let new = NewEndpointCall {
        id: Some(EndpointCallId::generate()),
        headers: Some(json!({"accept": "*/*"})),
        ..rag_call()
    };
    let first = traceability::endpoint(db, id, new.clone()).await.unwrap();
    assert_eq!(traceability::endpoint(db, id, new).await.unwrap(), first);

    traceability::complete(db, id, Completion::succeeded())
        .await
        .unwrap();
    let again = traceability::complete(db, id, Completion::succeeded())
        .await
        .unwrap();
    assert!(!again.changed);
    assert_eq!(counts(db).await, (1, 1, 1, 1));
}

#[tokio::test]
async fn an_id_is_not_used_for_something_else() {
    let test = database().await;
    let db = test.db();
    let (id, other) = (started(db).await, started(db).await);
    let taken = NewTrace {
        correlation_id: Some(id),
        prompt_text: Some("another prompt".to_owned()),
        ..prompt()
    };
    assert_eq!(
        code(traceability::start(db, taken).await),
        "correlation_taken"
    );

    let new = NewRouting {
        id: Some(RoutingDecisionId::generate()),
        ..routing()
    };
    traceability::route(db, id, new.clone()).await.unwrap();
    assert_eq!(
        code(traceability::route(db, other, new.clone()).await),
        "id_taken"
    );
    let changed = NewRouting {
        cache_hit: true,
        ..new
    };
    assert_eq!(code(traceability::route(db, id, changed).await), "id_taken");

    let new = NewHook {
        id: Some(HookExecutionId::generate()),
        ..quality_hook()
    };
    traceability::hook(db, id, new.clone()).await.unwrap();
    assert_eq!(code(traceability::hook(db, other, new).await), "id_taken");

    let new = NewEndpointCall {
        id: Some(EndpointCallId::generate()),
        ..rag_call()
    };
    traceability::endpoint(db, id, new.clone()).await.unwrap();
    assert_eq!(
        code(traceability::endpoint(db, other, new.clone()).await),
        "id_taken"
    );
    let changed = NewEndpointCall {
        request_body: Some(json!({"a": 1})),
        ..new
    };
    assert_eq!(
        code(traceability::endpoint(db, id, changed).await),
        "id_taken"
    );
    assert_eq!(counts(db).await, (2, 1, 1, 1));
}

#[tokio::test]
async fn a_completed_execution_keeps_its_outcome_and_still_takes_late_calls() {
    let test = database().await;
    let db = test.db();
    let id = started(db).await;
    traceability::complete(db, id, Completion::failed("timeout", "too slow"))
        .await
        .unwrap();
    assert_eq!(
        code(traceability::complete(db, id, Completion::succeeded()).await),
        "already_completed"
    );
    assert_eq!(
        code(traceability::complete(db, id, Completion::failed("timeout", "another text")).await),
        "already_completed"
    );
    traceability::endpoint(db, id, rag_call()).await.unwrap();
    let stored = trace(db, id).await;
    assert_eq!(
        (stored.status, stored.success, stored.error_type.as_deref()),
        (TraceStatus::Failed, Some(false), Some("timeout"))
    );
    let cancelled = started(db).await;
    let done = traceability::complete(db, cancelled, Completion::cancelled())
        .await
        .unwrap();
    assert_eq!(
        (done.trace.status, done.trace.success),
        (TraceStatus::Cancelled, Some(false))
    );
    let error =
        traceability::complete(db, CorrelationId::generate(), Completion::succeeded()).await;
    assert!(matches!(
        error,
        Err(Error::Traceability(error)) if matches!(*error, TraceabilityError::UnknownCorrelation(_))
    ));
}
