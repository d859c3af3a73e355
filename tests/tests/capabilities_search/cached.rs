//! The cache in front of single capabilities: what it saves, and that it never shows what a change has made old.

use std::sync::Arc;
use std::time::Duration;

use pml_entity::values::PermissionSet;
use pml_service::capabilities::permissions::PermissionChange;
use pml_service::capabilities::{CachedCapabilities, Reference, Rename, SaveRequest};
use pml_service::embedding::HashingEmbedder;
use pml_service::{Db, Principal};
use pml_testkit::database;
use serde_json::json;

use super::data::{Stored, capability, entry, run, user};

const LOCAL: &Principal = &Principal::Local;

fn cache(db: &Db) -> CachedCapabilities {
    CachedCapabilities::new(db.clone(), Arc::new(HashingEmbedder))
}

fn by_name(name: &str) -> Reference {
    name.parse().unwrap()
}

/// Statements of one read.
async fn cost(cache: &CachedCapabilities, db: &Db, who: &Principal, reference: &Reference) -> u64 {
    let before = db.statements().snapshot();
    cache.get(who, reference).await.unwrap();
    db.statements().since(&before).statements
}

/// Changes the row behind the cache's back, as another process would.
async fn describe(db: &Db, what: Stored, text: &str) {
    run(
        db,
        "UPDATE workflow_pattern SET description = $1 WHERE pattern_id = $2",
        [text.into(), what.pattern_id.as_uuid().into()],
    )
    .await;
}

async fn description(cache: &CachedCapabilities, reference: &Reference) -> Option<String> {
    cache
        .get(LOCAL, reference)
        .await
        .unwrap()
        .description
        .clone()
}

#[tokio::test]
async fn a_second_read_costs_no_statement_and_gives_the_same_value() {
    let test = database().await;
    let db = test.db();
    let made = capability("fs:read", 0.0).add(db).await;
    let cache = cache(db);
    for reference in [
        Reference::Id(made.id),
        by_name("fs:read"),
        by_name("read"),
        by_name("local.default.fs.read"),
    ] {
        assert!(cost(&cache, db, LOCAL, &reference).await > 0);
        assert_eq!(cost(&cache, db, LOCAL, &reference).await, 0);
    }
    let (first, second) = (
        cache.get(LOCAL, &made.id.into()).await.unwrap(),
        cache.get(LOCAL, &made.id.into()).await.unwrap(),
    );
    assert!(Arc::ptr_eq(&first, &second));
    cache.forget_all();
    assert!(cost(&cache, db, LOCAL, &made.id.into()).await > 0);
}

#[tokio::test]
async fn an_entry_lives_as_long_as_its_row_says() {
    let test = database().await;
    let db = test.db();
    let mut short = capability("fs:short", 0.0);
    short.cache_config = json!({"ttl_ms": 400, "cacheable": true});
    let short = short.add(db).await;
    let long = capability("fs:long", 0.0).add(db).await;
    let cache = cache(db);
    cache.get(LOCAL, &short.id.into()).await.unwrap();
    cache.get(LOCAL, &long.id.into()).await.unwrap();
    describe(db, short, "new").await;
    describe(db, long, "new").await;
    assert_eq!(description(&cache, &short.id.into()).await, None);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(
        description(&cache, &short.id.into()).await.as_deref(),
        Some("new")
    );
    assert_eq!(description(&cache, &long.id.into()).await, None);
}

#[tokio::test]
async fn rows_that_may_not_be_cached_are_read_each_time() {
    let test = database().await;
    let db = test.db();
    let cache = cache(db);
    for (number, config) in [
        json!({"ttl_ms": 3_600_000, "cacheable": false}),
        json!({"ttl_ms": 0, "cacheable": true}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut made = capability("fs:a", 0.0).named(number);
        made.cache_config = config;
        let made = made.add(db).await;
        for _ in 0..2 {
            assert!(cost(&cache, db, LOCAL, &made.id.into()).await > 0);
        }
    }
}

#[tokio::test]
async fn what_was_not_found_is_looked_for_again() {
    let test = database().await;
    let db = test.db();
    let cache = cache(db);
    let reference = by_name("fs:read");
    assert_eq!(
        cache.get(LOCAL, &reference).await.unwrap_err().code(),
        "not_found"
    );
    capability("fs:read", 0.0).add(db).await;
    assert!(cache.get(LOCAL, &reference).await.is_ok());
}

#[tokio::test]
async fn two_people_never_share_an_entry() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "default").await;
    let bob = user(db, "bob", "market", "default").await;
    let secret = capability("fs:read", 0.0)
        .of(&alice, "private")
        .add(db)
        .await;
    let of_bob = capability("fs:read", 0.0).of(&bob, "private").add(db).await;
    let cache = cache(db);
    let name = by_name("fs:read");
    assert_eq!(cache.get(&alice, &name).await.unwrap().id, secret.id);
    assert_eq!(cache.get(&bob, &name).await.unwrap().id, of_bob.id);
    for who in [&bob, &Principal::Anonymous] {
        assert!(cache.get(&alice, &secret.id.into()).await.is_ok());
        assert_eq!(
            cache.get(who, &secret.id.into()).await.unwrap_err().code(),
            "not_found"
        );
    }
    // The same user in another project is another searcher.
    let Principal::User { id, .. } = alice else {
        panic!()
    };
    let elsewhere = Principal::User {
        id,
        org: "other".to_owned(),
        project: "default".to_owned(),
    };
    assert!(cost(&cache, db, &elsewhere, &secret.id.into()).await > 0);
}

#[tokio::test]
async fn a_repeated_save_forgets_that_capability_and_no_other() {
    let test = database().await;
    let db = test.db();
    let cache = cache(db);
    let request = || SaveRequest {
        namespace: Some("fs".to_owned()),
        action: Some("read".to_owned()),
        ..SaveRequest::new("return 1", "Reads a file")
    };
    let saved = cache.save(LOCAL, request()).await.unwrap();
    let other = capability("fs:other", 0.0).add(db).await;
    assert_eq!(
        cache
            .get(LOCAL, &saved.id.into())
            .await
            .unwrap()
            .usage_count,
        1
    );
    cache.get(LOCAL, &by_name("fs:read")).await.unwrap();
    cache.get(LOCAL, &other.id.into()).await.unwrap();
    // Without the name: with one the code might get a second entry, and names would mean something else.
    let unnamed = SaveRequest {
        namespace: None,
        action: None,
        ..request()
    };
    let again = cache.save(LOCAL, unnamed).await.unwrap();
    assert!(!again.created && again.id == saved.id);
    assert_eq!(
        cache
            .get(LOCAL, &saved.id.into())
            .await
            .unwrap()
            .usage_count,
        2
    );
    assert_eq!(
        cache
            .get(LOCAL, &by_name("fs:read"))
            .await
            .unwrap()
            .usage_count,
        2
    );
    assert_eq!(cost(&cache, db, LOCAL, &other.id.into()).await, 0);
}

/// Known code under another name gets a second entry, which may have a name that a cached reference meant until now.
#[tokio::test]
async fn a_second_name_for_known_code_may_be_what_a_name_means_now() {
    let test = database().await;
    let db = test.db();
    let cache = cache(db);
    let request = |action: &str| SaveRequest {
        namespace: Some("fs".to_owned()),
        action: Some(action.to_owned()),
        ..SaveRequest::new("return 'known';", "known")
    };
    let first = cache.save(LOCAL, request("old")).await.unwrap();
    let rename = Rename {
        action: Some("new".to_owned()),
        ..Rename::default()
    };
    cache
        .rename(LOCAL, &by_name("fs:old"), rename)
        .await
        .unwrap();
    assert_eq!(
        cache.get(LOCAL, &by_name("fs:old")).await.unwrap().id,
        first.id
    );
    let second = cache.save(LOCAL, request("old")).await.unwrap();
    assert!(!second.created && second.id != first.id);
    assert_eq!(
        cache.get(LOCAL, &by_name("fs:old")).await.unwrap().id,
        second.id
    );
}

/// `read` meant the public one; now the caller has their own.
#[tokio::test]
async fn a_new_capability_may_be_what_a_name_means_now() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "default").await;
    let bob = user(db, "bob", "market", "default").await;
    let mut public = capability("fs:read", 0.0).of(&alice, "public");
    public.model = None;
    let public = public.add(db).await;
    let cache = cache(db);
    assert_eq!(
        cache.get(&bob, &by_name("fs:read")).await.unwrap().id,
        public.id
    );
    let saved = cache
        .save(
            &bob,
            SaveRequest {
                namespace: Some("fs".to_owned()),
                action: Some("read".to_owned()),
                ..SaveRequest::new("return 2", "Reads otherwise")
            },
        )
        .await
        .unwrap();
    assert_eq!(
        cache.get(&bob, &by_name("fs:read")).await.unwrap().id,
        saved.id
    );
}

#[tokio::test]
async fn a_rename_is_seen_at_once_under_both_names() {
    let test = database().await;
    let db = test.db();
    let made = capability("fs:read", 0.0).add(db).await;
    let cache = cache(db);
    cache.get(LOCAL, &by_name("fs:read")).await.unwrap();
    cache.get(LOCAL, &made.id.into()).await.unwrap();
    let to = Rename {
        action: Some("load".to_owned()),
        ..Rename::default()
    };
    // The stored vector is of another model, so nothing is embedded anew in this test.
    run(db, "UPDATE workflow_pattern SET embedding_model = NULL", []).await;
    cache.rename(LOCAL, &by_name("fs:read"), to).await.unwrap();
    assert_eq!(
        cache.get(LOCAL, &made.id.into()).await.unwrap().action,
        "load"
    );
    let old = cache.get(LOCAL, &by_name("fs:read")).await.unwrap();
    assert_eq!(old.action, "load");
    assert!(old.warning.is_some());
    assert_eq!(
        cache.get(LOCAL, &by_name("fs:load")).await.unwrap().warning,
        None
    );
}

#[tokio::test]
async fn a_deleted_capability_is_gone_for_everyone() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "default").await;
    let made = capability("fs:read", 0.0)
        .of(&alice, "public")
        .add(db)
        .await;
    let cache = cache(db);
    for who in [&alice, LOCAL, &Principal::Anonymous] {
        cache.get(who, &made.id.into()).await.unwrap();
    }
    cache.delete(&alice, &made.id.into()).await.unwrap();
    for who in [&alice, LOCAL, &Principal::Anonymous] {
        assert_eq!(
            cache.get(who, &made.id.into()).await.unwrap_err().code(),
            "not_found"
        );
    }
}

#[tokio::test]
async fn a_merge_leaves_neither_the_source_nor_the_old_counts() {
    let test = database().await;
    let db = test.db();
    let source = capability("fs:a", 0.0).record(10, 10).add(db).await;
    let target = capability("fs:b", 0.0).record(30, 10).add(db).await;
    let cache = cache(db);
    for id in [source.id, target.id] {
        cache.get(LOCAL, &id.into()).await.unwrap();
    }
    cache
        .merge(LOCAL, &source.id.into(), &target.id.into(), Some(false))
        .await
        .unwrap();
    let moved = cache.get(LOCAL, &source.id.into()).await.unwrap();
    assert_eq!(moved.id, target.id);
    assert!(moved.warning.is_some());
    assert_eq!(
        cache
            .get(LOCAL, &target.id.into())
            .await
            .unwrap()
            .usage_count,
        40
    );
}

#[tokio::test]
async fn a_permission_change_is_seen_through_every_name_of_the_pattern() {
    let test = database().await;
    let db = test.db();
    let made = capability("fs:a", 0.0).add(db).await;
    let twin = entry(db, made.pattern_id, &capability("fs:twin", 0.0)).await;
    let cache = cache(db);
    let set = async || cache.get(LOCAL, &twin.into()).await.unwrap().permission_set;
    assert_eq!(set().await, Some(PermissionSet::Minimal));
    let change = PermissionChange::approve(PermissionSet::Readonly);
    cache
        .change_permission(LOCAL, &made.id.into(), change)
        .await
        .unwrap();
    assert_eq!(set().await, Some(PermissionSet::Readonly));
}

#[tokio::test]
async fn a_refused_change_forgets_nothing() {
    let test = database().await;
    let db = test.db();
    let made = capability("fs:a", 0.0).add(db).await;
    let cache = cache(db);
    cache.get(LOCAL, &made.id.into()).await.unwrap();
    assert_eq!(
        cache
            .delete(LOCAL, &by_name("fs:unknown"))
            .await
            .unwrap_err()
            .code(),
        "not_found"
    );
    let empty = SaveRequest::new("", "x");
    assert!(cache.save(LOCAL, empty).await.is_err());
    assert_eq!(cost(&cache, db, LOCAL, &made.id.into()).await, 0);
}

/// A change whose caller goes away half-way may have been committed.
#[tokio::test]
async fn a_change_that_is_given_up_forgets_everything() {
    let test = database().await;
    let db = test.db();
    let made = capability("fs:a", 0.0).add(db).await;
    let cache = cache(db);
    let reference = Reference::Id(made.id);
    cache.get(LOCAL, &reference).await.unwrap();
    {
        let mut delete = std::pin::pin!(cache.delete(LOCAL, &reference));
        assert!(futures::poll!(&mut delete).is_pending());
    }
    assert!(cost_or_gone(&cache, db, &reference).await > 0);
}

async fn cost_or_gone(cache: &CachedCapabilities, db: &Db, reference: &Reference) -> u64 {
    let before = db.statements().snapshot();
    let _ = cache.get(LOCAL, reference).await;
    db.statements().since(&before).statements
}
