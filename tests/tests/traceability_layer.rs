//! The layer that services mount: real servers on the loopback that call each other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::StreamExt;
use pml_entity::traceability::{endpoint_calls, execution_traces};
use pml_entity::values::{CorrelationId, TraceStatus};
use pml_service::recorder::{Overflow, RecorderOptions};
use pml_service::traceability::{
    self, Completion, NewTrace, TraceContext, TraceLayer, TraceRecorder,
};
use pml_testkit::{TestDatabase, database};
use reqwest::Client;
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};

fn recorder(test: &TestDatabase) -> TraceRecorder {
    let options = RecorderOptions {
        interval: Duration::from_millis(5),
        overflow: Overflow::Drop,
        ..RecorderOptions::named("traces")
    };
    TraceRecorder::start(test.db().clone(), options)
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

fn client() -> Client {
    pml_api::client::http_client(None).unwrap()
}

async fn traces(test: &TestDatabase) -> Vec<execution_traces::Model> {
    execution_traces::Entity::find()
        .all(test.conn())
        .await
        .unwrap()
}

async fn calls(test: &TestDatabase) -> Vec<endpoint_calls::Model> {
    endpoint_calls::Entity::find()
        .order_by_asc(endpoint_calls::Column::StartedAt)
        .all(test.conn())
        .await
        .unwrap()
}

/// Waits until the recorder has taken so many rows and written them.
async fn written(recorder: &TraceRecorder, rows: u64) {
    for _ in 0..500 {
        recorder.flush().await.unwrap();
        if recorder.stats().written >= rows {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", recorder.stats());
}

fn header(answer: &reqwest::Response, name: &str) -> String {
    answer.headers()[name].to_str().unwrap().to_owned()
}

/// A handler that asks another service, and takes the ids along.
async fn ask(State(other): State<String>, Extension(context): Extension<TraceContext>) -> String {
    let mut headers = reqwest::header::HeaderMap::new();
    context.write_headers(&mut headers);
    let answer = client().get(other).headers(headers).send().await.unwrap();
    answer.text().await.unwrap()
}

#[tokio::test]
async fn one_correlation_id_tells_the_story_of_two_services() {
    let test = database().await;
    let (front, back) = (recorder(&test), recorder(&test));
    let layer = TraceLayer::new(back.clone(), "archon-intelligence");
    let other = serve(
        Router::new()
            .route("/quality", get(|| async { "fine" }))
            .layer(layer),
    )
    .await;
    let layer = TraceLayer::new(front.clone(), "archon-mcp");
    let router = Router::new()
        .route("/ask", post(ask))
        .layer(layer)
        .with_state(format!("{other}/quality?token=x"));
    let url = serve(router).await;
    let answer = client()
        .post(format!("{url}/ask?api_key=hush"))
        .header("authorization", "Bearer hush")
        .header("x-source", "user_prompt")
        .send()
        .await
        .unwrap();
    let id: CorrelationId = header(&answer, "x-correlation-id").parse().unwrap();
    assert_eq!(header(&answer, "x-root-id"), id.to_string());
    assert!(!answer.headers().contains_key("traceparent"));
    assert_eq!(answer.text().await.unwrap(), "fine");
    written(&front, 3).await;
    written(&back, 3).await;

    let traces = traces(&test).await;
    assert_eq!(traces.len(), 1);
    let trace = &traces[0];
    assert_eq!((trace.correlation_id, trace.root_id), (id, id));
    assert_eq!(
        (trace.source.as_str(), trace.status, trace.success),
        ("user_prompt", TraceStatus::Completed, Some(true))
    );
    assert_eq!(
        trace.context, None,
        "the real start took the place of the guess"
    );
    let calls = calls(&test).await;
    let told: Vec<_> = calls
        .iter()
        .map(|call| {
            (
                call.service_name.as_str(),
                call.endpoint_path.as_str(),
                call.http_method.as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("archon-mcp", "/ask", "POST"),
            ("archon-intelligence", "/quality", "GET")
        ]
    );
    for call in &calls {
        assert_eq!(call.trace_id, trace.id);
        assert_eq!((call.response_status, call.success), (Some(200), true));
        assert!(!format!("{call:?}").contains("hush"), "{call:?}");
        assert_eq!((&call.request_body, &call.response_body), (&None, &None));
    }
    assert_eq!(
        calls[0].headers.as_ref().unwrap()["authorization"],
        "[REDACTED]"
    );
    let execution =
        |call: &endpoint_calls::Model| call.context.as_ref().unwrap()["execution_id"].clone();
    assert_eq!(
        execution(&calls[0]),
        execution(&calls[1]),
        "the handler passed its own on"
    );
}

#[tokio::test]
async fn a_traceparent_comes_in_and_goes_out() {
    let test = database().await;
    let recorder = recorder(&test);
    let echo =
        |Extension(context): Extension<TraceContext>| async move { context.traceparent().unwrap() };
    let url = serve(
        Router::new()
            .route("/", get(echo))
            .layer(TraceLayer::new(recorder.clone(), "archon-mcp")),
    )
    .await;
    let answer = client()
        .get(&url)
        .header(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )
        .send()
        .await
        .unwrap();
    assert_eq!(
        header(&answer, "x-correlation-id"),
        "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"
    );
    let onward = answer.text().await.unwrap();
    assert!(
        onward.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"),
        "{onward}"
    );
    assert!(
        !onward.contains("00f067aa0ba902b7"),
        "a span of its own: {onward}"
    );
    written(&recorder, 3).await;
    let traces = traces(&test).await;
    assert_eq!((traces.len(), calls(&test).await.len()), (1, 1));
    assert_eq!(
        (traces[0].status, traces[0].success),
        (TraceStatus::Completed, Some(true))
    );
}

#[tokio::test]
async fn an_unknown_id_is_noted_and_its_real_start_takes_the_place() {
    let test = database().await;
    let recorder = recorder(&test);
    let fail = || async { StatusCode::BAD_GATEWAY };
    let url = serve(
        Router::new()
            .route("/", get(fail))
            .layer(TraceLayer::new(recorder.clone(), "archon-mcp")),
    )
    .await;
    let caller = TraceContext::root();
    let mut headers = reqwest::header::HeaderMap::new();
    caller.write_headers(&mut headers);
    client().get(&url).headers(headers).send().await.unwrap();
    written(&recorder, 3).await;
    let noted = &traces(&test).await[0];
    assert_eq!(
        (noted.correlation_id, noted.source.as_str()),
        (caller.correlation_id, "http")
    );
    assert_eq!(
        noted.context,
        Some(json!({"pml:inferred_by": "archon-mcp"}))
    );
    assert_eq!(
        (noted.status, noted.error_type.as_deref()),
        (TraceStatus::Failed, Some("http_error"))
    );

    let new = NewTrace {
        prompt_text: Some("write tests".to_owned()),
        ..caller.to_start("user_prompt")
    };
    let started = traceability::start(test.db(), new).await.unwrap();
    assert!(started.created);
    assert_eq!(
        (
            started.trace.id,
            started.trace.source.as_str(),
            started.trace.status,
            started.trace.context
        ),
        (noted.id, "user_prompt", TraceStatus::InProgress, None)
    );
    let done =
        traceability::complete(test.db(), caller.correlation_id, Completion::succeeded()).await;
    assert!(done.unwrap().changed);
    let calls = calls(&test).await;
    assert_eq!(
        (
            calls[0].success,
            calls[0].response_status,
            calls[0].error_type.as_deref()
        ),
        (false, Some(502), Some("http_error"))
    );
}

#[tokio::test]
async fn a_call_does_not_end_the_execution_of_its_caller() {
    let test = database().await;
    let recorder = recorder(&test);
    let url = serve(
        Router::new()
            .route("/", get(|| async { "fine" }))
            .layer(TraceLayer::new(recorder.clone(), "archon-mcp")),
    )
    .await;
    let caller = TraceContext::root();
    traceability::start(test.db(), caller.to_start("user_prompt"))
        .await
        .unwrap();
    let mut headers = reqwest::header::HeaderMap::new();
    caller.write_headers(&mut headers);
    client().get(&url).headers(headers).send().await.unwrap();
    written(&recorder, 3).await;
    let traces = traces(&test).await;
    assert_eq!(
        (traces.len(), traces[0].status),
        (1, TraceStatus::InProgress)
    );
    assert_eq!(calls(&test).await[0].trace_id, traces[0].id);
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_a_cancelled_execution() {
    let test = database().await;
    let recorder = recorder(&test);
    let slow = || async {
        tokio::time::sleep(Duration::from_mins(10)).await;
        "too late"
    };
    let endless = || async {
        let chunks = futures::stream::iter([Ok::<_, std::io::Error>("first")])
            .chain(futures::stream::pending());
        Body::from_stream(chunks)
    };
    let url = serve(
        Router::new()
            .route("/slow", get(slow))
            .route("/endless", get(endless))
            .layer(TraceLayer::new(recorder.clone(), "archon-mcp")),
    )
    .await;
    let asked = client()
        .get(format!("{url}/slow"))
        .timeout(Duration::from_millis(100));
    asked.send().await.unwrap_err();
    written(&recorder, 3).await;
    let mut answer = client().get(format!("{url}/endless")).send().await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "first");
    drop(answer);
    written(&recorder, 6).await;
    for trace in traces(&test).await {
        assert_eq!(
            (trace.status, trace.success, trace.error_type.as_deref()),
            (TraceStatus::Cancelled, Some(false), Some("client_closed"))
        );
    }
    let calls = calls(&test).await;
    let told: Vec<_> = calls
        .iter()
        .map(|call| {
            (
                call.response_status,
                call.success,
                call.error_type.as_deref(),
            )
        })
        .collect();
    let closed = Some("client_closed");
    assert_eq!(told, [(None, false, closed), (Some(200), false, closed)]);
}

#[tokio::test]
async fn a_handler_that_panics_is_recorded() {
    let test = database().await;
    let recorder = recorder(&test);
    let broken = || async {
        assert!(!std::hint::black_box(true), "a broken handler");
    };
    let url = serve(
        Router::new()
            .route("/", get(broken))
            .layer(TraceLayer::new(recorder.clone(), "archon-mcp")),
    )
    .await;
    client().get(&url).send().await.unwrap_err();
    written(&recorder, 3).await;
    assert_eq!(calls(&test).await[0].error_type.as_deref(), Some("panic"));
    assert_eq!(traces(&test).await[0].status, TraceStatus::Failed);
}

#[tokio::test]
async fn bodies_are_kept_when_asked_for_without_secrets_and_up_to_a_size() {
    let test = database().await;
    let recorder = recorder(&test);
    let echo = |Json(body): Json<Value>| async move { Json(body) };
    let layer = TraceLayer::new(recorder.clone(), "archon-mcp").capture_bodies(1_000);
    let url = serve(Router::new().route("/", post(echo)).layer(layer)).await;
    let small = json!({"list": [[{"password": "hush"}]], "n": 1});
    let large = json!({"text": "x".repeat(2_000)});
    for body in [&small, &large] {
        let answer = client().post(&url).json(body).send().await.unwrap();
        assert_eq!(
            &answer.json::<Value>().await.unwrap(),
            body,
            "what passes is not changed"
        );
    }
    written(&recorder, 6).await;
    let calls = calls(&test).await;
    let kept = Some(json!({"list": [[{"password": "[REDACTED]"}]], "n": 1}));
    assert_eq!(
        (&calls[0].request_body, &calls[0].response_body),
        (&kept, &kept)
    );
    assert_eq!(
        (&calls[1].request_body, &calls[1].response_body),
        (&None, &None)
    );
}

#[tokio::test]
async fn paths_are_ignored_or_written_as_their_pattern() {
    let test = database().await;
    let recorder = recorder(&test);
    let layer = TraceLayer::new(recorder.clone(), "archon-mcp")
        .ignore(["/healthz"])
        .source("hook_trigger")
        .path_by(|extensions, uri| {
            let matched = extensions.get::<axum::extract::MatchedPath>();
            matched.map_or_else(|| uri.path().to_owned(), |path| path.as_str().to_owned())
        });
    let router = Router::new()
        .route("/healthz", get(|| async { "up" }))
        .route("/users/{id}", get(|| async {}))
        .layer(layer);
    let url = serve(router).await;
    let answer = client().get(format!("{url}/healthz")).send().await.unwrap();
    assert!(!answer.headers().contains_key("x-correlation-id"));
    client()
        .get(format!("{url}/users/42"))
        .send()
        .await
        .unwrap();
    written(&recorder, 3).await;
    assert_eq!(calls(&test).await[0].endpoint_path, "/users/{id}");
    assert_eq!(traces(&test).await[0].source, "hook_trigger");
}

#[tokio::test]
async fn requests_go_on_while_the_database_is_away() {
    let test = database().await;
    let options = RecorderOptions {
        capacity: 10,
        overflow: Overflow::Drop,
        attempts: 1,
        drain: Duration::from_millis(100),
        ..RecorderOptions::named("traces")
    };
    let recorder = TraceRecorder::start(test.db().clone(), options);
    let layer = TraceLayer::new(recorder.clone(), "archon-mcp");
    let url = serve(
        Router::new()
            .route("/", get(|| async { "fine" }))
            .layer(layer),
    )
    .await;
    test.conn().get_postgres_connection_pool().close().await;
    for _ in 0..20 {
        let answer = client().get(&url).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.text().await.unwrap(), "fine");
    }
    let stats = recorder.stats();
    assert!(stats.dropped >= 20 && stats.written == 0, "{stats:?}");
}
