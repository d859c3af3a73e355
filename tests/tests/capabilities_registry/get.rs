//! Everything about one capability.

use chrono::Utc;
use pml_entity::values::{PermissionSet, Routing, Visibility};
use pml_service::Principal;
use pml_service::capabilities::{get, list};
use pml_testkit::database;

use crate::fixture::{assert_not_found, day, reference, seed, sql, stored_record, user};

#[tokio::test]
async fn entry_and_code_are_read_together() {
    let test = database().await;
    let db = test.db();
    let me = user(db, "acme", "webapp").await;
    let mut new = seed(&me, "fs:read")
        .visible_to(Visibility::Project)
        .with(|code| {
            code.tools = ["pml.mcp.std.psql_query.db48", "fs:read", "std:psql_query"]
                .map(str::to_owned)
                .to_vec();
            code.total_duration_ms = 1_000;
            code.last_used = day(4);
            code.usage_count = 10;
            code.success_count = 8;
        });
    new.tags = vec!["b".to_owned(), "a".to_owned()];
    let made = new.insert(db).await;
    let found = get(db, &me, &reference("fs:read")).await.unwrap();
    assert_eq!((found.id, found.pattern_id), (made.id, made.pattern_id));
    assert_eq!(found.fqdn, made.fqdn);
    assert_eq!(found.display_name, "fs:read");
    assert_eq!(found.user_id, me.user_id());
    assert_eq!(found.tags, ["b", "a"]);
    assert_eq!(found.tools, ["fs:read", "std:psql_query"]);
    assert_eq!(found.description.as_deref(), Some("Does read"));
    assert_eq!((found.usage_count, found.success_count), (10, 8));
    assert_eq!(found.avg_duration_ms, 100);
    assert_eq!(found.last_used, Some(day(4)));
    assert_eq!(found.visibility, Visibility::Project);
    assert_eq!(found.routing, Routing::Local);
    assert_eq!(found.permission_set, Some(PermissionSet::Minimal));
    assert_eq!((found.version, found.verified), (1, false));
    assert_eq!((found.version_tag, found.signature), (None, None));
    assert!(found.code_snippet.unwrap().contains(&made.id.to_string()));
    assert!(!found.embedding_stale);
    assert_eq!(found.warning, None);
}

/// AT-35.
#[tokio::test]
async fn the_success_rate_is_that_of_the_uses_and_zero_without_any() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    seed(&local, "fs:read").used(10, 8).insert(db).await;
    seed(&local, "fs:write").used(0, 0).insert(db).await;
    // What is stored in that column does not count.
    sql(db, "UPDATE workflow_pattern SET success_rate = 1").await;
    for (name, rate) in [("fs:read", 0.8), ("fs:write", 0.0)] {
        let found = get(db, &local, &reference(name)).await.unwrap();
        assert!((found.success_rate - rate).abs() < 1e-12, "{name}");
    }
    let listed = list(
        db,
        &local,
        &pml_service::capabilities::ListFilter::default(),
        pml_service::PageRequest::default(),
    )
    .await
    .unwrap();
    let rates: Vec<f64> = listed.items.iter().map(|row| row.success_rate).collect();
    assert!((rates[0] - 0.8).abs() < 1e-12 && rates[1].abs() < 1e-12);
}

#[tokio::test]
async fn an_entry_without_code_is_still_readable() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read")
        .without_code()
        .insert(db)
        .await;
    let found = get(db, &Principal::Local, &made.reference()).await.unwrap();
    assert_eq!((found.pattern_id, found.code_hash), (None, None));
    assert_eq!((found.usage_count, found.avg_duration_ms), (0, 0));
    assert_eq!((found.permission_set, found.last_used), (None, None));
    assert!(found.tools.is_empty() && found.success_rate.abs() < f64::EPSILON);
}

/// AT-87 for reading: the private entry of a colleague answers like one that there is not.
#[tokio::test]
async fn a_private_entry_is_unknown_to_others_under_all_its_names() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "acme", "webapp").await;
    let bob = user(db, "acme", "webapp").await;
    let made = seed(&alice, "fs:read").insert(db).await;
    let id = made.id.to_string();
    for text in [
        id.as_str(),
        &made.fqdn,
        "acme.webapp.fs.read",
        "fs:read",
        "read",
    ] {
        assert!(get(db, &alice, &reference(text)).await.is_ok());
        let hidden = get(db, &bob, &reference(text)).await;
        assert_not_found(hidden, text);
    }
    let unknown = "11111111-2222-4333-8444-555555555555";
    assert_not_found(get(db, &bob, &reference(unknown)).await, unknown);
}

#[tokio::test]
async fn one_statement_by_id_and_two_by_name() {
    let test = database().await;
    let db = test.db();
    let local = Principal::Local;
    let made = seed(&local, "fs:read").insert(db).await;
    for rows in [0, 50] {
        for number in 0..rows {
            seed(&local, &format!("ns{number}:a")).insert(db).await;
        }
        for (text, statements) in [(made.id.to_string(), 1), ("fs:read".to_owned(), 2)] {
            let before = db.statements().snapshot();
            get(db, &local, &reference(&text)).await.unwrap();
            assert_eq!(db.statements().since(&before).statements, statements);
        }
    }
}

#[tokio::test]
async fn times_are_those_of_the_entry() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read").insert(db).await;
    let found = get(db, &Principal::Local, &made.reference()).await.unwrap();
    assert_eq!(found.created_at, stored_record(db, &made).await.created_at);
    assert!(found.created_at < Utc::now() + chrono::Days::new(400));
    assert_eq!(found.updated_at, None);
}
