//! The audit trail (103).

use crate::old_system::{sql, text, texts, uuid};
use crate::{down_to, pattern, recorded, up_to};
use sea_orm::ConnectionTrait;

#[tokio::test]
async fn step_103_keeps_every_audit_row_and_its_moment() {
    let database = recorded().await;
    let db = database.conn();
    pattern(db, 1, "usage_count = 1").await;
    let upper = "AAAAAAAA-0000-4000-8000-00000000000A";
    sql(
        db,
        &format!(
            "INSERT INTO permission_audit_log VALUES
                 ('{upper}', 1734512345678, '{0}', 'minimal', 'readonly', 1, 'user', NULL, 'read'),
                 ('{1}', 1734512345001, '{0}', 'minimal', 'minimal', 0, NULL, 'why', NULL),
                 ('audit-7', 0, '{0}', 'root', 'everything', 2, NULL, 'because', 'sudo')",
            uuid(1),
            upper.to_lowercase()
        ),
    )
    .await;
    up_to(&database, 103).await;
    assert_eq!(
        texts(db, "SELECT concat_ws('|', id = ANY (ARRAY[md5('AAAAAAAA-0000-4000-8000-00000000000A'), md5('audit-7')]::uuid[]), timestamp AT TIME ZONE 'UTC', from_set, to_set, approved, reason, detected_operation)
                   FROM permission_audit_log ORDER BY timestamp").await,
        [
            "t|1970-01-01 00:00:00|minimal|minimal|t|because; recorded from_set: root; recorded to_set: everything; recorded operation: sudo",
            "f|2024-12-18 08:59:05.001|minimal|minimal|f|why",
            "t|2024-12-18 08:59:05.678|minimal|readonly|t|read",
        ]
    );
    down_to(&database, 102).await;
    assert_eq!(texts(db, "SELECT concat_ws(' ', timestamp, approved) FROM permission_audit_log ORDER BY timestamp").await, ["0 1", "1734512345001 0", "1734512345678 1"]);
}

#[tokio::test]
async fn the_audit_trail_is_append_only_and_keeps_its_capability() {
    let database = recorded().await;
    let db = database.conn();
    pattern(db, 1, "usage_count = 1").await;
    pattern(db, 2, "usage_count = 1").await;
    up_to(&database, 110).await;
    sql(db, &format!("INSERT INTO permission_audit_log (capability_id, from_set, to_set, approved) VALUES ('{}', 'minimal', 'readonly', true)", uuid(1))).await;
    for statement in [
        "DELETE FROM permission_audit_log",
        "DELETE FROM permission_audit_log WHERE false",
        "TRUNCATE permission_audit_log",
        "TRUNCATE workflow_pattern CASCADE",
        "UPDATE permission_audit_log SET approved = false",
        "UPDATE permission_audit_log SET id = gen_random_uuid()",
        "UPDATE permission_audit_log SET reason = 'no', capability_id = capability_id",
    ] {
        let error = db
            .execute_unprepared(statement)
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("append-only"), "{statement}: {error}");
    }
    let error = db
        .execute_unprepared(&format!(
            "DELETE FROM workflow_pattern WHERE pattern_id = '{}'",
            uuid(1)
        ))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("fk_permission_audit_capability"),
        "{error}"
    );
    // A merge moves the rows of the pattern that goes.
    sql(db, &format!("UPDATE permission_audit_log SET capability_id = '{}'; DELETE FROM workflow_pattern WHERE pattern_id = '{}'", uuid(2), uuid(1))).await;
    assert_eq!(
        text(db, "SELECT count(*) FROM permission_audit_log").await,
        "1"
    );
}
