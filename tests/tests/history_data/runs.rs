//! Runs (020, 024, 030).

use crate::old_system::{sql, texts, uuid};
use crate::{pattern, run, up_to};
use pml_migration::Direction;
use pml_migration::history;
use pml_testkit::empty_database;
use sea_orm::ConnectionTrait;
use sea_orm::TransactionTrait;

#[tokio::test]
async fn step_020_copies_every_run_once_under_its_own_id_and_in_utc() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 19).await;
    sql(
        db,
        &format!(
            "INSERT INTO workflow_execution (execution_id, executed_at, intent_text, dag_structure, success, execution_time_ms,
                 error_message, user_id) VALUES
             ('{}', '2025-01-02 03:04:05.678', 'send a mail', '{{}}', false, 12, 'refused', 'ann'),
             ('{}', '2025-06-02 03:04:05', NULL, '{{}}', true, 13, NULL, NULL)",
            uuid(1),
            uuid(2)
        ),
    )
    .await;
    // The time zone of whoever migrates must not move the times.
    let transaction = db.begin().await.unwrap();
    transaction
        .execute_unprepared("SET LOCAL TIME ZONE 'America/New_York'")
        .await
        .unwrap();
    for statement in history::step(20).unwrap().up() {
        transaction.execute_unprepared(&statement).await.unwrap();
    }
    transaction.commit().await.unwrap();

    let rows = "SELECT concat_ws('|', id, executed_at AT TIME ZONE 'UTC', intent_text, success, duration_ms, error_message,
                user_id, created_by, decisions, task_results, priority, capability_id) FROM execution_trace ORDER BY id";
    let copied = [
        format!(
            "{}|2025-01-02 03:04:05.678|send a mail|f|12|refused|ann|migration|[]|[]|0.5",
            uuid(1)
        ),
        format!(
            "{}|2025-06-02 03:04:05|t|13|local|migration|[]|[]|0.5",
            uuid(2)
        ),
    ];
    assert_eq!(texts(db, rows).await, copied);

    sql(db, history::step(20).unwrap().up().last().unwrap()).await;
    assert_eq!(texts(db, rows).await, copied, "copying again adds nothing");
    assert_eq!(
        texts(db, "SELECT count(*)::text FROM workflow_execution").await,
        ["2"]
    );
}

#[tokio::test]
async fn step_024_classifies_failed_runs_by_the_first_rule_that_matches() {
    let cases = [
        ("Connection TIMED OUT", "TIMEOUT"),
        ("context deadline exceeded", "TIMEOUT"),
        ("HTTP 403 while parsing", "PERMISSION"),
        ("Access denied: file not found", "PERMISSION"),
        ("ENOENT: no such file", "NOT_FOUND"),
        ("Invalid schema", "VALIDATION"),
        ("TypeError", "UNKNOWN"),
        ("type error: x", "VALIDATION"),
        ("ECONNREFUSED 127.0.0.1", "NETWORK"),
        ("socket hang up", "NETWORK"),
        ("it broke", "UNKNOWN"),
        ("", "UNKNOWN"),
    ];
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 23).await;
    for (message, _) in cases {
        sql(db, &format!("INSERT INTO execution_trace (success, duration_ms, error_message) VALUES (false, 1, '{message}')")).await;
    }
    sql(
        db,
        "INSERT INTO execution_trace (success, duration_ms, error_message) VALUES (false, 1, NULL), (true, 1, 'timeout')",
    )
    .await;
    up_to(db, 24).await;
    for (message, category) in cases {
        let found = texts(
            db,
            &format!("SELECT error_type FROM execution_trace WHERE NOT success AND error_message = '{message}'"),
        )
        .await;
        assert_eq!(found, [category], "{message}");
    }
    assert_eq!(
        texts(
            db,
            "SELECT count(*)::text FROM execution_trace WHERE error_type IS NULL"
        )
        .await,
        ["2"],
        "no message, or no failure: no category"
    );
}

#[tokio::test]
async fn step_030_keeps_the_intent_of_runs_without_a_capability() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 29).await;
    sql(db, &pattern(1, "NULL")).await;
    sql(
        db,
        &format!(
            "INSERT INTO execution_trace (success, duration_ms, capability_id, intent_text, initial_context) VALUES
             (true, 1, NULL, 'send a mail', NULL),
             (true, 2, NULL, 'send a mail', '{{\"to\": \"ann\"}}'),
             (true, 3, NULL, 'send a mail', '{{\"intent\": \"older\"}}'),
             (true, 4, NULL, 'send a mail', '[1]'),
             (true, 5, '{}', 'send a mail', '{{}}'),
             (true, 6, NULL, NULL, '{{}}')",
            uuid(1)
        ),
    )
    .await;
    up_to(db, 30).await;
    assert_eq!(
        texts(
            db,
            "SELECT initial_context::text FROM execution_trace ORDER BY duration_ms"
        )
        .await,
        [
            r#"{"intent": "send a mail"}"#,
            r#"{"to": "ann", "intent": "send a mail"}"#,
            r#"{"intent": "older"}"#,
            "[1]",
            "{}",
            "{}"
        ]
    );
    run(db, 30, Direction::Down).await;
    assert_eq!(
        texts(
            db,
            "SELECT coalesce(intent_text, '-') FROM execution_trace ORDER BY duration_ms"
        )
        .await,
        ["send a mail", "send a mail", "older", "-", "-", "-"]
    );
}
