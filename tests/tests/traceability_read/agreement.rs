//! The SQL functions and the service tell the same story.

use pml_service::traceability::read::{AssembledTrace, get, hierarchy};
use pml_testkit::database;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use super::given::*;

async fn world(db: &impl ConnectionTrait) {
    for (number, parent) in [(1, None), (4, Some(1)), (2, Some(1)), (3, Some(2))] {
        trace(db, number, parent).await;
    }
    for number in 1..=4 {
        decision(
            db,
            1 + number % 2,
            number,
            &format!("agent-{number}"),
            number,
        )
        .await;
        hook(db, 1 + number % 2, number, 1 + number % 3, number).await;
        call(db, 1 + number % 2, number, 10 - number).await;
    }
    sql(db, "UPDATE hook_executions SET quality_check_performed = true, rag_query_performed = execution_order = 2").await;
}

/// What `get_complete_trace` says of an execution, of the things that both know.
fn told(of: &AssembledTrace, with_children: bool) -> Value {
    let children: Vec<Value> = of
        .child_traces
        .iter()
        .filter(|_| with_children)
        .map(|child| told(child, false))
        .collect();
    json!({
        "correlation_id": of.trace.correlation_id,
        "status": of.trace.status,
        "routing": of.routing_decision.as_ref().map(|decision| decision.id),
        "hooks": of.hook_executions.iter().map(|hook| hook.id).collect::<Vec<_>>(),
        "calls": of.endpoint_calls.iter().map(|call| call.id).collect::<Vec<_>>(),
        "totals": [of.total_hooks, of.total_endpoints, of.total_rag_queries, of.total_quality_gates],
        "children": children,
    })
}

fn told_by_sql(of: &Value) -> Value {
    let ids = |list: &Value| {
        list.as_array()
            .unwrap()
            .iter()
            .map(|row| row["id"].clone())
            .collect::<Vec<_>>()
    };
    json!({
        "correlation_id": of["correlation_id"],
        "status": of["status"],
        "routing": of["routing_decision"]["id"],
        "hooks": ids(&of["hook_executions"]),
        "calls": ids(&of["endpoint_calls"]),
        "totals": [of["total_hooks"], of["total_endpoints"], of["total_rag_queries"], of["total_quality_gates"]],
        "children": of["child_traces"].as_array().unwrap().iter().map(told_by_sql).collect::<Vec<_>>(),
    })
}

#[tokio::test]
async fn get_complete_trace_tells_what_the_assembly_tells() {
    let test = database().await;
    let db = test.db();
    world(db).await;
    for number in 1..=4 {
        let of = correlation(number);
        let ask = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT get_complete_trace($1) AS trace",
            [of.into()],
        );
        let row = db.query_one_raw(ask).await.unwrap().unwrap();
        let by_sql: Value = row.try_get("", "trace").unwrap();
        assert_eq!(
            told_by_sql(&by_sql),
            told(&get(db, of).await.unwrap(), true),
            "{number}"
        );
        assert!(by_sql["routing_decision"].get("query_embedding").is_none());
    }
}

#[tokio::test]
async fn get_trace_hierarchy_gives_the_rows_of_the_hierarchy() {
    let test = database().await;
    let db = test.db();
    world(db).await;
    let ask = "SELECT trace_id, correlation_id, depth, path FROM get_trace_hierarchy($1)";
    let ask = Statement::from_sql_and_values(DbBackend::Postgres, ask, [correlation(1).into()]);
    let by_sql: Vec<(Uuid, Uuid, i32, Vec<Uuid>)> = db
        .query_all_raw(ask)
        .await
        .unwrap()
        .iter()
        .map(|row| {
            row.try_get_many(
                "",
                &["trace_id", "correlation_id", "depth", "path"].map(str::to_owned),
            )
            .unwrap()
        })
        .collect();
    let found = hierarchy(db, correlation(1)).await.unwrap();
    let ours: Vec<(Uuid, Uuid, i32, Vec<Uuid>)> = found
        .nodes
        .iter()
        .map(|node| {
            let path = node
                .path
                .iter()
                .map(pml_entity::values::CorrelationId::as_uuid)
                .collect();
            (
                node.trace_id.as_uuid(),
                node.correlation_id.as_uuid(),
                node.depth,
                path,
            )
        })
        .collect();
    assert_eq!(ours, by_sql);
    assert_eq!(ours.len(), 4);
}
