//! Every tool that is named is a row (107).

use crate::old_system::{VECTOR, sql, text, texts};
use crate::{down_to, recorded, up_to};
use sea_orm::ConnectionTrait;

#[tokio::test]
async fn step_107_makes_a_row_for_every_tool_that_is_named() {
    let database = recorded().await;
    let db = database.conn();
    sql(
        db,
        &format!(
            "INSERT INTO tool_schema (tool_id, server_id, name, input_schema) VALUES ('fs:read', 'fs', 'read', '{{\"a\": 1}}'),
                 ('code:map', 'code', 'map', '{{\"b\": 1}}');
             INSERT INTO tool_schema (tool_id, server_id, name, description, input_schema)
                 VALUES ('code:now', 'code', 'now', 'The time', '{{}}');
             INSERT INTO tool_embedding (tool_id, server_id, tool_name, embedding, metadata) VALUES
                 ('fs:read', 'fs', 'read', {VECTOR}, NULL),
                 ('code:filter', 'code', 'filter', {VECTOR}, '{{\"source\": \"pure_operations\", \"description\": \"Keeps some\"}}'),
                 ('math:add', 'math', 'plus', {VECTOR}, '{{\"source\": \"pure_operations\"}}'),
                 ('gone:tool', 'gone', 'tool', {VECTOR}, '{{\"source\": \"workflow_sync\"}}');
             INSERT INTO tool_dependency (from_tool_id, to_tool_id) VALUES ('fs:read', 'loop:for'), ('a:b:c', 'plain'), (':x', 'y:')"
        ),
    )
    .await;
    up_to(&database, 107).await;
    let tools = "SELECT concat_ws('|', tool_id, server_id, name, kind, description, input_schema) FROM tool_schema ORDER BY tool_id COLLATE \"C\"";
    assert_eq!(
        texts(db, tools).await,
        [
            ":x|unknown|x|unresolved|{}",
            "a:b:c|a|b:c|unresolved|{}",
            "code:filter|code|filter|operation|Keeps some|{}",
            "code:map|code|map|operation|{\"b\": 1}",
            "code:now|code|now|operation|The time|{}",
            "fs:read|fs|read|mcp|{\"a\": 1}",
            "gone:tool|gone|tool|unresolved|{}",
            "loop:for|loop|for|operation|{}",
            "math:add|math|plus|operation|{}",
            "plain|unknown|plain|unresolved|{}",
            "y:|y|y:|unresolved|{}",
        ]
    );
    assert_eq!(
        texts(
            db,
            "SELECT DISTINCT model || content_hash FROM tool_embedding"
        )
        .await,
        ["bge-m3"]
    );
    for (statement, constraint) in [
        (
            "INSERT INTO tool_dependency (from_tool_id, to_tool_id) VALUES ('no:tool', 'fs:read')",
            "tool_dependency_from_tool_id_fkey",
        ),
        (
            "INSERT INTO tool_dependency (from_tool_id, to_tool_id) VALUES ('fs:read', 'no:tool')",
            "tool_dependency_to_tool_id_fkey",
        ),
        (
            "UPDATE tool_schema SET kind = 'other'",
            "tool_schema_kind_check",
        ),
        (
            "UPDATE tool_schema SET content_hash = 'ABC'",
            "tool_schema_content_hash_check",
        ),
    ] {
        let error = db.execute_unprepared(statement).await.unwrap_err();
        assert!(error.to_string().contains(constraint), "{error}");
    }
    sql(db, "DELETE FROM tool_schema WHERE tool_id = 'fs:read'").await;
    assert_eq!(text(db, "SELECT (SELECT count(*) FROM tool_embedding) || ' ' || (SELECT count(*) FROM tool_dependency)").await, "3 2");
    // What an edge or a vector brings back goes; what only its own row knows stays.
    down_to(&database, 106).await;
    assert_eq!(
        texts(db, "SELECT tool_id FROM tool_schema ORDER BY 1").await,
        ["code:map", "code:now", "loop:for"]
    );
    assert_eq!(text(db, "SELECT (SELECT count(*) FROM tool_embedding) || ' ' || (SELECT count(*) FROM tool_dependency)").await, "3 2");
}
