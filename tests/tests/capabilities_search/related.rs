//! What goes with a capability: dependencies, alternatives, and what ran at the same time.

use pml_service::capabilities::{
    Reference, SearchRequest, alternatives, co_occurring, search_with_dependencies,
};
use pml_service::{Db, Principal};
use pml_testkit::database;
use sea_orm::prelude::Uuid;

use super::data::{Degrees, Stored, around, capability, close, edge, entry, run, user};

const LOCAL: &Principal = &Principal::Local;

fn by_id(stored: Stored) -> Reference {
    Reference::Id(stored.id)
}

#[tokio::test]
async fn each_hit_brings_its_ten_most_certain_dependencies_in_one_more_statement() {
    let test = database().await;
    let db = test.db();
    let first = capability("first", 0.0).add(db).await;
    let second = capability("second", 60.0).add(db).await;
    for number in 0..12 {
        let target = capability("t", 95.0).named(number).add(db).await;
        edge(db, first, target, "dependency", f64::from(number) / 20.0).await;
    }
    let other = capability("other", 95.0).add(db).await;
    edge(db, first, other, "sequence", 1.0).await;
    edge(db, other, second, "dependency", 1.0).await;
    let request = SearchRequest {
        min_score: Some(0.2),
        ..around(0.0, 5)
    };
    let before = db.statements().snapshot();
    let found = search_with_dependencies(db, &Degrees, LOCAL, &request)
        .await
        .unwrap()
        .results;
    assert!(db.statements().since(&before).statements <= 3);
    assert_eq!(
        found.iter().map(|found| found.hit.id).collect::<Vec<_>>(),
        [first.id, second.id]
    );
    let names: Vec<&str> = found[0]
        .dependencies
        .iter()
        .map(|target| target.display_name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "ns:t11", "ns:t10", "ns:t9", "ns:t8", "ns:t7", "ns:t6", "ns:t5", "ns:t4", "ns:t3",
            "ns:t2"
        ]
    );
    assert!(close(found[0].dependencies[0].confidence_score, 0.55));
    assert!(close(found[0].dependencies[0].success_rate, 0.9));
    assert!(found[1].dependencies.is_empty());
}

#[tokio::test]
async fn a_dependency_that_is_hidden_is_not_shown() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "default").await;
    let bob = user(db, "bob", "market", "default").await;
    let open = capability("open", 0.0).of(&alice, "public").add(db).await;
    let secret = capability("secret", 95.0)
        .of(&alice, "private")
        .add(db)
        .await;
    edge(db, open, secret, "dependency", 1.0).await;
    edge(
        db,
        open,
        capability("shown", 95.0).of(&alice, "public").add(db).await,
        "dependency",
        0.5,
    )
    .await;
    let shown = async |who: &Principal| {
        let found = search_with_dependencies(db, &Degrees, who, &around(0.0, 1))
            .await
            .unwrap();
        found.results[0]
            .dependencies
            .iter()
            .map(|target| target.display_name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(shown(&alice).await, ["ns:secret", "ns:shown"]);
    assert_eq!(shown(&bob).await, ["ns:shown"]);
}

/// AT-73.
#[tokio::test]
async fn alternatives_need_more_than_seventy_percent_and_get_ninety_percent_of_the_score() {
    let test = database().await;
    let db = test.db();
    let matched = capability("matched", 0.0).add(db).await;
    let good = capability("good", 0.0).record(100, 85).add(db).await;
    let better = capability("better", 0.0).record(10, 10).add(db).await;
    let edge_case = capability("exactly", 0.0).record(10, 7).add(db).await;
    let bad = capability("bad", 0.0).record(10, 5).add(db).await;
    let unrelated = capability("unrelated", 0.0).record(10, 10).add(db).await;
    edge(db, matched, good, "alternative", 0.4).await;
    edge(db, good, matched, "alternative", 0.6).await;
    edge(db, better, matched, "alternative", 0.3).await;
    edge(db, matched, edge_case, "alternative", 1.0).await;
    edge(db, bad, matched, "alternative", 1.0).await;
    edge(db, matched, unrelated, "sequence", 1.0).await;
    let before = db.statements().snapshot();
    let found = alternatives(db, LOCAL, &by_id(matched), 0.8).await.unwrap();
    assert!(db.statements().since(&before).statements <= 2);
    let names: Vec<&str> = found
        .iter()
        .map(|found| found.display_name.as_str())
        .collect();
    assert_eq!(names, ["ns:better", "ns:good"]);
    assert!(found.iter().all(|found| close(found.score, 0.72)));
    assert!(close(found[1].confidence_score, 0.6) && close(found[1].success_rate, 0.85));
    for score in [-0.1, 1.1, f64::NAN] {
        assert_eq!(
            alternatives(db, LOCAL, &by_id(matched), score)
                .await
                .unwrap_err()
                .code(),
            "invalid_filter"
        );
    }
}

#[tokio::test]
async fn hidden_alternatives_and_hidden_starting_points_do_not_exist() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "default").await;
    let bob = user(db, "bob", "market", "default").await;
    let open = capability("open", 0.0).of(&alice, "public").add(db).await;
    let secret = capability("secret", 0.0)
        .of(&alice, "private")
        .add(db)
        .await;
    edge(db, open, secret, "alternative", 1.0).await;
    assert_eq!(
        alternatives(db, &alice, &by_id(open), 0.8)
            .await
            .unwrap()
            .len(),
        1
    );
    assert!(
        alternatives(db, &bob, &by_id(open), 0.8)
            .await
            .unwrap()
            .is_empty()
    );
    let hidden = alternatives(db, &bob, &by_id(secret), 0.8)
        .await
        .unwrap_err();
    let unknown = Reference::Id(pml_entity::values::CapabilityId::generate());
    assert_eq!(hidden.code(), "not_found");
    assert_eq!(
        alternatives(db, &bob, &unknown, 0.8)
            .await
            .unwrap_err()
            .code(),
        "not_found"
    );
    assert_eq!(
        co_occurring(db, &bob, &by_id(secret), None)
            .await
            .unwrap_err()
            .code(),
        "not_found"
    );
}

/// A run at some second, of a user, as a part of another run.
async fn ran(
    db: &Db,
    what: Stored,
    second: i64,
    who: Option<&Principal>,
    parent: Option<Uuid>,
) -> Uuid {
    let id = Uuid::new_v4();
    run(
        db,
        "INSERT INTO execution_trace (id, capability_id, executed_at, success, duration_ms, user_id, parent_trace_id) \
         VALUES ($1, $2, timestamptz '2026-01-01 00:00:00Z' + make_interval(secs => $3), true, 1, $4, $5)",
        [
            id.into(),
            what.pattern_id.as_uuid().into(),
            (second as f64).into(),
            who.and_then(Principal::user_id).map(|user| user.as_uuid()).into(),
            parent.into(),
        ],
    )
    .await;
    id
}

#[tokio::test]
async fn runs_of_one_parent_or_of_one_user_within_an_hour_occur_together() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "default").await;
    let a = capability("a", 0.0).of(&alice, "private").add(db).await;
    let sibling = capability("sibling", 0.0)
        .of(&alice, "private")
        .add(db)
        .await;
    let soon = capability("soon", 0.0).of(&alice, "private").add(db).await;
    let late = capability("late", 0.0).of(&alice, "private").add(db).await;
    let parent = ran(db, late, -100_000, Some(&alice), None).await;
    ran(db, a, 0, Some(&alice), Some(parent)).await;
    ran(db, a, 10, Some(&alice), None).await;
    // The child is within the hour of both runs too: it is one run all the same.
    ran(db, sibling, 20, Some(&alice), Some(parent)).await;
    ran(db, soon, 3_599, Some(&alice), None).await;
    ran(db, soon, -3_599, Some(&alice), None).await;
    // An hour exactly is too much, from either of the two.
    ran(db, late, 3_610, Some(&alice), None).await;
    ran(db, late, -3_600, Some(&alice), None).await;
    for who in [&alice, LOCAL] {
        let before = db.statements().snapshot();
        let found = co_occurring(db, who, &by_id(a), None).await.unwrap();
        assert!(db.statements().since(&before).statements <= 2);
        let counts: Vec<(&str, i64)> = found
            .iter()
            .map(|found| (found.display_name.as_str(), found.count))
            .collect();
        assert_eq!(counts, [("ns:soon", 2), ("ns:sibling", 1)]);
        assert_eq!(found[0].last_seen.to_rfc3339(), "2026-01-01T00:59:59+00:00");
    }
    assert_eq!(
        co_occurring(db, &alice, &by_id(a), Some(1))
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        co_occurring(db, &alice, &by_id(a), Some(0))
            .await
            .unwrap_err()
            .code(),
        "invalid_limit"
    );
}

#[tokio::test]
async fn two_unknown_users_are_not_one_and_only_a_parent_joins_their_runs() {
    let test = database().await;
    let db = test.db();
    let (a, b, c) = (
        capability("a", 0.0).add(db).await,
        capability("b", 0.0).add(db).await,
        capability("c", 0.0).add(db).await,
    );
    let parent = ran(db, c, -100_000, None, None).await;
    ran(db, a, 0, None, Some(parent)).await;
    ran(db, b, 1, None, None).await;
    assert!(
        co_occurring(db, LOCAL, &by_id(a), None)
            .await
            .unwrap()
            .is_empty()
    );
    ran(db, b, 2, None, Some(parent)).await;
    let found = co_occurring(db, LOCAL, &by_id(a), None).await.unwrap();
    assert_eq!((found.len(), found[0].count), (1, 1));
}

#[tokio::test]
async fn runs_of_others_and_hidden_capabilities_show_nothing() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "alice", "acme", "default").await;
    let bob = user(db, "bob", "market", "default").await;
    let open = capability("open", 0.0).of(&alice, "public").add(db).await;
    let other = capability("other", 0.0).of(&alice, "public").add(db).await;
    let secret = capability("secret", 0.0)
        .of(&alice, "private")
        .add(db)
        .await;
    entry(
        db,
        other.pattern_id,
        &capability("again", 0.0).of(&alice, "public"),
    )
    .await;
    for (what, who) in [
        (open, &alice),
        (other, &alice),
        (secret, &alice),
        (open, &bob),
    ] {
        ran(db, what, 0, Some(who), None).await;
    }
    assert_eq!(
        co_occurring(db, &alice, &by_id(open), None)
            .await
            .unwrap()
            .len(),
        2
    );
    assert!(
        co_occurring(db, &bob, &by_id(open), None)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        co_occurring(db, &Principal::Anonymous, &by_id(open), None)
            .await
            .unwrap()
            .is_empty()
    );
    // Bob ran the hidden one while he still could; it is hidden now.
    ran(db, secret, 1, Some(&bob), None).await;
    ran(db, other, 1, Some(&bob), None).await;
    let found = co_occurring(db, &bob, &by_id(open), None).await.unwrap();
    assert_eq!(
        found
            .iter()
            .map(|found| found.pattern_id)
            .collect::<Vec<_>>(),
        [other.pattern_id]
    );
}
