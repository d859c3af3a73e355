//! A tool has one short id, whether Rust or the generated column of the database makes it.

use pml_service::capabilities::tool_id;
use pml_testkit::database;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::json;

/// Pieces that every spelling of a tool is made of.
const PIECES: [&str; 9] = ["mcp", ".", "__", "_", ":", "s", "read", "v1", "std"];

/// FQDN-8 and AT-27, over every text of up to five pieces.
#[tokio::test]
async fn the_database_and_rust_shorten_every_spelling_alike() {
    let database = database().await;
    let mut spellings = vec![String::new()];
    let mut longest = spellings.clone();
    for _ in 0..5 {
        longest = longest
            .iter()
            .flat_map(|start| PIECES.iter().map(move |piece| format!("{start}{piece}")))
            .collect();
        // Every seventh of the longest will do; by then there are 59,049.
        let step = if longest.len() > 10_000 { 7 } else { 1 };
        spellings.extend(longest.iter().step_by(step).cloned());
    }
    let sql = "SELECT used.tool, array_to_string(workflow_pattern_tool_ids(jsonb_build_object('tools_used', jsonb_build_array(used.tool))), '') AS id \
               FROM unnest($1::text[]) AS used(tool)";
    let statement =
        Statement::from_sql_and_values(DbBackend::Postgres, sql, [spellings.clone().into()]);
    let rows = database.db().query_all_raw(statement).await.unwrap();
    assert_eq!(rows.len(), spellings.len());
    for row in rows {
        let tool: String = row.try_get("", "tool").unwrap();
        let id: String = row.try_get("", "id").unwrap();
        assert_eq!(id, tool_id::normalize(&tool), "{tool}");
        assert_eq!(tool_id::normalize(&id), id, "{tool}");
    }
    let statement = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "SELECT workflow_pattern_tool_ids($1) AS ids",
        [json!({"tools_used": ["pml.mcp.std.psql_query.db48", "mcp.std.psql_query", "mcp__std__psql_query", "std:psql_query"]}).into()],
    );
    let row = database
        .db()
        .query_one_raw(statement)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        row.try_get::<Vec<String>>("", "ids").unwrap(),
        ["std:psql_query"]
    );
}
