//! Old and new rows.

use std::time::Duration;

use pml_service::Db;
use pml_service::retention::{self, Done, Policy, RunOptions};
use pml_service::settings::RetentionSettings;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

pub fn policies() -> Vec<Policy> {
    retention::policies(&RetentionSettings::default())
}

pub fn policy(name: &str) -> Policy {
    policies()
        .into_iter()
        .find(|policy| policy.name == name)
        .unwrap()
}

pub fn options(batch: u32) -> RunOptions {
    RunOptions {
        batch: Some(batch),
        pause: Duration::ZERO,
        ..RunOptions::default()
    }
}

pub async fn run(db: &Db, batch: u32) -> Vec<Done> {
    retention::run(db, &policies(), &options(batch))
        .await
        .unwrap()
}

pub async fn sql<C: ConnectionTrait>(db: &C, sql: &str) {
    db.execute_unprepared(sql).await.unwrap();
}

pub async fn number<C: ConnectionTrait>(db: &C, sql: &str) -> i64 {
    let sql = format!("SELECT ({sql})::bigint AS number");
    let row = db
        .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await
        .unwrap()
        .unwrap();
    row.try_get("", "number").unwrap()
}

pub async fn count<C: ConnectionTrait>(db: &C, table: &str) -> i64 {
    number(db, &format!("SELECT count(*) FROM {table}")).await
}

/// So many traces of that age, a second apart, each with a decision, a hook, a call of the hook, and a use of a pattern.
pub async fn traces<C: ConnectionTrait>(db: &C, rows: u32, days: u32) {
    let statement = format!(
        "WITH new AS (
             INSERT INTO execution_traces (correlation_id, root_id, session_id, source, started_at)
             SELECT id, id, id, 'user_prompt', now() - interval '{days} days' - make_interval(secs => n)
             FROM (SELECT gen_random_uuid() AS id, n FROM generate_series(1, {rows}) n) AS fresh
             RETURNING id, correlation_id),
         decisions AS (
             INSERT INTO agent_routing_decisions (trace_id, agent_selected, confidence_score, routing_strategy)
             SELECT id, 'agent', 0.9, 'explicit' FROM new),
         hooks AS (
             INSERT INTO hook_executions (id, trace_id, hook_type, hook_name, execution_order)
             SELECT gen_random_uuid(), id, 'Stop', 'stop', 1 FROM new RETURNING id, trace_id),
         calls AS (
             INSERT INTO endpoint_calls (trace_id, hook_execution_id, service_name, endpoint_path, http_method, success)
             SELECT trace_id, id, 'service', '/path', 'GET', true FROM hooks),
         pattern AS (
             INSERT INTO success_patterns (pattern_hash, source_correlation_id, prompt_text, avg_duration_ms, min_duration_ms, max_duration_ms, success_score)
             VALUES (left(md5(random()::text), 16), gen_random_uuid(), 'prompt', 1, 1, 1, 1) RETURNING pattern_id)
         INSERT INTO pattern_usage_log (pattern_id, trace_id, correlation_id, user_request, match_score, used)
         SELECT pattern_id, id, correlation_id, 'request', 0.9, true FROM new, pattern"
    );
    sql(db, &statement).await;
}

/// A use of a pattern, so many days ago.
pub async fn usage<C: ConnectionTrait>(db: &C, days: u32) {
    let statement = format!(
        "WITH pattern AS (
             INSERT INTO success_patterns (pattern_hash, source_correlation_id, prompt_text, avg_duration_ms, min_duration_ms, max_duration_ms, success_score)
             VALUES (left(md5(random()::text), 16), gen_random_uuid(), 'prompt', 1, 1, 1, 1) RETURNING pattern_id)
         INSERT INTO pattern_usage_log (pattern_id, correlation_id, user_request, match_score, used, used_at)
         SELECT pattern_id, gen_random_uuid(), 'request', 0.9, true, now() - interval '{days} days' FROM pattern"
    );
    sql(db, &statement).await;
}

/// A pattern with that many uses, of which so many worked; `last` is SQL for when it was last used.
pub async fn pattern<C: ConnectionTrait>(db: &C, hash: &str, uses: u32, worked: u32, last: &str) {
    let statement = format!(
        "INSERT INTO success_patterns (pattern_hash, source_correlation_id, prompt_text, avg_duration_ms, min_duration_ms, max_duration_ms, success_score,
             total_usage_count, success_count, failure_count, last_used_at)
         VALUES (lpad('{hash}', 16, '0'), gen_random_uuid(), 'prompt', 1, 1, 1, 1, {uses}, {worked}, {uses} - {worked}, {last})"
    );
    sql(db, &statement).await;
}

pub fn removed(done: &[Done]) -> Vec<u64> {
    done.iter().map(|done| done.removed).collect()
}
