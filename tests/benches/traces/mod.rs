//! The data of the traceability benchmarks: many executions, made by the database itself.

#![allow(dead_code, reason = "each benchmark uses a part")]

use pml_entity::values::CorrelationId;
use pml_service::Db;
use pml_testkit::TestDatabase;
use sqlx::Executor;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Says how many executions a benchmark loads.
pub const TRACES_ENV: &str = "PML_BENCH_TRACES";
/// How many without that.
pub const DEFAULT_TRACES: u64 = 1_000_000;
/// What it loads; the file says what the data looks like.
const LOAD: &str = include_str!("load.sql");

/// How many executions to load.
pub fn count() -> u64 {
    std::env::var(TRACES_ENV)
        .ok()
        .map_or(DEFAULT_TRACES, |text| text.parse().expect("a number"))
}

/// A private database on the server of `TEST_DATABASE_URL`; `None` (and a line that says so) without one.
pub fn database(runtime: &Runtime) -> Option<TestDatabase> {
    if pml_testkit::real_server().is_none() {
        eprintln!(
            "skipped: set {} to a real PostgreSQL (scripts/postgres start)",
            pml_testkit::REAL_SERVER_ENV
        );
        return None;
    }
    Some(runtime.block_on(TestDatabase::with_pool(4)))
}

/// Loads `traces` executions with their parts and takes statistics. A million take two or three minutes.
///
/// Triggers are off meanwhile, those of foreign keys too, which needs a superuser.
pub async fn load(db: &Db, traces: u64) {
    let mut connection = db.get_postgres_connection_pool().acquire().await.unwrap();
    connection
        .execute("SET session_replication_role = replica; SET synchronous_commit = off; SET statement_timeout = 0")
        .await
        .unwrap();
    let load = LOAD.replace("$1", &traces.to_string());
    for statement in load.split(";\n") {
        connection
            .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())))
            .await
            .unwrap();
    }
    for statement in [
        "RESET session_replication_role",
        "RESET synchronous_commit",
        "VACUUM ANALYZE",
        "RESET statement_timeout",
    ] {
        connection.execute(statement).await.unwrap();
    }
}

/// Adds one execution with 20 hooks, 20 calls, a decision, and five children with a hook and a call each.
pub async fn add_story(db: &Db) -> CorrelationId {
    const STORY: &str = "\
        INSERT INTO execution_traces (id, correlation_id, root_id, parent_id, session_id, source, prompt_text, completed_at, status, success) \
        SELECT ('8' || lpad(to_hex(n), 31, '0'))::uuid, ('9' || lpad(to_hex(n), 31, '0'))::uuid, ('9' || lpad('', 31, '0'))::uuid, \
            CASE WHEN n > 0 THEN ('9' || lpad('', 31, '0'))::uuid END, gen_random_uuid(), 'user_prompt', 'a story', now(), 'completed', true \
        FROM generate_series(0, 5) AS n; \
        INSERT INTO agent_routing_decisions (trace_id, agent_selected, confidence_score, routing_strategy) \
        SELECT ('8' || lpad(to_hex(n), 31, '0'))::uuid, 'agent-01', 0.9, 'normal' FROM generate_series(0, 5) AS n; \
        INSERT INTO hook_executions (trace_id, hook_type, hook_name, execution_order, tool_name, input_data, status) \
        SELECT ('8' || lpad(to_hex(greatest(n - 20, 0)), 31, '0'))::uuid, 'PreToolUse', 'hook', n, 'Write', '{\"file\": \"a.rs\"}', 'completed' \
        FROM generate_series(1, 25) AS n; \
        INSERT INTO endpoint_calls (trace_id, service_name, endpoint_path, http_method, request_body, response_status, success) \
        SELECT ('8' || lpad(to_hex(greatest(n - 20, 0)), 31, '0'))::uuid, 'rag', '/api/rag/query', 'POST', '{\"q\": \"why\"}', 200, true \
        FROM generate_series(1, 25) AS n";
    db.get_postgres_connection_pool()
        .execute(sqlx::raw_sql(STORY))
        .await
        .unwrap();
    Uuid::from_u128(9 << 124).into()
}
