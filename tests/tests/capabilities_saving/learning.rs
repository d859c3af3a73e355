//! The step after a run: it saves what is worth it, and never gets in the way.

use pml_service::Principal;
use pml_service::capabilities::{Learned, SaveRequest, learn};
use pml_service::embedding::HashingEmbedder;
use pml_testkit::database;
use serde_json::json;

use crate::given::{BrokenEmbedder, rows, run};

/// AT-13.
#[tokio::test]
async fn a_run_with_a_failed_tool_call_is_not_learned() {
    let test = database().await;
    let db = test.db();
    for failed in [
        json!({"tool": "fs:b", "success": false}),
        json!({"tool": "fs:b", "error": "no such file"}),
    ] {
        let request = SaveRequest {
            tool_invocations: vec![json!({"tool": "fs:a", "success": true}), failed],
            ..run("x()", "i")
        };
        let learned = learn(db, &HashingEmbedder, &Principal::Local, request).await;
        assert_eq!(learned, Learned::Skipped("a tool call failed"));
    }
    let failed = SaveRequest {
        success: false,
        ..run("x()", "i")
    };
    let learned = learn(db, &HashingEmbedder, &Principal::Local, failed).await;
    assert_eq!(learned, Learned::Skipped("the run failed"));
    let learned = learn(db, &HashingEmbedder, &Principal::Local, run("x()", " ")).await;
    assert_eq!(learned, Learned::Skipped("no intent is known"));
    assert_eq!(rows(db).await, [0; 4]);
}

#[tokio::test]
async fn the_first_good_run_is_learned_even_without_tools() {
    let test = database().await;
    let learned = learn(
        test.db(),
        &HashingEmbedder,
        &Principal::Local,
        run("x()", "i"),
    )
    .await;
    let Learned::Saved(saved) = learned else {
        panic!("{learned:?}");
    };
    assert!(saved.created);
}

#[tokio::test]
async fn a_failure_of_learning_is_no_failure_of_the_run() {
    let test = database().await;
    let db = test.db();
    let broken = learn(db, &BrokenEmbedder, &Principal::Local, run("x()", "i")).await;
    assert_eq!(broken, Learned::Failed);
    let empty = learn(db, &HashingEmbedder, &Principal::Local, run("", "i")).await;
    assert_eq!(empty, Learned::Failed);
    assert_eq!(rows(db).await, [0; 4]);
}
