//! Writing executions down: what a recorded call costs its caller, what a direct one takes beside plain sqlx, and how much goes through.
//!
//! `TEST_DATABASE_URL=… cargo bench -p pml-testkit --bench trace_write`. The table holds `TRACE_BENCH_ROWS` executions before it begins
//! (1,000,000). Targets: 50 µs for a recorded call, 5 ms for a direct one.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use pml_entity::values::CorrelationId;
use pml_service::Db;
use pml_service::recorder::RecorderOptions;
use pml_service::traceability::{
    self, Completion, NewEndpointCall, NewHook, NewRouting, NewTrace, TraceRecorder,
};
use pml_testkit::TestDatabase;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

/// Rows of one preloading statement.
const CHUNK: usize = 50_000;
/// Recorded calls of each kind.
const RECORDED: usize = 20_000;
/// Direct calls of each kind.
const DIRECT: usize = 1_000;

/// A body of about one kilobyte, as tool calls have.
fn body() -> Value {
    json!({"tool": "Write", "path": "src/main.rs", "content": "x".repeat(900), "nested": [[{"token": "x"}]]})
}

fn prompt() -> NewTrace {
    NewTrace {
        source: "user_prompt".to_owned(),
        prompt_text: Some("write the tests of the parser".to_owned()),
        context: Some(json!({"domain": "testing"})),
        tags: Some(vec!["bench".to_owned()]),
        ..NewTrace::default()
    }
}

fn routing() -> NewRouting {
    NewRouting {
        query_text: Some("write the tests of the parser".to_owned()),
        agent_selected: "agent-testing".to_owned(),
        confidence_score: 0.87,
        routing_strategy: "fuzzy_match".to_owned(),
        ..NewRouting::default()
    }
}

fn hook() -> NewHook {
    NewHook {
        hook_name: "pre-tool-use-quality".to_owned(),
        tool_name: Some("Write".to_owned()),
        input_data: Some(body()),
        duration_ms: Some(12.0),
        ..NewHook::default()
    }
}

fn call() -> NewEndpointCall {
    NewEndpointCall {
        service_name: "archon-mcp".to_owned(),
        endpoint_path: "/api/rag/query".to_owned(),
        http_method: "POST".to_owned(),
        request_body: Some(body()),
        response_status: Some(200),
        duration_ms: Some(40.0),
        ..NewEndpointCall::default()
    }
}

async fn preload(pool: &PgPool, rows: usize) {
    let sql = "INSERT INTO execution_traces (correlation_id, root_id, session_id, source, prompt_text, started_at, completed_at, duration_ms, status, success, context, tags) \
               SELECT id, id, gen_random_uuid(), 'user_prompt', 'prompt ' || n, at, at + interval '1 second', 1000, 'completed', true, '{\"domain\": \"testing\"}', '{bench}' \
               FROM (SELECT gen_random_uuid() AS id, n, now() - n * interval '2 seconds' AS at FROM generate_series($1::bigint, $2::bigint) AS n) AS new";
    let mut done = 0;
    while done < rows {
        let end = rows.min(done + CHUNK);
        sqlx::query(sql)
            .bind(i64::try_from(done).unwrap() + 1)
            .bind(i64::try_from(end).unwrap())
            .execute(pool)
            .await
            .unwrap();
        done = end;
    }
    sqlx::query("ANALYZE execution_traces")
        .execute(pool)
        .await
        .unwrap();
}

fn report(name: &str, mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    let mean = times.iter().sum::<Duration>() / u32::try_from(times.len()).unwrap();
    println!(
        "{name:<34} mean {mean:>10.2?}  median {:>10.2?}  p99 {:>10.2?}  most {:>10.2?}",
        at(50),
        at(99),
        at(100)
    );
    at(50)
}

/// Times the calls one after another; what they are given is made outside the measured time.
async fn timed<I, T, F: Future<Output = T>>(
    inputs: Vec<I>,
    mut work: impl FnMut(I) -> F,
) -> Vec<Duration> {
    let mut times = Vec::with_capacity(inputs.len());
    for input in inputs {
        let started = Instant::now();
        work(input).await;
        times.push(started.elapsed());
    }
    times
}

fn many<T>(count: usize, make: impl Fn() -> T) -> Vec<T> {
    (0..count).map(|_| make()).collect()
}

async fn recorded(db: &Db) {
    println!("\nrecorded calls ({RECORDED} each; a body has 1 kB)");
    let options = RecorderOptions {
        capacity: 10 * RECORDED,
        ..RecorderOptions::named("traces")
    };
    let recorder = TraceRecorder::start(db.clone(), options);
    let ids: Vec<CorrelationId> = many(RECORDED, CorrelationId::generate);
    let starts = ids
        .iter()
        .map(|id| NewTrace {
            correlation_id: Some(*id),
            ..prompt()
        })
        .collect();
    let began = Instant::now();
    report(
        "record_start",
        timed(starts, |new| async {
            recorder.record_start(new).await.unwrap()
        })
        .await,
    );
    let with = |ids: &[CorrelationId]| ids.to_vec();
    let pairs: Vec<_> = with(&ids).into_iter().map(|id| (id, routing())).collect();
    report(
        "record_routing",
        timed(pairs, |(id, new)| {
            let recorder = &recorder;
            async move { recorder.record_routing(id, new).await.unwrap() }
        })
        .await,
    );
    let pairs: Vec<_> = with(&ids).into_iter().map(|id| (id, hook())).collect();
    report(
        "record_hook",
        timed(pairs, |(id, new)| {
            let recorder = &recorder;
            async move { recorder.record_hook(id, new).await.unwrap() }
        })
        .await,
    );
    let pairs: Vec<_> = with(&ids).into_iter().map(|id| (id, call())).collect();
    report(
        "record_endpoint",
        timed(pairs, |(id, new)| {
            let recorder = &recorder;
            async move { recorder.record_endpoint(id, new).await.unwrap() }
        })
        .await,
    );
    let pairs: Vec<_> = with(&ids)
        .into_iter()
        .map(|id| (id, Completion::succeeded()))
        .collect();
    report(
        "record_completion",
        timed(pairs, |(id, new)| {
            let recorder = &recorder;
            async move { recorder.record_completion(id, new).await.unwrap() }
        })
        .await,
    );
    recorder.flush().await.unwrap();
    let totals = recorder.shutdown().await.unwrap();
    assert_eq!((totals.dropped, totals.poisoned), (0, 0));
    #[allow(clippy::cast_precision_loss)]
    let rate = totals.written as f64 / began.elapsed().as_secs_f64();
    println!(
        "{} rows written, {rate:.0} rows a second, making and recording them included",
        totals.written
    );
}

async fn direct(db: &Db, pool: &PgPool) {
    println!("\ndirect calls ({DIRECT} each), and the same insert through plain sqlx");
    let mut ids = Vec::new();
    let mut times = Vec::new();
    for new in many(DIRECT, prompt) {
        let started = Instant::now();
        ids.push(
            traceability::start(db, new)
                .await
                .unwrap()
                .trace
                .correlation_id,
        );
        times.push(started.elapsed());
    }
    let ours = report("start", times);
    let theirs = report(
        "start, sqlx",
        timed(many(DIRECT, Uuid::now_v7), |id| plain_start(pool, id)).await,
    );
    ratio(ours, theirs);
    let pairs = |ids: &[CorrelationId]| ids.to_vec();
    report(
        "route",
        timed(pairs(&ids), |id| async move {
            traceability::route(db, id, routing()).await.unwrap()
        })
        .await,
    );
    report(
        "hook",
        timed(pairs(&ids), |id| async move {
            traceability::hook(db, id, hook()).await.unwrap()
        })
        .await,
    );
    let ours = report(
        "endpoint",
        timed(pairs(&ids), |id| async move {
            traceability::endpoint(db, id, call()).await.unwrap()
        })
        .await,
    );
    let theirs = report(
        "endpoint, sqlx",
        timed(pairs(&ids), |id| plain_endpoint(pool, id)).await,
    );
    ratio(ours, theirs);
    report(
        "complete",
        timed(pairs(&ids), |id| async move {
            traceability::complete(db, id, Completion::succeeded())
                .await
                .unwrap()
        })
        .await,
    );
}

fn ratio(ours: Duration, theirs: Duration) {
    println!(
        "  ratio of the medians {:.2}",
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
}

async fn plain_start(pool: &PgPool, id: Uuid) {
    sqlx::query("INSERT INTO execution_traces (correlation_id, root_id, session_id, source, prompt_text, context, tags) VALUES ($1, $1, $2, $3, $4, $5, $6) RETURNING *")
        .bind(id)
        .bind(Uuid::now_v7())
        .bind("user_prompt")
        .bind("write the tests of the parser")
        .bind(json!({"domain": "testing"}))
        .bind(vec!["bench".to_owned()])
        .fetch_one(pool)
        .await
        .unwrap();
}

async fn plain_endpoint(pool: &PgPool, correlation: CorrelationId) {
    sqlx::query("INSERT INTO endpoint_calls (trace_id, service_name, endpoint_path, http_method, request_body, response_status, duration_ms, success) \
                 SELECT id, $2, $3, $4, $5, $6, $7, true FROM execution_traces WHERE correlation_id = $1 RETURNING *")
        .bind(correlation.as_uuid())
        .bind("archon-mcp")
        .bind("/api/rag/query")
        .bind("POST")
        .bind(body())
        .bind(200)
        .bind(40)
        .fetch_one(pool)
        .await
        .unwrap();
}

/// Calls through the recorder, and through the plainest fast statement.
async fn bulk(db: &Db, pool: &PgPool) {
    println!("\n{RECORDED} calls in batches of 500");
    let id = traceability::start(db, prompt())
        .await
        .unwrap()
        .trace
        .correlation_id;
    let options = RecorderOptions {
        capacity: 2 * RECORDED,
        ..RecorderOptions::named("traces")
    };
    let recorder = TraceRecorder::start(db.clone(), options);
    let calls = many(RECORDED, call);
    let started = Instant::now();
    for new in calls {
        recorder.record_endpoint(id, new).await.unwrap();
    }
    recorder.flush().await.unwrap();
    let ours = started.elapsed();
    let bodies: Vec<Vec<String>> = many(RECORDED / 500, || many(500, || body().to_string()));
    let started = Instant::now();
    for bodies in bodies {
        let ids = many(bodies.len(), Uuid::now_v7);
        sqlx::query("INSERT INTO endpoint_calls (id, trace_id, service_name, endpoint_path, http_method, request_body, response_status, duration_ms, success) \
                     SELECT new.id, e.id, 'archon-mcp', '/api/rag/query', 'POST', new.body::jsonb, 200, 40, true \
                     FROM unnest($2::uuid[], $3::text[]) AS new (id, body), execution_traces e WHERE e.correlation_id = $1 ON CONFLICT (id) DO NOTHING")
            .bind(id.as_uuid())
            .bind(ids)
            .bind(bodies)
            .execute(pool)
            .await
            .unwrap();
    }
    let theirs = started.elapsed();
    println!("recorder {ours:?}, sqlx UNNEST {theirs:?}");
    ratio(ours, theirs);
}

fn main() {
    if pml_testkit::real_server().is_none() {
        eprintln!(
            "skipped: set {} to a real PostgreSQL (scripts/postgres start)",
            pml_testkit::REAL_SERVER_ENV
        );
        return;
    }
    let rows = std::env::var("TRACE_BENCH_ROWS").ok();
    let rows = rows.map_or(1_000_000, |rows| {
        rows.parse().expect("TRACE_BENCH_ROWS is a number")
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let database = TestDatabase::with_pool(4).await;
        let db = database.db();
        let pool = db.get_postgres_connection_pool();
        let started = Instant::now();
        preload(pool, rows).await;
        println!("{rows} executions loaded in {:?}", started.elapsed());
        direct(db, pool).await;
        recorded(db).await;
        bulk(db, pool).await;
    });
}
