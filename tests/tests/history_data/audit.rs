//! The audit trail is tied to its capabilities (019).

use crate::old_system::{sql, texts, uuid};
use crate::{audit_row, pattern, run, up_to};
use pml_migration::Direction;
use pml_testkit::empty_database;

#[tokio::test]
async fn step_019_removes_only_audit_rows_that_name_no_capability() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 18).await;
    sql(db, &pattern(0xab, "NULL")).await;
    for (id, capability) in [
        ("lower", "00000000-0000-4000-8000-0000000000ab"),
        ("upper", "00000000-0000-4000-8000-0000000000AB"),
        ("braced", " {00000000-0000-4000-8000-0000000000aB} "),
        ("plain", "000000000000400080000000000000ab"),
        ("unknown", "00000000-0000-4000-8000-0000000000ff"),
        ("word", "local"),
        ("empty", ""),
        ("long", "00000000-0000-4000-8000-0000000000ab0"),
    ] {
        sql(db, &audit_row(id, capability)).await;
    }
    up_to(db, 19).await;
    let linked = "SELECT id FROM permission_audit_log JOIN workflow_pattern ON pattern_id = capability_id ORDER BY id";
    let kept = ["braced", "lower", "plain", "upper"];
    assert_eq!(texts(db, linked).await, kept);

    run(db, 19, Direction::Up).await;
    assert_eq!(
        texts(db, "SELECT id FROM permission_audit_log ORDER BY id").await,
        kept
    );

    run(db, 19, Direction::Down).await;
    assert_eq!(
        texts(
            db,
            "SELECT DISTINCT capability_id FROM permission_audit_log"
        )
        .await,
        ["00000000-0000-4000-8000-0000000000ab"]
    );
}

#[tokio::test]
async fn step_019_finishes_what_an_interrupted_attempt_began() {
    let database = empty_database().await;
    let db = database.conn();
    up_to(db, 18).await;
    sql(db, &pattern(1, "NULL")).await;
    sql(db, &audit_row("linked", &uuid(1))).await;
    sql(db, &audit_row("unknown", &uuid(2))).await;
    sql(db, "ALTER TABLE permission_audit_log ALTER COLUMN capability_id TYPE uuid USING capability_id::uuid").await;
    up_to(db, 19).await;
    assert_eq!(
        texts(db, "SELECT id FROM permission_audit_log").await,
        ["linked"]
    );
    assert_eq!(
        texts(db, "SELECT conname::text FROM pg_constraint WHERE conname = 'fk_permission_audit_capability'").await.len(),
        1
    );
}
