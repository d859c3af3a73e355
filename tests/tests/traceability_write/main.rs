//! Writing executions down: start, route, hook, endpoint, complete, directly and through the recorder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod concurrent;
mod direct;
mod recorded;
mod refused;

use chrono::{DateTime, Utc};
use pml_entity::traceability::execution_traces;
use pml_entity::values::CorrelationId;
use pml_service::Db;
use pml_service::traceability::{self, NewEndpointCall, NewHook, NewRouting, NewTrace};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn prompt() -> NewTrace {
    NewTrace {
        source: "user_prompt".to_owned(),
        prompt_text: Some("write tests".to_owned()),
        ..NewTrace::default()
    }
}

fn routing() -> NewRouting {
    NewRouting {
        agent_selected: "agent-testing".to_owned(),
        confidence_score: 0.8,
        routing_strategy: "fuzzy_match".to_owned(),
        ..NewRouting::default()
    }
}

fn quality_hook() -> NewHook {
    NewHook {
        hook_name: "pre-tool-use-quality".to_owned(),
        duration_ms: Some(12.9),
        ..NewHook::default()
    }
}

fn rag_call() -> NewEndpointCall {
    NewEndpointCall {
        service_name: "archon-mcp".to_owned(),
        endpoint_path: "/api/rag/query".to_owned(),
        http_method: "post".to_owned(),
        response_status: Some(200),
        ..NewEndpointCall::default()
    }
}

async fn started(db: &Db) -> CorrelationId {
    let started = traceability::start(db, prompt()).await.unwrap();
    started.trace.correlation_id
}

/// What a statement of one number says.
async fn number(db: &impl ConnectionTrait, sql: &str) -> i64 {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

/// Rows of the four tables: traces, decisions, hooks, calls.
async fn counts(db: &impl ConnectionTrait) -> (i64, i64, i64, i64) {
    (
        number(db, "SELECT count(*) FROM execution_traces").await,
        number(db, "SELECT count(*) FROM agent_routing_decisions").await,
        number(db, "SELECT count(*) FROM hook_executions").await,
        number(db, "SELECT count(*) FROM endpoint_calls").await,
    )
}

async fn trace(db: &Db, correlation: CorrelationId) -> execution_traces::Model {
    use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
    execution_traces::Entity::find()
        .filter(execution_traces::Column::CorrelationId.eq(correlation))
        .one(db.conn())
        .await
        .unwrap()
        .unwrap()
}
