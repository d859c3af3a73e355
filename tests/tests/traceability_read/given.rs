//! Executions by number: number 7 has the row `1…7` and the correlation id `2…7`, and began 7 seconds after ten.

use pml_entity::values::{CorrelationId, SessionId};
use pml_service::traceability::read::AssembledTrace;
use pml_service::{Db, Snapshot};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement, TransactionTrait};
use uuid::Uuid;

pub fn correlation(number: u128) -> CorrelationId {
    Uuid::from_u128((2 << 124) + number).into()
}

pub fn session(number: u128) -> SessionId {
    Uuid::from_u128((3 << 124) + number).into()
}

/// The SQL of an id: `kind` is its first digit.
pub fn id(kind: u8, number: impl std::fmt::Display) -> String {
    format!("('{kind}' || lpad(to_hex({number}), 31, '0'))::uuid")
}

pub async fn sql(db: &impl ConnectionTrait, text: &str) {
    db.execute_unprepared(text).await.unwrap();
}

/// Starts execution `number`, below `parent` if it has one. All belong to the chain of number 1.
pub async fn trace(db: &impl ConnectionTrait, number: u32, parent: Option<u32>) {
    let parent = parent.map_or("NULL".to_owned(), |parent| id(2, parent));
    sql(
        db,
        &format!(
            "INSERT INTO execution_traces (id, correlation_id, root_id, parent_id, session_id, source, started_at) VALUES \
             ({}, {}, {}, {parent}, {}, 'user_prompt', '2026-01-01T10:00:00Z'::timestamptz + {number} * interval '1 second')",
            id(1, number), id(2, number), id(2, 1), id(3, 1),
        ),
    )
    .await;
}

/// Adds a hook that began at this second of ten o'clock.
pub async fn hook(db: &impl ConnectionTrait, trace: u32, number: u32, order: u32, second: u32) {
    sql(
        db,
        &format!(
            "INSERT INTO hook_executions (id, trace_id, hook_type, hook_name, execution_order, tool_name, started_at, duration_ms, status) VALUES \
             ({}, {}, 'PreToolUse', 'hook-{number}', {order}, 'Write', '2026-01-01T10:00:00Z'::timestamptz + {second} * interval '1 second', 5, 'completed')",
            id(6, number), id(1, trace),
        ),
    )
    .await;
}

/// Adds a call that began at this second of ten o'clock.
pub async fn call(db: &impl ConnectionTrait, trace: u32, number: u32, second: u32) {
    sql(
        db,
        &format!(
            "INSERT INTO endpoint_calls (id, trace_id, service_name, endpoint_path, http_method, response_status, started_at, duration_ms, success) VALUES \
             ({}, {}, 'rag', '/{number}', 'POST', 200, '2026-01-01T10:00:00Z'::timestamptz + {second} * interval '1 second', 7, true)",
            id(7, number), id(1, trace),
        ),
    )
    .await;
}

/// Adds a decision that was made at this second of ten o'clock.
pub async fn decision(
    db: &impl ConnectionTrait,
    trace: u32,
    number: u32,
    agent: &str,
    second: u32,
) {
    sql(
        db,
        &format!(
            "INSERT INTO agent_routing_decisions (id, trace_id, agent_selected, confidence_score, routing_strategy, created_at, query_embedding) VALUES \
             ({}, {}, '{agent}', 0.9, 'normal', '2026-01-01T10:00:00Z'::timestamptz + {second} * interval '1 second', array_fill(1::real, array[1536])::vector)",
            id(4, number), id(1, trace),
        ),
    )
    .await;
}

/// A transaction in which `user` asks (`None`: a signed-in nobody).
pub async fn asking(db: &Db, user: Option<&str>) -> DatabaseTransaction {
    let tx = db.begin().await.unwrap();
    let set =
        "SELECT set_config('role', 'authenticated', true), set_config('app.user_id', $1, true)";
    tx.query_one_raw(Statement::from_sql_and_values(
        DbBackend::Postgres,
        set,
        [user.unwrap_or_default().into()],
    ))
    .await
    .unwrap();
    tx
}

/// Statements that ran since `before`.
pub fn statements(db: &Db, before: &Snapshot) -> u64 {
    db.statements().since(before).statements
}

/// The numbers of an execution and of what is below it, as `1(2(4) 3)`.
pub fn shape(of: &AssembledTrace) -> String {
    let number = of.trace.correlation_id.as_uuid().as_u128() & 0xffff_ffff;
    let children: Vec<String> = of.child_traces.iter().map(shape).collect();
    if children.is_empty() {
        number.to_string()
    } else {
        format!("{number}({})", children.join(" "))
    }
}
