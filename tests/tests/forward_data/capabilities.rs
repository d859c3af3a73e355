//! Owners, tools and names of capabilities (111, 112).

use crate::old_system::{sql, text, texts, uuid};
use crate::{down_to, pattern, recorded, up_to};

const OWNER: &str = "aaaaaaaa-0000-4000-8000-00000000000a";

#[tokio::test]
async fn step_111_lets_two_owners_have_the_same_code_and_keeps_one_pattern_per_owner() {
    let database = recorded().await;
    let db = database.conn();
    sql(
        db,
        &format!("INSERT INTO users (id, username) VALUES ('{OWNER}', 'ann')"),
    )
    .await;
    let code = "ab".repeat(32);
    pattern(
        db,
        1,
        &format!("code_hash = '{code}', pattern_hash = '{code}', created_by = '{OWNER}'"),
    )
    .await;
    up_to(&database, 111).await;
    // SHA-256 of `code_hash:user_id`, made by another program.
    assert_eq!(
        text(db, "SELECT pattern_hash FROM workflow_pattern").await,
        text(
            db,
            &format!("SELECT encode(sha256(convert_to('{code}:{OWNER}', 'UTF8')), 'hex')")
        )
        .await
    );
    assert_eq!(
        text(
            db,
            "SELECT embedding_model || embedding_stale FROM workflow_pattern"
        )
        .await,
        "bge-m3false"
    );
    // Nobody's copy of the same code: one, and not a second.
    pattern(
        db,
        2,
        &format!("code_hash = '{code}', pattern_hash = '{code}'"),
    )
    .await;
    let second = format!(
        "UPDATE workflow_pattern SET user_id = NULL WHERE pattern_id = '{}'",
        uuid(1)
    );
    assert!(
        sea_orm::ConnectionTrait::execute_unprepared(db, &second)
            .await
            .is_err()
    );
    sql(
        db,
        &format!(
            "DELETE FROM workflow_pattern WHERE pattern_id = '{}'",
            uuid(2)
        ),
    )
    .await;
    down_to(&database, 110).await;
    assert_eq!(
        text(db, "SELECT pattern_hash FROM workflow_pattern").await,
        code
    );
}

#[tokio::test]
async fn step_111_reads_every_spelling_of_a_tool_as_one_tool() {
    let database = recorded().await;
    let db = database.conn();
    let used = |number: u32, tools: &str| {
        let set = format!("dag_structure = '{{\"tools_used\": {tools}}}'");
        async move { pattern(db, number, &set).await }
    };
    used(1, r#"["pml.mcp.std.psql_query.db48", "mcp.std.psql_query", "mcp__std__psql_query", "std:psql_query"]"#).await;
    used(2, r#"["b:y", "a.b.c", "mcp.s", "mcp.s.a.b", "", "mcp__s", "mcp__s__", "mcp__a__b__c", 5, null, "code:add", "b:y", "files:read.v1.2.3", "mcp.mcp__x__a"]"#).await;
    used(3, "null").await;
    used(4, r#""fs:read""#).await;
    pattern(db, 5, "dag_structure = '[]'").await;
    up_to(&database, 111).await;
    assert_eq!(
        texts(
            db,
            "SELECT array_to_string(tool_ids, ' ') FROM workflow_pattern ORDER BY pattern_id"
        )
        .await,
        [
            "std:psql_query",
            "a.b.c a:b__c b:y code:add files:read.v1.2.3 mcp__s mcp__s__ s s:a_b x:a",
            "",
            "fs:read",
            ""
        ]
    );
    let broken = r#"UPDATE workflow_pattern SET dag_structure = '{"tools_used": "fs:read"}'"#;
    assert!(
        sea_orm::ConnectionTrait::execute_unprepared(db, broken)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn step_112_leaves_a_name_to_the_entry_in_use_and_the_others_can_still_be_found() {
    let database = recorded().await;
    let db = database.conn();
    pattern(db, 1, "last_used = '2025-12-01'").await;
    pattern(db, 2, "last_used = '2025-12-03'").await;
    for (number, pattern, hash) in [(0xa, "1", "1111"), (0xb, "2", "2222")] {
        let pattern = uuid(pattern.parse().unwrap());
        let statement = format!(
            "INSERT INTO capability_records (id, org, project, namespace, action, hash, workflow_pattern_id) VALUES ('{}', 'o', 'p', 'mail', 'send', '{hash}', '{pattern}')",
            uuid(number)
        );
        sql(db, &statement).await;
    }
    sql(db, &format!("INSERT INTO capability_records (id, org, project, namespace, action, hash) VALUES ('{}', 'o', 'p', 'mail', 'send', '3333')", uuid(0xc))).await;
    up_to(&database, 112).await;
    assert_eq!(
        texts(
            db,
            "SELECT action || ' ' || hash FROM capability_records ORDER BY id"
        )
        .await,
        [
            "send_00000000000a 1111",
            "send 2222",
            "send_00000000000c 3333"
        ]
    );
    assert_eq!(
        texts(
            db,
            "SELECT concat_ws(' ', right(capability_id::text, 1), old_fqdn, new_name) FROM capability_name_history ORDER BY 1"
        )
        .await,
        [
            "a o.p.mail.send.1111 mail:send_00000000000a",
            "c o.p.mail.send.3333 mail:send_00000000000c"
        ]
    );
    down_to(&database, 111).await;
    assert_eq!(
        text(
            db,
            "SELECT count(*) FROM capability_records WHERE action = 'send'"
        )
        .await,
        "3"
    );
}
