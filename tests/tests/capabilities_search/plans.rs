//! Which index serves which statement: the very statements that the service sends, explained.

use std::sync::{Arc, Mutex};

use pml_service::capabilities::{ContextOptions, by_context};
use pml_service::{Db, Principal, Settings};
use pml_testkit::{TestDatabase, database, real_server};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

use super::data::{around, at, hits, user};

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

async fn plan(db: &Db, sql: &str, values: impl IntoIterator<Item = Value>) -> Vec<String> {
    let explain = format!("EXPLAIN (ANALYZE, TIMING OFF) {sql}");
    let rows = db
        .query_all_raw(Statement::from_sql_and_values(
            DbBackend::Postgres,
            explain,
            values,
        ))
        .await
        .unwrap();
    rows.iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect()
}

fn assert_plan(plan: &[String], index: &str, no_scan_of: &str) {
    let scanned = format!("Seq Scan on {no_scan_of}");
    assert!(
        plan.iter().any(|line| line.contains(index)),
        "{index}: {plan:#?}"
    );
    assert!(
        !plan.iter().any(|line| line.contains(&scanned)),
        "{scanned}: {plan:#?}"
    );
}

/// Capabilities on a quarter of a circle, each with its own tool; every third is Alice's, the others are of no one.
async fn quarter_circle(db: &Db, count: i64, owner: Option<uuid::Uuid>) {
    db.execute_unprepared("DROP INDEX idx_pattern_intent_embedding")
        .await
        .unwrap();
    let sql = "WITH points AS (SELECT n, (1.5 * n / $1)::float8 AS angle, CASE WHEN n % 3 = 0 THEN $2::uuid END AS owner FROM generate_series(0, $1 - 1) AS n), \
               made AS (INSERT INTO workflow_pattern (pattern_id, pattern_hash, dag_structure, intent_embedding, usage_count, success_count, code_hash, user_id) \
                   SELECT lpad(n::text, 32, '0')::uuid, lpad(n::text, 64, '0'), jsonb_build_object('tools_used', jsonb_build_array('s:t' || n, 's:all')), \
                          (array[cos(angle), sin(angle)]::real[] || array_fill(0::real, array[1022]))::vector, 10, 9, lpad(n::text, 64, '0'), owner FROM points RETURNING 1) \
               INSERT INTO capability_records (org, project, namespace, action, hash, workflow_pattern_id, user_id) \
               SELECT 'org' || n % 50, 'default', 'ns', 'a' || n, 'abcd', lpad(n::text, 32, '0')::uuid, owner FROM points";
    db.execute_raw(Statement::from_sql_and_values(
        DbBackend::Postgres,
        sql,
        [count.into(), owner.into()],
    ))
    .await
    .unwrap();
    db.execute_unprepared("CREATE INDEX idx_pattern_intent_embedding ON workflow_pattern USING hnsw (intent_embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64)").await.unwrap();
    db.execute_unprepared("ANALYZE workflow_pattern; ANALYZE capability_records")
        .await
        .unwrap();
}

#[tokio::test]
async fn the_vector_index_serves_a_search_of_everything_and_of_a_large_scope() {
    if real_server().is_none() {
        return;
    }
    let test = database().await;
    let alice = user(test.db(), "alice", "acme", "default").await;
    let Principal::User { id, org, project } = &alice else {
        panic!()
    };
    quarter_circle(test.db(), 9_000, Some(id.as_uuid())).await;
    let (db, seen) = listening(&test).await;

    assert_eq!(
        hits(&db, &Principal::Local, &around(0.0, 10)).await.len(),
        10
    );
    let sql = seen.lock().unwrap().drain(..).collect::<Vec<_>>();
    assert_eq!(sql.len(), 1);
    let plan_of_all = plan(&db, &sql[0], [at(0.0).into(), 40_i64.into(), 10_i64.into()]).await;
    assert_plan(
        &plan_of_all,
        "Index Scan using idx_pattern_intent_embedding",
        "workflow_pattern",
    );
    assert_plan(
        &plan_of_all,
        "Index Scan using idx_capability_records_workflow_pattern",
        "capability_records",
    );

    seen.lock().unwrap().clear();
    assert_eq!(hits(&db, &alice, &around(0.0, 10)).await.len(), 10);
    let sql = seen.lock().unwrap().drain(..).collect::<Vec<_>>();
    assert_eq!(
        sql.len(),
        2,
        "the count, and the search through the index: {sql:#?}"
    );
    let scope: [Value; 3] = [
        id.as_uuid().into(),
        org.clone().into(),
        project.clone().into(),
    ];
    let values = [at(0.0).into(), 40_i64.into(), 10_i64.into()]
        .into_iter()
        .chain(scope.clone());
    let plan_of_scope = plan(&db, &sql[1], values).await;
    assert_plan(
        &plan_of_scope,
        "Index Scan using idx_pattern_intent_embedding",
        "workflow_pattern",
    );
    db.close().await.unwrap();
}

#[tokio::test]
async fn indexes_of_the_registry_serve_the_count_and_the_exact_search_of_a_small_scope() {
    if real_server().is_none() {
        return;
    }
    let test = database().await;
    let alice = user(test.db(), "alice", "org7", "default").await;
    let Principal::User { id, org, project } = &alice else {
        panic!()
    };
    quarter_circle(test.db(), 9_000, None).await;
    test.db()
        .execute_unprepared(&format!("UPDATE capability_records SET user_id = '{id}' WHERE action LIKE 'a%99'; UPDATE capability_records SET visibility = 'org' WHERE action LIKE 'a%7'; ANALYZE capability_records"))
        .await
        .unwrap();
    let (db, seen) = listening(&test).await;
    assert_eq!(hits(&db, &alice, &around(0.0, 5)).await.len(), 5);
    let sql = seen.lock().unwrap().drain(..).collect::<Vec<_>>();
    assert_eq!(sql.len(), 2);
    let scope: [Value; 3] = [
        id.as_uuid().into(),
        org.clone().into(),
        project.clone().into(),
    ];
    let count = plan(
        &db,
        &sql[0],
        [2_001_i64.into()].into_iter().chain(scope.clone()),
    )
    .await;
    assert_plan(&count, "BitmapOr", "capability_records");
    let exact = plan(
        &db,
        &sql[1],
        [at(0.0).into(), 20_i64.into(), 5_i64.into()]
            .into_iter()
            .chain(scope),
    )
    .await;
    assert_plan(&exact, "BitmapOr", "capability_records");
    assert_plan(
        &exact,
        "Index Scan using workflow_pattern_pkey",
        "workflow_pattern",
    );
    assert!(
        !exact
            .iter()
            .any(|line| line.contains("idx_pattern_intent_embedding"))
    );
    db.close().await.unwrap();
}

#[tokio::test]
async fn the_index_of_tools_serves_the_search_by_context() {
    if real_server().is_none() {
        return;
    }
    let test = database().await;
    quarter_circle(test.db(), 6_000, None).await;
    let (db, seen) = listening(&test).await;
    let tools = vec!["s:t7".to_owned(), "s:t4000".to_owned()];
    let found = by_context(&db, &Principal::Local, &tools, &ContextOptions::default())
        .await
        .unwrap();
    assert_eq!(found.len(), 2);
    let sql = seen.lock().unwrap().drain(..).collect::<Vec<_>>();
    let plan = plan(&db, &sql[0], [tools.into(), 0.3.into(), 5_i64.into()]).await;
    assert_plan(&plan, "workflow_pattern_tool_ids_idx", "workflow_pattern");
    db.close().await.unwrap();
}
