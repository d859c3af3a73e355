//! Edges from saved code to what it calls, and levels.

use pml_entity::values::{CapabilityId, EdgeSource, EdgeType, Visibility};
use pml_service::Principal;
use pml_service::capabilities::{Reference, SaveRequest, delete, get, merge};
use pml_service::embedding::HashingEmbedder;
use pml_service::tools::{self, SyncOptions, ToolDefinition};
use pml_testkit::database;
use serde_json::json;

use crate::given::{
    calling, edge, legacy_contains, level, near, rows, run, run_with, save_as, saved,
    saved_calling, user,
};

/// AT-65.
#[tokio::test]
async fn a_capability_stands_one_above_the_highest_it_calls() {
    let test = database().await;
    let db = test.db();
    let nothing = saved(db, run("nothing()", "i")).await;
    let tools_only = saved(db, run_with("c1()", &["fs:a"])).await;
    assert_eq!(
        (nothing.hierarchy_level, tools_only.hierarchy_level),
        (0, 1)
    );
    let two = saved_calling(db, "c2", &[tools_only.id]).await;
    assert_eq!(two.hierarchy_level, 2);
    let three = saved_calling(db, "p", &[tools_only.id, two.id]).await;
    assert_eq!(three.hierarchy_level, 3);
    assert_eq!(level(db, &three).await, 3);
    let over_nothing = saved_calling(db, "q", &[nothing.id]).await;
    assert_eq!(over_nothing.hierarchy_level, 1);
}

#[tokio::test]
async fn everything_above_a_capability_rises_with_it_and_nothing_falls() {
    let test = database().await;
    let db = test.db();
    let low = saved(db, run("low()", "i")).await;
    let middle = saved_calling(db, "middle", &[low.id]).await;
    let top = saved_calling(db, "top", &[middle.id, low.id]).await;
    let beside = saved_calling(db, "beside", &[low.id]).await;
    assert_eq!((middle.hierarchy_level, top.hierarchy_level), (1, 2));
    saved(db, run_with("low()", &["fs:a"])).await;
    let levels = [
        level(db, &low).await,
        level(db, &middle).await,
        level(db, &top).await,
        level(db, &beside).await,
    ];
    assert_eq!(levels, [1, 2, 3, 2]);
    saved(db, run("low()", "i")).await;
    assert_eq!(level(db, &low).await, 1);
}

/// DEP-9, DEP-1.
#[tokio::test]
async fn references_in_the_code_become_inferred_edges_and_three_runs_make_them_observed() {
    let test = database().await;
    let db = test.db();
    let child = saved(db, run_with("child()", &["fs:a"])).await;
    let parent = saved_calling(db, "parent", &[child.id]).await;
    let one = edge(db, parent.pattern_id, child.pattern_id).await.unwrap();
    assert_eq!(
        (one.edge_type, one.edge_source, one.observed_count),
        (EdgeType::Contains, EdgeSource::Inferred, 1)
    );
    near(one.confidence_score, 0.56);
    saved_calling(db, "parent", &[child.id]).await;
    saved_calling(db, "parent", &[child.id]).await;
    let three = edge(db, parent.pattern_id, child.pattern_id).await.unwrap();
    assert_eq!(
        (three.edge_source, three.observed_count),
        (EdgeSource::Observed, 3)
    );
    near(three.confidence_score, 0.8);
}

#[tokio::test]
async fn a_child_is_named_by_a_node_a_tool_or_the_code_and_counts_once() {
    let test = database().await;
    let db = test.db();
    let named = |code: &str, action: &str| SaveRequest {
        namespace: Some("files".to_owned()),
        action: Some(action.to_owned()),
        ..run_with(code, &["fs:a"])
    };
    let by_tool = saved(db, named("one()", "one")).await;
    let by_node = saved(db, named("two()", "two")).await;
    let by_graph_node = saved(db, named("three()", "three")).await;
    let parent = SaveRequest {
        tools_used: vec!["fs:a".to_owned(), "local.default.files.one.0000".to_owned()],
        static_structure: Some(json!({"nodes": [
            {"id": "n1", "type": "capability", "capabilityId": by_node.id},
            {"id": "n2", "type": "capability", "capabilityId": by_graph_node.id.graph_node()},
            {"id": "n3", "type": "task", "tool": "fs:a"},
        ]})),
        ..run(&calling("p", &[by_node.id, by_node.id]), "i")
    };
    let parent = saved(db, parent).await;
    assert_eq!(parent.warnings, Vec::<String>::new());
    for child in [&by_tool, &by_node, &by_graph_node] {
        let edge = edge(db, parent.pattern_id, child.pattern_id).await.unwrap();
        assert_eq!(edge.observed_count, 1);
    }
    assert_eq!(rows(db).await[2], 3);
}

/// D33.
#[tokio::test]
async fn a_live_tool_of_that_name_is_a_tool_and_no_child() {
    let test = database().await;
    let db = test.db();
    let shadow = SaveRequest {
        namespace: Some("files".to_owned()),
        action: Some("read".to_owned()),
        ..run("shadow()", "i")
    };
    let shadow = saved(db, shadow).await;
    let offer = |names: &[&str]| {
        let offered = names.iter().map(|name| ToolDefinition {
            name: (*name).to_owned(),
            description: None,
            input_schema: json!({}),
            output_schema: None,
        });
        tools::sync_server(
            db,
            &HashingEmbedder,
            "files",
            offered.collect(),
            SyncOptions::default(),
        )
    };
    offer(&["read", "write"]).await.unwrap();
    saved(db, run_with("p()", &["files:read"])).await;
    assert_eq!(rows(db).await[2], 0);
    offer(&["write"]).await.unwrap();
    let parent = saved(db, run_with("p()", &["files:read"])).await;
    assert!(
        edge(db, parent.pattern_id, shadow.pattern_id)
            .await
            .is_some()
    );
}

/// D11, D33.
#[tokio::test]
async fn a_hidden_child_is_answered_like_an_unknown_one() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "web").await;
    let bob = user(db, "bob", "other", "web").await;
    let request = |visibility| SaveRequest {
        visibility: Some(visibility),
        namespace: Some("files".to_owned()),
        action: Some(format!("of_{visibility}")),
        ..run(&format!("{visibility}()"), "i")
    };
    let hidden = save_as(db, &bob, request(Visibility::Private))
        .await
        .unwrap();
    let public = save_as(db, &bob, request(Visibility::Public))
        .await
        .unwrap();
    let unknown = CapabilityId::generate();
    let code = calling("p", &[hidden.id, public.id, unknown]);
    let tools = ["files:of_private", "files:of_public"].map(str::to_owned);
    let parent = SaveRequest {
        tools_used: tools.to_vec(),
        ..run(&code, "i")
    };
    let parent = save_as(db, &alice, parent).await.unwrap();
    assert!(
        edge(db, parent.pattern_id, public.pattern_id)
            .await
            .is_some()
    );
    assert!(
        edge(db, parent.pattern_id, hidden.pattern_id)
            .await
            .is_none()
    );
    let mut expected = [hidden.id, unknown]
        .map(|id| format!("$cap:{id} names no capability with code: no edge leads to it"));
    expected.sort();
    assert_eq!(parent.warnings, expected);
}

/// K12.
#[tokio::test]
async fn a_child_that_already_contains_its_caller_is_left_out_and_reported() {
    let test = database().await;
    let db = test.db();
    let low = saved(db, run_with("low()", &["fs:a"])).await;
    let middle = saved_calling(db, "middle", &[low.id]).await;
    let top = saved_calling(db, "top", &[middle.id]).await;
    let other = saved(db, run_with("other()", &["fs:b"])).await;
    // The next run of `low` calls `top`, says its structure.
    let again = SaveRequest {
        tools_used: vec![format!("$cap:{}", top.id), format!("$cap:{}", other.id)],
        ..run("low()", "i")
    };
    let again = saved(db, again).await;
    assert_eq!(again.pattern_id, low.pattern_id);
    assert_eq!(again.warnings.len(), 1);
    assert!(
        again.warnings[0].starts_with(&top.display_name),
        "{:?}",
        again.warnings
    );
    assert!(edge(db, low.pattern_id, top.pattern_id).await.is_none());
    assert!(edge(db, low.pattern_id, other.pattern_id).await.is_some());
    assert_eq!(again.hierarchy_level, 2);
    assert_eq!((level(db, &middle).await, level(db, &top).await), (3, 4));
}

/// D33.
#[tokio::test]
async fn code_that_calls_itself_gains_no_level() {
    let test = database().await;
    let db = test.db();
    let one = saved(db, run_with("x()", &["fs:a"])).await;
    for _ in 0..3 {
        let again = run_with("x()", &["fs:a", &format!("$cap:{}", one.id)]);
        let again = saved(db, again).await;
        assert_eq!(
            (again.pattern_id, again.hierarchy_level),
            (one.pattern_id, 1)
        );
        assert!(
            again.warnings[0].starts_with("it calls itself"),
            "{:?}",
            again.warnings
        );
    }
    assert_eq!(rows(db).await[2], 0);
}

#[tokio::test]
async fn levels_end_on_stored_cycles_and_do_not_grow_with_every_save() {
    let test = database().await;
    let db = test.db();
    let low = saved(db, run("low()", "i")).await;
    let left = saved_calling(db, "left", &[low.id]).await;
    let right = saved_calling(db, "right", &[left.id]).await;
    let top = saved_calling(db, "top", &[right.id]).await;
    legacy_contains(db, &left, &right).await;
    legacy_contains(db, &low, &top).await;
    let levels = || async {
        [
            level(db, &low).await,
            level(db, &left).await,
            level(db, &right).await,
            level(db, &top).await,
        ]
    };
    saved(db, run_with("low()", &["fs:a"])).await;
    let after_first = levels().await;
    for _ in 0..3 {
        saved(db, run_with("low()", &["fs:a"])).await;
        saved_calling(db, "left", &[low.id]).await;
        saved_calling(db, "right", &[left.id]).await;
        saved_calling(db, "top", &[right.id]).await;
    }
    let after_many = levels().await;
    assert_eq!(after_many, after_first);
    assert!(
        after_first.iter().all(|level| *level <= 5),
        "{after_first:?}"
    );
}

#[tokio::test]
async fn an_edge_of_another_kind_keeps_its_kind() {
    let test = database().await;
    let db = test.db();
    let child = saved(db, run_with("child()", &["fs:a"])).await;
    let parent = saved(db, run("parent()", "i")).await;
    pml_service::capabilities::dependencies::add(
        db,
        &Principal::Local,
        &crate::given::by_id(&parent),
        &crate::given::by_id(&child),
        EdgeType::Sequence,
        EdgeSource::Inferred,
    )
    .await
    .unwrap();
    saved(db, run_with("parent()", &[&format!("$cap:{}", child.id)])).await;
    let edge = edge(db, parent.pattern_id, child.pattern_id).await.unwrap();
    assert_eq!(
        (edge.edge_type, edge.observed_count),
        (EdgeType::Sequence, 2)
    );
    near(edge.confidence_score, 0.35);
}

/// Stored code keeps the ids it was written with.
#[tokio::test]
async fn code_that_calls_a_merged_capability_calls_the_one_it_went_into() {
    let test = database().await;
    let db = test.db();
    let source = saved(db, run("source()", "i")).await;
    let target = saved(db, run("target()", "i")).await;
    let who = Principal::Local;
    let (from, to) = (Reference::Id(source.id), Reference::Id(target.id));
    merge(db, &who, &from, &to, Some(false)).await.unwrap();
    let found = get(db, &who, &from).await.unwrap();
    assert_eq!(found.id, target.id);
    let warning = found.warning.unwrap();
    assert!(
        warning.contains("was merged") && warning.contains(&target.display_name),
        "{warning}"
    );
    let parent = saved_calling(db, "parent", &[source.id]).await;
    assert_eq!(parent.warnings, Vec::<String>::new());
    assert!(
        edge(db, parent.pattern_id, target.pattern_id)
            .await
            .is_some()
    );
    // Who may not see the target learns nothing from the old id.
    let stranger = user(db, "stranger", "other", "web").await;
    assert_eq!(
        get(db, &stranger, &from).await.unwrap_err().code(),
        "not_found"
    );
}

/// DEP-10: X contains S and stands at 2; T stands at 3. When S goes into T, X contains T.
#[tokio::test]
async fn what_contained_a_merged_capability_rises_above_the_one_it_went_into() {
    let test = database().await;
    let db = test.db();
    let low = saved(db, run_with("low()", &["fs:a"])).await;
    let middle = saved_calling(db, "middle", &[low.id]).await;
    let mut target = run_with(&calling("target()", &[middle.id]), &["fs:a"]);
    target.intent = "target".to_owned();
    let target = saved(db, target).await;
    let source = saved(db, run_with("source()", &["fs:a"])).await;
    let over = saved_calling(db, "over", &[source.id]).await;
    assert_eq!(
        (target.hierarchy_level, over.hierarchy_level),
        (3, 2),
        "given"
    );
    let who = Principal::Local;
    let (from, to) = (Reference::Id(source.id), Reference::Id(target.id));
    merge(db, &who, &from, &to, Some(false)).await.unwrap();
    assert_eq!(level(db, &target).await, 3);
    assert_eq!(level(db, &over).await, 4);
}

/// Nobody means the survivor of a merge by the name of what is gone.
#[tokio::test]
async fn an_old_name_deletes_nothing_and_is_no_source_of_a_merge() {
    let test = database().await;
    let db = test.db();
    let who = Principal::Local;
    let first = saved(db, run("first()", "i")).await;
    let second = saved(db, run("second()", "i")).await;
    let third = saved(db, run("third()", "i")).await;
    let id = |of: &pml_service::capabilities::Saved| Reference::Id(of.id);
    merge(db, &who, &id(&first), &id(&second), Some(false))
        .await
        .unwrap();
    for gone in [id(&first), first.display_name.parse().unwrap()] {
        assert!(get(db, &who, &gone).await.unwrap().warning.is_some());
        let deleted = delete(db, &who, &gone).await;
        assert_eq!(deleted.unwrap_err().code(), "not_found");
        let merged = merge(db, &who, &gone, &id(&third), Some(false)).await;
        assert_eq!(merged.unwrap_err().code(), "not_found");
    }
    assert!(get(db, &who, &id(&second)).await.unwrap().warning.is_none());
}
