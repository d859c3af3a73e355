//! What the data steps of the history do to rows an older version wrote.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod audit;
mod hierarchy;
#[path = "../old_system/mod.rs"]
mod old_system;
mod registry;
mod runs;

use old_system::{sql, texts, uuid};
use pml_migration::{Direction, history};
use pml_testkit::empty_database;
use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};

#[tokio::test]
async fn step_010_seeds_the_default_thresholds() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 10).await;
    assert_eq!(
        texts(db, "SELECT concat_ws(' ', config_key, config_value, total_samples) FROM adaptive_config ORDER BY 1").await,
        ["threshold_explicit 0.7 0", "threshold_speculative 0.85 0", "threshold_suggestion 0.7 0"]
    );
}

#[tokio::test]
async fn new_columns_give_existing_rows_the_documented_values() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 8).await;
    sql(
        db,
        "INSERT INTO tool_dependency (from_tool_id, to_tool_id) VALUES ('a:x', 'a:y')",
    )
    .await;
    up_to(db, 10).await;
    sql(db, &pattern(1, "NULL")).await;
    sql(
        db,
        "INSERT INTO workflow_execution (dag_structure, success, execution_time_ms) VALUES ('{}', true, 5);
         UPDATE tool_dependency SET source = 'user'",
    )
    .await;
    up_to(db, 18).await;
    assert_eq!(
        texts(
            db,
            "SELECT concat_ws(' ', source, edge_type, edge_source) FROM tool_dependency"
        )
        .await,
        ["user sequence inferred"]
    );
    assert_eq!(
        texts(
            db,
            "SELECT concat_ws(' ', user_id, created_by, updated_by) FROM workflow_execution"
        )
        .await,
        ["local"]
    );
    let values = "SELECT concat_ws(' ', success_rate, avg_duration_ms, source, cache_config ->> 'ttl_ms', permission_set,
                  permission_confidence) FROM workflow_pattern";
    assert_eq!(texts(db, values).await, ["1 0 emergent 3600000 minimal 0"]);
    up_to(db, 33).await;
    assert_eq!(
        texts(db, "SELECT created_by FROM workflow_pattern").await,
        ["local"]
    );
}

#[tokio::test]
async fn a_database_with_rows_goes_down_step_by_step_and_up_again() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 34).await;
    for number in 1..=3 {
        sql(db, &pattern(number, &format!("repeat('{number}', 64)"))).await;
    }
    sql(db, &audit_row("audit", &uuid(1))).await;
    sql(db, &edge(1, 2, "contains")).await;
    sql(
        db,
        "INSERT INTO capability_records (org, project, namespace, action, hash, workflow_pattern_id)
             SELECT 'o', 'p', 'n', 'do', left(code_hash, 4), pattern_id FROM workflow_pattern;
         INSERT INTO execution_trace (success, duration_ms, capability_id, parent_trace_id)
             SELECT true, 1, pattern_id, NULL FROM workflow_pattern;
         INSERT INTO execution_trace (success, duration_ms, error_message, parent_trace_id)
             SELECT false, 1, 'timeout', id FROM execution_trace;
         INSERT INTO workflow_execution (dag_structure, success, execution_time_ms) VALUES ('{}', true, 1);
         INSERT INTO users (username) VALUES ('ann');
         INSERT INTO tool_schema (tool_id, server_id, name, input_schema) VALUES ('a:x', 'a', 'x', '{}');
         INSERT INTO tool_embedding (tool_id, server_id, tool_name, embedding)
             VALUES ('a:x', 'a', 'x', array_fill(1.0::real, ARRAY[1024])::vector);
         INSERT INTO tool_dependency (from_tool_id, to_tool_id) VALUES ('a:x', 'a:y');
         INSERT INTO shgat_params (params) VALUES ('{}');
         INSERT INTO metrics (metric_name, value) VALUES ('m', 1)",
    )
    .await;
    for version in (1..=34)
        .rev()
        .filter(|version| history::step(*version).is_some())
    {
        run(db, version, Direction::Down).await;
        if version == 28 {
            let names = texts(db, "SELECT id FROM capability_records ORDER BY id").await;
            assert_eq!(names, ["o.p.n.do.1111", "o.p.n.do.2222", "o.p.n.do.3333"]);
        }
        // One step up and down again, with the rows in place.
        run(db, version, Direction::Up).await;
        run(db, version, Direction::Down).await;
    }
    sql(db, "DELETE FROM pml_migration_ledger").await;
    up_to(db, 34).await;
}

/// Applies every step up to and including `version` that is not there yet, judged by a table of the test's own.
async fn up_to(db: &DatabaseConnection, version: u16) {
    sql(
        db,
        "CREATE TABLE IF NOT EXISTS pml_migration_ledger (version integer)",
    )
    .await;
    let reached: u16 = texts(
        db,
        "SELECT coalesce(max(version), 0)::text FROM pml_migration_ledger",
    )
    .await[0]
        .parse()
        .unwrap();
    for step in reached + 1..=version {
        if history::step(step).is_some() {
            run(db, step, Direction::Up).await;
        }
    }
    sql(
        db,
        &format!("INSERT INTO pml_migration_ledger VALUES ({version})"),
    )
    .await;
}

/// Runs one direction of a step in one transaction, as the migrator does.
async fn run(db: &DatabaseConnection, version: u16, direction: Direction) {
    let step = history::step(version).unwrap();
    let statements = match direction {
        Direction::Up => step.up(),
        Direction::Down => step.down(),
    };
    let transaction = db.begin().await.unwrap();
    for statement in statements {
        transaction
            .execute_unprepared(&statement)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}\n{statement}", step.name()));
    }
    transaction.commit().await.unwrap();
}

/// Inserts a pattern; `code_hash` is an SQL expression. Before 011 there is no such column, so a null one is left out.
fn pattern(number: u32, code_hash: &str) -> String {
    let (column, value) = if code_hash == "NULL" {
        ("", String::new())
    } else {
        (", code_hash", format!(", {code_hash}"))
    };
    format!(
        "INSERT INTO workflow_pattern (pattern_id, pattern_hash, dag_structure, intent_embedding{column})
         VALUES ('{}', 'hash {number}', '{{}}', array_fill(1.0::real, ARRAY[1024])::vector{value})",
        uuid(number)
    )
}

fn audit_row(id: &str, capability: &str) -> String {
    format!(
        "INSERT INTO permission_audit_log (id, timestamp, capability_id, from_set, to_set, approved)
         VALUES ('{id}', 1, '{capability}', 'minimal', 'readonly', 1)"
    )
}

/// A registry row as of 021 and 022; `code` is an SQL expression.
fn record(action: &str, hash: &str, code: &str) -> String {
    format!(
        "INSERT INTO capability_records (id, display_name, org, project, namespace, action, hash, code_snippet)
         VALUES ('o.p.n.{action}.{hash}', 'n:{action}', 'o', 'p', 'n', '{action}', '{hash}', {code})"
    )
}

/// A registry row as of 023 to 027.
fn record_at_023(action: &str) -> String {
    format!(
        "INSERT INTO capability_records (id, display_name, org, project, namespace, action, hash)
         VALUES ('o.p.n.{action}.abcd', 'n:{action}', 'o', 'p', 'n', '{action}', 'abcd')"
    )
}

fn edge(from: u32, to: u32, kind: &str) -> String {
    format!(
        "INSERT INTO capability_dependency (from_capability_id, to_capability_id, edge_type) VALUES ('{}', '{}', '{kind}')",
        uuid(from),
        uuid(to)
    )
}

async fn levels(db: &DatabaseConnection) -> Vec<String> {
    texts(
        db,
        "SELECT ltrim(right(pattern_id::text, 2), '0') || ' ' || hierarchy_level FROM workflow_pattern ORDER BY pattern_id",
    )
    .await
}
