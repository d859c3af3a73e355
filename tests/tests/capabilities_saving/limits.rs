//! What is refused, and that nothing is written then.

use pml_service::capabilities::{
    MAX_CODE_BYTES, MAX_DESCRIPTION_BYTES, MAX_INTENT_BYTES, MAX_INVOCATIONS, MAX_TOOL_CHARS,
    MAX_TOOLS, SaveRequest,
};
use pml_service::{Db, Principal};
use pml_testkit::database;
use serde_json::json;

use crate::given::{pattern, rows, run, run_with, save_as, saved};

async fn refused(db: &Db, request: SaveRequest, code: &str) {
    let shown = format!("{request:?}").chars().take(200).collect::<String>();
    let refused = save_as(db, &Principal::Local, request).await;
    assert_eq!(refused.expect_err(&shown).code(), code, "{shown}");
}

#[tokio::test]
async fn bad_requests_are_refused_each_with_its_word_and_nothing_is_written() {
    let test = database().await;
    let db = test.db();
    for code in ["", "  \n", "// only a comment", "/* only */ // comments"] {
        refused(db, run(code, "i"), "invalid_code").await;
    }
    refused(db, run("a\0b", "i"), "invalid_code").await;
    refused(
        db,
        run(&"x".repeat(MAX_CODE_BYTES + 1), "i"),
        "code_too_large",
    )
    .await;
    for intent in ["", " \t", "a\0b", &"x".repeat(MAX_INTENT_BYTES + 1)] {
        refused(db, run("x()", intent), "invalid_intent").await;
    }
    for duration_ms in [-1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e16] {
        let request = SaveRequest {
            duration_ms,
            ..run("x()", "i")
        };
        refused(db, request, "invalid_duration").await;
    }
    for description in ["a\0b", &"x".repeat(MAX_DESCRIPTION_BYTES + 1)] {
        let request = SaveRequest {
            description: Some(description.to_owned()),
            ..run("x()", "i")
        };
        refused(db, request, "invalid_document").await;
    }
    for tool in [
        "",
        " ",
        " fs:a",
        "fs:a ",
        "a\0b",
        &"x".repeat(MAX_TOOL_CHARS + 1),
    ] {
        refused(db, run_with("x()", &[tool]), "invalid_tool_id").await;
    }
    refused(
        db,
        run_with("x()", &["fs:a"; MAX_TOOLS + 1]),
        "invalid_document",
    )
    .await;
    let calls = |calls| SaveRequest {
        tool_invocations: calls,
        ..run("x()", "i")
    };
    for bad in [
        vec![json!({}); MAX_INVOCATIONS + 1],
        vec![json!("fs:a")],
        vec![json!({"tool": "a\0b"})],
    ] {
        refused(db, calls(bad), "invalid_document").await;
    }
    for document in [json!([]), json!("x"), json!({"a": {"b\0": 1}})] {
        let structure = SaveRequest {
            static_structure: Some(document.clone()),
            ..run("x()", "i")
        };
        refused(db, structure, "invalid_document").await;
        let schema = SaveRequest {
            parameters_schema: Some(document),
            ..run("x()", "i")
        };
        refused(db, schema, "invalid_document").await;
    }
    assert_eq!(rows(db).await, [0; 4]);
}

#[tokio::test]
async fn names_and_tags_follow_the_rules_of_the_registry() {
    let test = database().await;
    let db = test.db();
    let named = |namespace: Option<&str>, action: Option<&str>| SaveRequest {
        namespace: namespace.map(str::to_owned),
        action: action.map(str::to_owned),
        ..run("x()", "i")
    };
    refused(db, named(Some("Files"), Some("read")), "invalid_namespace").await;
    refused(
        db,
        named(Some("files"), Some("exec_12345678")),
        "invalid_action",
    )
    .await;
    refused(db, named(Some("files"), None), "invalid_action").await;
    refused(db, named(None, Some("read")), "invalid_namespace").await;
    let tagged = SaveRequest {
        tags: vec![" ".to_owned()],
        ..run("x()", "i")
    };
    refused(db, tagged, "invalid_tag").await;
    assert_eq!(rows(db).await, [0; 4]);
}

#[tokio::test]
async fn nobody_saves_nothing() {
    let test = database().await;
    let refused = save_as(test.db(), &Principal::Anonymous, run("x()", "i")).await;
    assert_eq!(refused.unwrap_err().code(), "sign_in_required");
    assert_eq!(rows(test.db()).await, [0; 4]);
}

#[tokio::test]
async fn the_largest_of_everything_is_saved() {
    let test = database().await;
    let db = test.db();
    let tools: Vec<String> = (0..MAX_TOOLS)
        .map(|n| format!("s:{n:0>width$}", width = MAX_TOOL_CHARS - 2))
        .collect();
    let largest = SaveRequest {
        duration_ms: 9_007_199_254_740_991.0,
        description: Some("d".repeat(MAX_DESCRIPTION_BYTES)),
        tools_used: tools.clone(),
        tool_invocations: vec![json!({"tool": "s:1"}); MAX_INVOCATIONS],
        ..run(&"x".repeat(MAX_CODE_BYTES), &"y".repeat(MAX_INTENT_BYTES))
    };
    let one = saved(db, largest.clone()).await;
    let row = pattern(db, one.pattern_id).await;
    assert_eq!(row.dag_structure.tools_used, tools);
    assert_eq!(row.avg_duration_ms, 9_007_199_254_740_991);
    assert_eq!(saved(db, largest).await.usage_count, 2);
}

#[tokio::test]
async fn blanks_around_an_intent_are_dropped_and_durations_rounded() {
    let test = database().await;
    let request = SaveRequest {
        duration_ms: 100.5,
        description: Some("  ".to_owned()),
        ..run("x()", "  Read a file\n")
    };
    let one = saved(test.db(), request).await;
    let row = pattern(test.db(), one.pattern_id).await;
    assert_eq!(row.total_duration_ms, 101);
    assert_eq!(row.description.as_deref(), Some("Read a file"));
    assert_eq!(
        row.dag_structure.intent_text.as_deref(),
        Some("Read a file")
    );
}
