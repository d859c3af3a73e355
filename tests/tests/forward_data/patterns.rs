//! Patterns and the view that names them (102, 110).

use crate::old_system::{sql, text, texts, uuid};
use crate::{down_to, pattern, recorded, up_to};

#[tokio::test]
async fn step_102_derives_the_mean_from_the_total_and_finds_owners() {
    let database = recorded().await;
    let db = database.conn();
    let owner = "AAAAAAAA-0000-4000-8000-00000000000A";
    sql(
        db,
        &format!("INSERT INTO users (id, username) VALUES ('{owner}', 'ann')"),
    )
    .await;
    pattern(db, 1, &format!("usage_count = 4, avg_duration_ms = 25, created_by = '{owner}', permission_set = 'network-api'")).await;
    pattern(db, 2, "usage_count = 0, avg_duration_ms = 9, created_by = 'local', permission_set = 'everything', source = 'guess'").await;
    pattern(
        db,
        3,
        &format!(
            "created_by = '{}', permission_set = NULL, source = NULL",
            uuid(0xff)
        ),
    )
    .await;
    up_to(&database, 102).await;
    let rows = "SELECT concat_ws(' ', total_duration_ms, avg_duration_ms, permission_set, source, user_id) FROM workflow_pattern ORDER BY pattern_id";
    assert_eq!(
        texts(db, rows).await,
        [
            &format!("100 25 network-api emergent {}", owner.to_lowercase()),
            "0 0 minimal emergent",
            "0 0 minimal emergent"
        ]
    );
    sql(db, &format!("UPDATE workflow_pattern SET usage_count = 3, total_duration_ms = 200 WHERE pattern_id = '{}'", uuid(1))).await;
    assert_eq!(
        text(db, rows).await,
        format!("200 66 network-api emergent {}", owner.to_lowercase())
    );
    sql(db, "DELETE FROM users").await;
    assert_eq!(
        text(
            db,
            "SELECT count(*) FROM workflow_pattern WHERE user_id IS NULL"
        )
        .await,
        "3"
    );
    down_to(&database, 101).await;
    assert_eq!(
        texts(
            db,
            "SELECT avg_duration_ms FROM workflow_pattern ORDER BY pattern_id"
        )
        .await,
        ["66", "0", "0"]
    );
}

#[tokio::test]
async fn step_110_joins_the_registry_with_the_code_through_the_pattern_id() {
    let database = recorded().await;
    let db = database.conn();
    pattern(db, 1, "code_hash = repeat('ab', 32), usage_count = 3").await;
    sql(
        db,
        &format!(
            "INSERT INTO capability_records (id, org, project, namespace, action, hash, workflow_pattern_id) VALUES
                 ('{}', 'o', 'p', 'mail', 'send', 'abab', '{}'), ('{}', 'o', 'p', 'mail', 'lost', 'cdcd', NULL)",
            uuid(0xa),
            uuid(1),
            uuid(0xb)
        ),
    )
    .await;
    up_to(&database, 110).await;
    assert_eq!(
        texts(db, "SELECT concat_ws('|', right(id::text, 1), right(pattern_id::text, 1), fqdn, display_name, left(code_hash, 4), usage_count, avg_duration_ms) FROM capability ORDER BY id").await,
        ["a|1|o.p.mail.send.abab|mail:send|abab|3|0", "b|o.p.mail.lost.cdcd|mail:lost"]
    );
}
