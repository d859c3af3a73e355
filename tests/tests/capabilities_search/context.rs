//! Search by the tools at hand.

use pml_service::capabilities::{ContextOptions, by_context};
use pml_service::{Db, Principal};
use pml_testkit::database;

use super::data::{capability, close, entry, user};

const LOCAL: &Principal = &Principal::Local;

async fn fitting(
    db: &Db,
    who: &Principal,
    tools: &[&str],
    options: &ContextOptions,
) -> Vec<(String, f64)> {
    let tools: Vec<String> = tools.iter().map(|tool| (*tool).to_owned()).collect();
    let found = by_context(db, who, &tools, options).await.unwrap();
    found
        .into_iter()
        .map(|hit| (hit.display_name, hit.overlap))
        .collect()
}

fn all() -> ContextOptions {
    ContextOptions {
        min_overlap: 0.0,
        limit: Some(100),
    }
}

/// AT-71.
#[tokio::test]
async fn no_tools_find_nothing_without_asking_the_database() {
    let test = database().await;
    capability("none", 0.0).add(test.db()).await;
    capability("some", 0.0).tools(&["a:b"]).add(test.db()).await;
    let before = test.db().statements().snapshot();
    let long = "x".repeat(257);
    for tools in [&[][..], &["", &long][..]] {
        assert!(fitting(test.db(), LOCAL, tools, &all()).await.is_empty());
    }
    assert_eq!(test.db().statements().since(&before).statements, 0);
}

#[tokio::test]
async fn the_largest_overlap_comes_first_then_the_most_used() {
    let test = database().await;
    let db = test.db();
    capability("half", 0.0)
        .tools(&["a:a", "x:x"])
        .record(99, 99)
        .add(db)
        .await;
    capability("whole_used", 0.0)
        .tools(&["a:a", "b:b"])
        .record(9, 9)
        .add(db)
        .await;
    capability("whole", 0.0)
        .tools(&["a:a"])
        .record(1, 1)
        .add(db)
        .await;
    capability("third", 0.0)
        .tools(&["a:a", "x:x", "y:y"])
        .add(db)
        .await;
    capability("quarter", 0.0)
        .tools(&["a:a", "x:x", "y:y", "z:z"])
        .add(db)
        .await;
    capability("no_tools", 0.0).add(db).await;
    capability("others", 0.0).tools(&["c:c"]).add(db).await;
    let before = db.statements().snapshot();
    let found = fitting(
        db,
        LOCAL,
        &["a:a", "b:b", "q:q"],
        &ContextOptions::default(),
    )
    .await;
    assert_eq!(db.statements().since(&before).statements, 1);
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["ns:whole_used", "ns:whole", "ns:half", "ns:third"]);
    assert!(close(found[2].1, 0.5) && close(found[3].1, 1.0 / 3.0));
    assert_eq!(fitting(db, LOCAL, &["a:a", "b:b"], &all()).await.len(), 5);
    let two = ContextOptions {
        limit: Some(2),
        ..ContextOptions::default()
    };
    assert_eq!(fitting(db, LOCAL, &["a:a", "b:b"], &two).await.len(), 2);
}

/// SEARCH-4 with both sides normalised (K18), and a repeated tool counted once (D35).
#[tokio::test]
async fn every_spelling_of_a_tool_is_the_same_tool_once() {
    let test = database().await;
    capability("a", 0.0)
        .tools(&[
            "pml.mcp.std.psql_query.db48",
            "std:psql_query",
            "mcp__fs__read",
            "code:add",
        ])
        .add(test.db())
        .await;
    for tools in [
        &["std:psql_query", "fs:read"][..],
        &[
            "mcp.std.psql_query",
            "mcp__fs__read",
            "pml.mcp.fs.read.0000",
        ][..],
    ] {
        let found = fitting(test.db(), LOCAL, tools, &all()).await;
        assert!(close(found[0].1, 2.0 / 3.0), "{found:?}");
    }
}

#[tokio::test]
async fn only_visible_ones_are_found_and_each_pattern_once() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "default").await;
    let bob = user(db, "bob", "market", "default").await;
    let made = capability("a", 0.0)
        .tools(&["a:a"])
        .of(&alice, "private")
        .add(db)
        .await;
    entry(
        db,
        made.pattern_id,
        &capability("b", 0.0).of(&alice, "private"),
    )
    .await;
    assert_eq!(fitting(db, &alice, &["a:a"], &all()).await.len(), 1);
    assert!(fitting(db, &bob, &["a:a"], &all()).await.is_empty());
    assert!(
        fitting(db, &Principal::Anonymous, &["a:a"], &all())
            .await
            .is_empty()
    );
    assert_eq!(fitting(db, LOCAL, &["a:a"], &all()).await.len(), 1);
}

#[tokio::test]
async fn overlaps_and_limits_outside_the_range_are_refused() {
    let test = database().await;
    let code = async |options: ContextOptions| {
        by_context(test.db(), LOCAL, &["a:a".to_owned()], &options)
            .await
            .unwrap_err()
            .code()
    };
    for min_overlap in [-0.1, 1.1, f64::NAN] {
        assert_eq!(
            code(ContextOptions {
                min_overlap,
                limit: None
            })
            .await,
            "invalid_filter"
        );
    }
    assert_eq!(
        code(ContextOptions {
            min_overlap: 0.0,
            limit: Some(0)
        })
        .await,
        "invalid_limit"
    );
}
