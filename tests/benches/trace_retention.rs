//! Archiving old traces while somebody writes new ones all the time.
//!
//! `TEST_DATABASE_URL=… TRACES=200000 cargo bench -p pml-testkit --bench trace_retention`. `TRACES` (default 1,000,000) old ones are made; a tenth of them have a decision,
//! a hook and a call. `BATCH` overrides the batch size of the policy. Wanted: no insert of the writer takes 100 ms.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pml_service::retention::{self, RunOptions};
use pml_service::settings::RetentionSettings;
use pml_testkit::TestDatabase;
use sqlx::PgPool;
use uuid::Uuid;

const INSERT: &str = "INSERT INTO execution_traces (correlation_id, root_id, session_id, source) VALUES ($1, $1, $1, 'user_prompt')";

fn number(variable: &str) -> Option<u32> {
    std::env::var(variable).ok()?.parse().ok()
}

fn percentile(sorted: &[Duration], share: f64) -> Duration {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )]
    let at = ((sorted.len() - 1) as f64 * share) as usize;
    sorted[at]
}

fn print_writer(when: &str, mut times: Vec<Duration>) {
    if times.is_empty() {
        return;
    }
    times.sort_unstable();
    let [p50, p99, p999, max] = [0.5, 0.99, 0.999, 1.0].map(|share| percentile(&times, share));
    println!(
        "writer {when}: {} inserts, p50 {p50:?}, p99 {p99:?}, p99.9 {p999:?}, max {max:?}",
        times.len()
    );
}

async fn load(pool: &PgPool, traces: u32) {
    let mut connection = pool.acquire().await.unwrap();
    sqlx::query("SET statement_timeout = 0")
        .execute(&mut *connection)
        .await
        .unwrap();
    for from in (0..traces).step_by(50_000) {
        let rows = (traces - from).min(50_000);
        sqlx::query(
            "WITH new AS (
                 INSERT INTO execution_traces (correlation_id, root_id, session_id, user_id, source, prompt_text, started_at, completed_at, duration_ms, status, success)
                 SELECT id, id, id, 'user ' || n % 1000, 'user_prompt', 'Fix the failing test number ' || n, at, at + interval '2 s', 2000, 'completed', true
                 FROM (SELECT gen_random_uuid() AS id, n, now() - interval '91 days' - make_interval(secs => n) AS at FROM generate_series($1::int, $1 + $2 - 1) n) AS fresh
                 RETURNING id, started_at),
             tenth AS (SELECT * FROM new WHERE extract(epoch FROM started_at)::bigint % 10 = 0),
             decisions AS (
                 INSERT INTO agent_routing_decisions (trace_id, query_text, agent_selected, confidence_score, routing_strategy, created_at)
                 SELECT id, 'request', 'agent-testing', 0.9, 'fuzzy_match', started_at FROM tenth),
             hooks AS (
                 INSERT INTO hook_executions (id, trace_id, hook_type, hook_name, execution_order, started_at, status, input_data)
                 SELECT gen_random_uuid(), id, 'PreToolUse', 'quality-enforcer', 1, started_at, 'completed', '{\"tool\": \"Write\"}' FROM tenth RETURNING id, trace_id, started_at)
             INSERT INTO endpoint_calls (trace_id, hook_execution_id, service_name, endpoint_path, http_method, success, started_at, request_body)
             SELECT trace_id, id, 'archon-intelligence', '/api/rag/query', 'POST', true, started_at, '{\"query\": \"tests\"}' FROM hooks",
        )
        .bind(i32::try_from(from).unwrap())
        .bind(i32::try_from(rows).unwrap())
        .execute(&mut *connection)
        .await
        .unwrap();
    }
    sqlx::query("ANALYZE execution_traces")
        .execute(&mut *connection)
        .await
        .unwrap();
}

/// Writes traces until it is told to end, and says how long each took.
async fn write(pool: PgPool, ended: Arc<AtomicBool>) -> Vec<Duration> {
    let mut times = Vec::new();
    while !ended.load(Ordering::Relaxed) {
        let started = Instant::now();
        sqlx::query(INSERT)
            .bind(Uuid::now_v7())
            .execute(&pool)
            .await
            .unwrap();
        times.push(started.elapsed());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    times
}

#[tokio::main]
async fn main() {
    // `cargo test` builds and starts benchmarks too; only `cargo bench` says so.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let database = TestDatabase::with_pool(6).await;
    if database.is_embedded() {
        println!("trace_retention: needs a real server, set TEST_DATABASE_URL");
        return;
    }
    let db = database.db();
    let pool = db.get_postgres_connection_pool();
    let traces = number("TRACES").unwrap_or(1_000_000);
    let started = Instant::now();
    load(pool, traces).await;
    println!("{traces} old traces made in {:?}", started.elapsed());

    let ended = Arc::new(AtomicBool::new(false));
    let alone = tokio::spawn(write(pool.clone(), Arc::clone(&ended)));
    tokio::time::sleep(Duration::from_secs(3)).await;
    ended.store(true, Ordering::Relaxed);
    print_writer("alone", alone.await.unwrap());

    let ended = Arc::new(AtomicBool::new(false));
    let beside = tokio::spawn(write(pool.clone(), Arc::clone(&ended)));
    let longest = Arc::new(AtomicU64::new(0));
    let (seen, last) = (Arc::clone(&longest), std::sync::Mutex::new(Instant::now()));
    let options = RunOptions {
        batch: number("BATCH"),
        on_progress: Some(Arc::new(move |_| {
            let mut last = last.lock().unwrap();
            let micros = u64::try_from(last.elapsed().as_micros()).unwrap_or(u64::MAX);
            seen.fetch_max(micros, Ordering::Relaxed);
            *last = Instant::now();
        })),
        ..RunOptions::default()
    };
    let policies = retention::policies(&RetentionSettings::default());
    let started = Instant::now();
    let done = retention::run(db, &policies, &options).await.unwrap();
    let took = started.elapsed();
    ended.store(true, Ordering::Relaxed);
    let done = &done[0];
    assert_eq!(done.removed, u64::from(traces));
    println!(
        "archived {} traces in {took:?} with {} batches: {:.0} rows/s, longest step {:?}",
        done.removed,
        done.batches,
        f64::from(traces) / took.as_secs_f64(),
        Duration::from_micros(longest.load(Ordering::Relaxed)),
    );
    print_writer("beside retention", beside.await.unwrap());
}
