//! Which index serves which statement: the very statements that the service sends, explained on 20,000 executions.

use std::sync::{Arc, Mutex};

use pml_service::traceability::read::{TraceFilter, get, list};
use pml_service::{Db, PageRequest, Settings};
use pml_testkit::{TestDatabase, database, real_server};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use uuid::Uuid;

use super::given::*;

async fn loaded() -> Option<TestDatabase> {
    real_server()?;
    let test = database().await;
    let load = include_str!("../../benches/traces/load.sql").replace("$1", "20000");
    sql(test.db(), &load).await;
    sql(test.db(), "ANALYZE").await;
    Some(test)
}

/// A connection to the test's database that remembers the statements.
async fn listening(test: &TestDatabase) -> (Db, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hook: pml_service::StatementHook = {
        let seen = seen.clone();
        Arc::new(move |statement| seen.lock().unwrap().push(statement.sql.to_owned()))
    };
    let settings = Settings {
        database_url: Some(test.url().into()),
        ..Settings::default()
    };
    (Db::connect_with(&settings, Some(hook)).await.unwrap(), seen)
}

async fn plan(db: &Db, sql: &str, values: Vec<Value>) -> String {
    let explain = Statement::from_sql_and_values(
        DbBackend::Postgres,
        format!("EXPLAIN (ANALYZE, TIMING OFF) {sql}"),
        values,
    );
    let rows = db.query_all_raw(explain).await.unwrap();
    rows.iter()
        .map(|row| row.try_get_by_index::<String>(0).unwrap() + "\n")
        .collect()
}

#[tokio::test]
async fn a_list_is_served_by_the_index_of_its_condition() {
    let Some(test) = loaded().await else { return };
    let (db, seen) = listening(&test).await;
    let all = TraceFilter::default;
    for (filter, values, index) in [
        (
            all(),
            vec![51_i64.into()],
            "idx_execution_traces_started_at",
        ),
        (
            TraceFilter {
                session_id: Some(session(7)),
                ..all()
            },
            vec![session(7).into(), 51_i64.into()],
            "idx_execution_traces_session",
        ),
        (
            TraceFilter {
                root_id: Some(correlation(700)),
                ..all()
            },
            vec![correlation(700).into(), 51_i64.into()],
            "idx_execution_traces_root",
        ),
        (
            TraceFilter {
                user_id: Some("user-5".to_owned()),
                ..all()
            },
            vec!["user-5".into(), 51_i64.into()],
            "idx_execution_traces_user",
        ),
    ] {
        seen.lock().unwrap().clear();
        assert!(
            !list(&db, &filter, PageRequest::default())
                .await
                .unwrap()
                .items
                .is_empty()
        );
        let sql = seen.lock().unwrap().drain(..).collect::<Vec<_>>();
        assert_eq!(sql.len(), 1);
        let plan = plan(&db, &sql[0], values).await;
        assert!(plan.contains(index), "{index}:\n{plan}");
        assert!(!plan.contains("Seq Scan"), "{plan}");
        // Looked up for the rows of the page, and not for one more.
        assert!(
            plan.lines()
                .all(|line| !line.contains("idx_hook_executions") || !line.contains("loops=20000")),
            "{plan}"
        );
    }
}

#[tokio::test]
async fn the_second_page_starts_where_the_first_ended() {
    let Some(test) = loaded().await else { return };
    let (db, seen) = listening(&test).await;
    let first = list(&db, &TraceFilter::default(), PageRequest::default())
        .await
        .unwrap();
    seen.lock().unwrap().clear();
    let next = PageRequest {
        cursor: first.next_cursor.map(Into::into),
        ..PageRequest::default()
    };
    list(&db, &TraceFilter::default(), next).await.unwrap();
    let last = first.items.last().unwrap();
    let values = vec![last.started_at.into(), last.id.into(), 51_i64.into()];
    let sql = seen.lock().unwrap()[0].clone();
    let plan = plan(&db, &sql, values).await;
    assert!(
        plan.contains("idx_execution_traces_started_at")
            && plan.contains("Index Cond: (started_at <="),
        "{plan}"
    );
}

#[tokio::test]
async fn an_assembly_is_served_by_the_indexes_on_parent_and_trace() {
    let Some(test) = loaded().await else { return };
    let (db, seen) = listening(&test).await;
    let found = get(&db, correlation(700)).await.unwrap();
    assert_eq!(shape(&found), "700(701 702)");
    let sql = seen.lock().unwrap().drain(..).collect::<Vec<_>>();
    assert_eq!(sql.len(), 4);
    let ids: Vec<Uuid> = std::iter::once(&found)
        .chain(&found.child_traces)
        .map(|trace| trace.trace.id.as_uuid())
        .collect();
    for (sql, values, indexes) in [
        (
            &sql[0],
            vec![correlation(700).into(), 1_001_i64.into(), 32.into()],
            vec!["idx_execution_traces_parent", "correlation"],
        ),
        (&sql[1], vec![ids.clone().into()], vec!["idx_routing_trace"]),
        (
            &sql[2],
            vec![ids.clone().into(), 10_001_i64.into()],
            vec!["idx_hook_executions_"],
        ),
        (
            &sql[3],
            vec![ids.clone().into(), 10_001_i64.into()],
            vec!["idx_endpoint_calls_trace"],
        ),
    ] {
        let plan = plan(&db, sql, values).await;
        for index in indexes {
            assert!(plan.contains(index), "{index}:\n{plan}");
        }
        assert!(!plan.contains("Seq Scan"), "{plan}");
    }
}

#[tokio::test]
async fn what_a_user_may_see_is_found_by_the_indexes_on_the_owner() {
    let Some(test) = loaded().await else { return };
    let tx = asking(test.db(), Some("alice")).await;
    for view in ["dashboard_summary", "agent_performance"] {
        let explain =
            Statement::from_string(DbBackend::Postgres, format!("EXPLAIN SELECT * FROM {view}"));
        let rows = tx.query_all_raw(explain).await.unwrap();
        let plan: String = rows
            .iter()
            .map(|row| row.try_get_by_index::<String>(0).unwrap() + "\n")
            .collect();
        for index in [
            "idx_execution_traces_user",
            "execution_traces_ownerless_idx",
            "idx_routing_trace",
        ] {
            assert!(plan.contains(index), "{view} {index}:\n{plan}");
        }
        assert!(!plan.contains("Seq Scan on execution_traces"), "{plan}");
    }
}
