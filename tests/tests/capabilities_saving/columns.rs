//! What each column holds after the first save, and after the next ones.

use pml_entity::execution::execution_trace;
use pml_entity::values::{CacheConfig, PatternSource, PermissionSet, Routing, TraceId, Visibility};
use pml_service::Principal;
use pml_service::capabilities::{SaveRequest, code, save};
use pml_service::embedding::{Embedder, HashingEmbedder};
use pml_testkit::database;
use sea_orm::EntityTrait;
use serde_json::json;

use crate::given::{
    BrokenEmbedder, CountingEmbedder, OtherModel, execute, near, number, pattern, record, rows,
    run, run_with, save_as, saved, user,
};

/// AT-01.
#[tokio::test]
async fn the_first_save_makes_one_pattern_with_the_documented_values() {
    let test = database().await;
    let db = test.db();
    let first = saved(
        db,
        SaveRequest {
            duration_ms: 150.0,
            ..run("const x = 1;", "Make a number")
        },
    )
    .await;
    assert_eq!(rows(db).await, [1, 1, 0, 1]);
    assert!(first.created && !first.replayed && first.warnings.is_empty());
    let row = pattern(db, first.pattern_id).await;
    assert_eq!(
        (row.usage_count, row.success_count, row.avg_duration_ms),
        (1, 1, 150)
    );
    near(row.success_rate, 1.0);
    assert_eq!(row.source, PatternSource::Emergent);
    assert_eq!(row.cache_config, CacheConfig::default());
    let hash = row.code_hash.unwrap();
    assert_eq!(hash, code::code_hash("const x = 1;", None));
    assert_eq!(hash.as_str().len(), 64);
    assert_eq!(row.pattern_hash, hash.as_str());
    assert_eq!(row.code_snippet.as_deref(), Some("const x = 1;"));
    assert_eq!(row.description.as_deref(), Some("Make a number"));
    assert_eq!(
        row.embedding_model.as_deref(),
        Some(HashingEmbedder.model_id())
    );
    assert!(!row.embedding_stale);
    assert_eq!(row.dag_structure.kind, "code_execution");
    assert_eq!(
        (
            first.usage_count,
            first.success_count,
            first.avg_duration_ms
        ),
        (1, 1, 150)
    );
}

/// AT-03.
#[tokio::test]
async fn failures_count_as_uses_and_lower_the_success_rate() {
    let test = database().await;
    let db = test.db();
    saved(db, run("x()", "i")).await;
    let failed = SaveRequest {
        success: false,
        ..run("x()", "i")
    };
    near(saved(db, failed).await.success_rate, 0.5);
    let third = saved(db, run("x()", "i")).await;
    near(third.success_rate, 2.0 / 3.0);
    assert_eq!(
        (third.usage_count, third.success_count, third.created),
        (3, 2, false)
    );
    near(pattern(db, third.pattern_id).await.success_rate, 2.0 / 3.0);
}

/// AT-11.
#[tokio::test]
async fn description_and_vector_are_of_the_first_intent_and_the_structure_of_the_last() {
    let test = database().await;
    let db = test.db();
    let first = saved(db, run("x()", "Read a file")).await;
    let before = pattern(db, first.pattern_id).await;
    saved(
        db,
        SaveRequest {
            tools_used: vec!["fs:read".to_owned()],
            description: Some("another".to_owned()),
            ..run("x()", "Count the stars")
        },
    )
    .await;
    let after = pattern(db, first.pattern_id).await;
    assert_eq!(after.description.as_deref(), Some("Read a file"));
    assert_eq!(after.intent_embedding, before.intent_embedding);
    assert_eq!(after.created_at, before.created_at);
    assert_eq!(
        after.dag_structure.intent_text.as_deref(),
        Some("Count the stars")
    );
    assert_eq!(after.tool_ids, ["fs:read"]);
    assert!(after.last_used >= before.last_used);
}

/// AT-15.
#[tokio::test]
async fn a_local_save_has_no_owner() {
    let test = database().await;
    let db = test.db();
    let local = saved(db, run("x()", "i")).await;
    let row = pattern(db, local.pattern_id).await;
    assert_eq!(
        (row.user_id, row.created_by.as_deref()),
        (None, Some("local"))
    );
    let entry = record(db, local.id).await;
    assert_eq!((entry.user_id, entry.created_by.as_str()), (None, "local"));
    assert_eq!(
        (entry.org.as_str(), entry.project.as_str()),
        ("local", "default")
    );
}

/// D02.
#[tokio::test]
async fn an_escalated_permission_survives_the_next_save() {
    let test = database().await;
    let db = test.db();
    let first = saved(db, run("return 1;", "i")).await;
    assert_eq!(first.permission_set, PermissionSet::Minimal);
    execute(
        db,
        "UPDATE workflow_pattern SET permission_set = 'network-api', permission_confidence = 1",
        [],
    )
    .await;
    let second = saved(db, run_with("return 1;", &["filesystem:write"])).await;
    assert_eq!(second.permission_set, PermissionSet::NetworkApi);
    near(second.permission_confidence, 1.0);
    let row = pattern(db, first.pattern_id).await;
    assert_eq!(row.permission_set, PermissionSet::NetworkApi);
}

/// K15, PERM-2.
#[tokio::test]
async fn the_first_save_infers_the_permission_set() {
    let test = database().await;
    let fetching = saved(test.db(), run("await fetch(args.url);", "i")).await;
    assert_eq!(fetching.permission_set, PermissionSet::NetworkApi);
    near(fetching.permission_confidence, 0.9);
    let unknown = saved(test.db(), run_with("y()", &["weather:today"])).await;
    assert_eq!(unknown.permission_set, PermissionSet::McpStandard);
    near(unknown.permission_confidence, 0.5);
}

/// D19.
#[tokio::test]
async fn a_save_without_a_schema_keeps_the_stored_one() {
    let test = database().await;
    let db = test.db();
    let schema = |name: &str| json!({"type": "object", "properties": {name: {}}});
    let with = |document| SaveRequest {
        parameters_schema: document,
        ..run("x()", "i")
    };
    let first = saved(db, with(Some(schema("a")))).await;
    let stored = || async {
        let row = pattern(db, first.pattern_id).await;
        row.parameters_schema.unwrap().into_value()
    };
    saved(db, with(None)).await;
    assert_eq!(stored().await, schema("a"));
    saved(db, with(Some(schema("b")))).await;
    assert_eq!(stored().await, schema("b"));
}

#[tokio::test]
async fn tools_are_stored_once_in_order_of_use_and_the_trace_keeps_the_path() {
    let test = database().await;
    let db = test.db();
    let path = ["std:b", "fs:a", "std:b", "pml.mcp.fs.a.0000"];
    let one = saved(db, run_with("x()", &path)).await;
    let row = pattern(db, one.pattern_id).await;
    assert_eq!(row.dag_structure.tools_used, ["std:b", "fs:a"]);
    assert_eq!(row.tool_ids, ["fs:a", "std:b"]);
    let trace = execution_trace::Entity::find_by_id(one.trace_id)
        .one(db.conn())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(trace.executed_path.unwrap(), path);
    assert_eq!(trace.capability_id, Some(one.pattern_id));
    assert_eq!(trace.initial_context.intent(), Some("intent of x()"));
    near(trace.priority, 0.5);
    assert!(trace.success);
    assert_eq!(record(db, one.id).await.routing, Routing::Local);
}

#[tokio::test]
async fn the_structure_is_stored_only_with_a_node_or_an_edge_and_decides_the_hash() {
    let test = database().await;
    let db = test.db();
    let with = |code: &str, structure| SaveRequest {
        static_structure: Some(structure),
        tool_invocations: vec![json!({"id": "1", "tool": "fs:a", "sequenceIndex": 0})],
        ..run(code, "i")
    };
    let empty = saved(db, with("x()", json!({"nodes": [], "edges": []}))).await;
    let row = pattern(db, empty.pattern_id).await;
    assert_eq!(row.dag_structure.static_structure, None);
    assert_eq!(row.dag_structure.tool_invocations.len(), 1);
    let structure = json!({"nodes": [{"id": "n1", "type": "task", "tool": "fs:a"}], "edges": []});
    let first = saved(db, with("const a = 1;", structure.clone())).await;
    let renamed = saved(db, with("const b = 1;", structure.clone())).await;
    assert_eq!(first.pattern_id, renamed.pattern_id);
    let row = pattern(db, first.pattern_id).await;
    assert_eq!(row.dag_structure.static_structure, Some(structure));
    assert_eq!(row.code_snippet.as_deref(), Some("const a = 1;"));
}

/// D13.
#[tokio::test]
async fn the_same_code_of_two_users_is_two_patterns() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "web").await;
    let bob = user(db, "bob", "acme", "web").await;
    let of_alice = save_as(db, &alice, run("x()", "hers")).await.unwrap();
    let of_bob = save_as(db, &bob, run("x()", "his")).await.unwrap();
    let nobodys = saved(db, run("x()", "local")).await;
    assert_ne!(of_alice.pattern_id, of_bob.pattern_id);
    assert_ne!(of_alice.pattern_id, nobodys.pattern_id);
    assert!(of_bob.created && nobodys.created);
    let hers = pattern(db, of_alice.pattern_id).await;
    let his = pattern(db, of_bob.pattern_id).await;
    assert_eq!(hers.code_hash, his.code_hash);
    assert_ne!(hers.pattern_hash, his.pattern_hash);
    assert_eq!(hers.user_id, alice.user_id());
    assert_eq!(hers.description.as_deref(), Some("hers"));
    assert_eq!(hers.usage_count, 1);
}

#[tokio::test]
async fn what_is_known_is_not_embedded_again() {
    let test = database().await;
    let db = test.db();
    let embedder = CountingEmbedder::default();
    for _ in 0..3 {
        save(db, &embedder, &Principal::Local, run("x()", "i"))
            .await
            .unwrap();
    }
    assert_eq!(embedder.texts(), 1);
    let again = save(db, &BrokenEmbedder, &Principal::Local, run("x()", "i")).await;
    assert_eq!(again.unwrap().usage_count, 4);
}

#[tokio::test]
async fn a_given_vector_is_stored_without_a_model() {
    let test = database().await;
    let db = test.db();
    let given = HashingEmbedder.embed_one("anything").unwrap();
    let request = SaveRequest {
        embedding: Some(given.clone()),
        ..run("x()", "i")
    };
    let one = save(db, &BrokenEmbedder, &Principal::Local, request)
        .await
        .unwrap();
    let row = pattern(db, one.pattern_id).await;
    assert_eq!(row.intent_embedding, given);
    assert_eq!(row.embedding_model, None);
}

#[tokio::test]
async fn vectors_of_two_models_never_meet() {
    let test = database().await;
    let db = test.db();
    saved(db, run("x()", "i")).await;
    let new = save(db, &OtherModel, &Principal::Local, run("y()", "i")).await;
    assert_eq!(new.unwrap_err().code(), "mixed_embedding_models");
    let known = save(db, &OtherModel, &Principal::Local, run("x()", "i")).await;
    assert_eq!(known.unwrap().usage_count, 2);
    assert_eq!(rows(db).await, [1, 1, 0, 2]);
}

#[tokio::test]
async fn without_a_vector_nothing_is_written() {
    let test = database().await;
    let db = test.db();
    let failed = save(db, &BrokenEmbedder, &Principal::Local, run("x()", "i")).await;
    assert_eq!(failed.unwrap_err().code(), "embedder_failed");
    assert_eq!(rows(db).await, [0; 4]);
}

#[tokio::test]
async fn tags_visibility_and_routing_are_those_of_the_first_save() {
    let test = database().await;
    let db = test.db();
    let with = |visibility, routing, tag: &str| SaveRequest {
        visibility: Some(visibility),
        routing: Some(routing),
        tags: vec![tag.to_owned()],
        ..run_with("x()", &["fs:a"])
    };
    let first = saved(db, with(Visibility::Public, Routing::Cloud, "one")).await;
    saved(db, with(Visibility::Private, Routing::Local, "two")).await;
    let entry = record(db, first.id).await;
    assert_eq!(
        (entry.visibility, entry.routing),
        (Visibility::Public, Routing::Cloud)
    );
    assert_eq!(entry.tags, ["one"]);
    let plain = saved(db, run("without_tools()", "i")).await;
    let entry = record(db, plain.id).await;
    assert_eq!(
        (entry.visibility, entry.routing),
        (Visibility::Private, Routing::Cloud)
    );
}

#[tokio::test]
async fn every_save_has_its_own_trace() {
    let test = database().await;
    let db = test.db();
    let id = TraceId::generate();
    let first = saved(
        db,
        SaveRequest {
            trace_id: Some(id),
            ..run("x()", "i")
        },
    )
    .await;
    let second = saved(db, run("x()", "i")).await;
    assert_eq!(first.trace_id, id);
    assert_ne!(second.trace_id, id);
    assert_eq!(number(db, "SELECT count(*) FROM execution_trace").await, 2);
}
